"""A kubeconfig for real kubectl, pointing at the sandbox's clusters.

Source   https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import json
from pathlib import Path

from drill.options import Json


def kubeconfig(described: Json, token: str) -> Json:
    """One context for each cluster, all with the same bearer token. `described` is sandbox.json."""
    clusters = described["seed"]["clusters"]
    user = "firebreak"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(clusters)),
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": cluster["server"],
                    "certificate-authority": described["ca_bundle"],
                },
            }
            for name, cluster in clusters.items()
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": user, "namespace": "shop"}}
            for name in clusters
        ],
    }


def write_private(path: Path, content: str) -> Path:
    """A file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(content)
    return path


def write(path: Path, described: Json, token: str) -> Path:
    """The kubeconfig as a private file. JSON is YAML."""
    return write_private(path, json.dumps(kubeconfig(described, token), indent=2) + "\n")
