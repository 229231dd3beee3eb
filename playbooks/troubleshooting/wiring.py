"""Which pods and templates the checks look at, and how a pod is wired. Pure."""

from playbooks.troubleshooting.model import Facts
from responders.wired_pods import VARIABLES, ContainerSeen, PodSeen, TemplateSeen


def running(facts: Facts) -> list[PodSeen]:
    """Those that still run, or try to; of what is on its way out nothing has to be mended."""
    pods = facts["wiring"]["pods"]
    return [one for one in pods if not one["finished"] and not one["terminating"]]


def makers(facts: Facts) -> list[TemplateSeen]:
    """What makes the pods that were asked about; with nothing running, whatever would make some."""
    made = {one["made_by"] for one in facts["wiring"]["pods"]}
    templates = facts["wiring"]["templates"]
    return [one for one in templates if not made or f"{one['kind']}/{one['name']}" in made]


def wired(pod: PodSeen) -> list[ContainerSeen]:
    """The containers that the webhook is not asked to pass by."""
    return [one for one in pod["containers"] if not one["skipped"]]


def wires_itself(pod: PodSeen) -> bool:
    """Whether its own manifest has all that the webhook would inject, so that it needs none."""
    by_hand = pod["use_label"] != "true" and bool(pod["tokens"])
    return by_hand and all(
        one["variables"].keys() >= {*VARIABLES[:3]}
        and any(token["volume"] in one["mounts"] for token in pod["tokens"])
        for one in wired(pod)
    )


def is_mounted(pod: PodSeen, container: ContainerSeen, file: str) -> bool:
    """Whether a token for Entra is mounted as this file."""
    return any(
        file == f"{container['mounts'][token['volume']].rstrip('/')}/{token['path']}"
        for token in pod["tokens"]
        if token["volume"] in container["mounts"]
    )


def client_id_of(facts: Facts) -> str:
    """The client id that its pods get, or were given by their own manifest, or that somebody asked about."""
    account = facts["wiring"]["account"]
    if account is not None and account["client_id"]:
        return account["client_id"]
    own = [
        said
        for pod in running(facts)
        if wires_itself(pod)
        for one in wired(pod)
        if (said := one["variables"].get("AZURE_CLIENT_ID"))
    ]
    return own[0] if own else facts["asked_for"]
