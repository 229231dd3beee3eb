"""Fixtures that every test may use, and the order of the tests."""

import os
from collections.abc import Iterator

import pytest
import trustme

from tests.azure_fake import azure, cloud, sandbox_cloud
from tests.in_process import in_process
from tests.kubernetes_api import any_cluster, api, local_cluster
from tests.sandbox_fixture import sandbox, sandbox_process
from tests.scenario_play import scenario_stage

__all__ = [
    "any_cluster",
    "api",
    "azure",
    "cloud",
    "in_process",
    "local_cluster",
    "sandbox",
    "sandbox_cloud",
    "sandbox_process",
    "scenario_stage",
]


@pytest.fixture(scope="session", autouse=True)
def no_public_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test calls anything public, and to read the system's certificates takes 50 ms a connection."""
    nobody = tmp_path_factory.mktemp("authorities") / "nobody.pem"
    trustme.CA().cert_pem.write_to_path(nobody)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(nobody))
        patch.setenv("SSL_CERT_DIR", os.devnull)
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Random as pytest-randomly left them, but the slow ones first: both workers end together."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
