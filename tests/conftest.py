"""Fixtures that every test may use."""

from tests.azure_fake import azure, cloud, sandbox_cloud
from tests.kubernetes_api import any_cluster, api, local_cluster
from tests.sandbox_fixture import sandbox, sandbox_process

__all__ = [
    "any_cluster",
    "api",
    "azure",
    "cloud",
    "local_cluster",
    "sandbox",
    "sandbox_cloud",
    "sandbox_process",
]
