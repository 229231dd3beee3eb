"""policy.toml is read strictly: what is misspelt must not be ignored."""

from pathlib import Path

import pytest

from playbooks import policy

SHIPPED = Path(__file__).parent.parent / "policy.toml"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return path


def test_the_shipped_policy_loads() -> None:
    assert policy.load(SHIPPED).guards.acting


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("acting = true", "actng = true", "guards.actng"),
        ("[windows]", "[window]", "window"),
        ('mode = "respond"', 'mode = "destroy"', "signals.0.mode"),
        ('severity = ["Sev0"]', 'severity = ["Sev9"]', "signals.0.*'Sev9'"),
        ('kind = ["log-alert"]', 'kind = ["log-alerts"]', "signals.0.*'log-alerts'"),
        ('mode = "respond"', 'mode = "record"', "signals.0.*playbook is needed"),
        ('source = "sentinel"', 'source = "sentinels"', "signals.11.source"),
        ("protected = []", 'protected = ["orders-api"]', "guards.protected"),
        ("expires_minutes = 60", 'expires_minutes = "60"', "consent.expires_minutes"),
        ("attempts = 5", "attempts = 500", "retries.attempts"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = SHIPPED.read_text()
    assert old in text

    with pytest.raises(policy.PolicyError, match=named):
        policy.load(written(tmp_path, text.replace(old, new)))


def test_a_missing_file_says_which_setting_names_it(tmp_path: Path) -> None:
    with pytest.raises(policy.PolicyError, match="FIREBREAK_POLICY"):
        policy.load(tmp_path / "absent.toml")


def test_a_missing_section_is_an_error_and_not_a_default(tmp_path: Path) -> None:
    with pytest.raises(policy.PolicyError, match="guards"):
        policy.load(written(tmp_path, SHIPPED.read_text().replace("[guards]", "[windows2]")))
