"""The stores that every test of evidence runs against."""

from pathlib import Path

import pytest

from responders.evidence import EvidenceStore
from responders.evidence_folder import EvidenceFolder


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceFolder(tmp_path / "evidence")
