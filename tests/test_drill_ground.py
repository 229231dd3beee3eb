"""A drill never reaches a real cloud, whatever lies in the shell that it is started from."""

import json
import stat
from pathlib import Path

from drill.kubeconfig import write
from drill.training_ground import without_real_cloud


def test_settings_of_a_real_cloud_do_not_reach_our_processes() -> None:
    shell = {
        "PATH": "/usr/bin",
        "AZURE_CLIENT_SECRET": "real",
        "ARM_TENANT_ID": "real",
        "FIREBREAK_ARM_ENDPOINT": "https://management.azure.com",
        "IDENTITY_ENDPOINT": "http://169.254.169.254",
        "HTTPS_PROXY": "http://proxy",
        "https_proxy": "http://proxy",
    }

    kept = without_real_cloud(shell)

    assert kept["PATH"] == "/usr/bin"
    assert "real" not in kept.values()
    assert not {name for name in kept if name.lower().endswith(("_proxy", "endpoint"))} - {
        "NO_PROXY"
    }


def test_the_kubeconfig_is_private_and_has_a_context_for_each_cluster(tmp_path: Path) -> None:
    clusters = {name: {"server": f"https://localhost/{name}"} for name in ("aks-weu", "aks-neu")}
    described = {"ca_bundle": "/ca.pem", "seed": {"clusters": clusters}}
    (tmp_path / "kubeconfig").write_text("left over, readable by everybody")
    (tmp_path / "kubeconfig").chmod(0o644)

    path = write(tmp_path / "kubeconfig", described, "token")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each["name"] for each in json.loads(path.read_text())["contexts"]] == list(clusters)
