"""Fixtures that every test may use."""

from tests.azure_fake import azure, cloud, sandbox_cloud
from tests.sandbox_fixture import sandbox, sandbox_process

__all__ = ["azure", "cloud", "sandbox", "sandbox_cloud", "sandbox_process"]
