"""The drill's alert is one that Azure Monitor could have sent: the trigger takes it, and finds its principal."""

import json

from drill.alert import log_alert
from triggers.formats.common_alerts import parse

DESCRIBED = {"subscription_id": "0b1f6471-1bf0-4dda-aec3-cb9272f09590"}
PRINCIPAL = "9b0f7d3a-7a53-4a4e-8e0c-0c7f1a6f5b11"


def test_the_trigger_reads_the_principal_from_the_dimensions() -> None:
    signal = parse(json.dumps(log_alert(DESCRIBED, PRINCIPAL)).encode(), "key")

    assert signal["hint"] == {"object_id": PRINCIPAL}
    assert (signal["kind"], signal["severity"]) == ("log-alert", "Sev0")


def test_two_alerts_are_two_signals() -> None:
    ids = {log_alert(DESCRIBED, PRINCIPAL)["data"]["essentials"]["alertId"] for _ in range(2)}

    assert len(ids) == 2


def test_an_alert_fits_into_an_action_groups_limit() -> None:
    assert len(json.dumps(log_alert(DESCRIBED, PRINCIPAL))) < 256 * 1024
