"""The world in a normal form: equal for two worlds in which the same holds, however they got there.

What containment and recovery can change is in it, each object under its natural key: a role assignment under scope,
principal and role; a federated credential under its holder and name; a Kubernetes object under namespace and name. What
comes back under a new id is therefore the same again. Lists that are sets are objects here, by their members' keys.

Left out are what time alone changes (versions, timestamps, status), ids that are drawn anew, what only grows (logs,
activity, messages, revocations of tokens), and what a controller makes by itself, of which the pods that run stand for
all. Each module says what it drops.
"""

from sandbox.control.normal_form import azure, directory, kubernetes
from sandbox.world import Json, World


def of(world: World) -> Json:
    """All parts, each an object by natural key."""
    return {
        **directory.parts(world),
        **azure.parts(world),
        "clusters": {name: kubernetes.of_cluster(each) for name, each in world.clusters.items()},
    }
