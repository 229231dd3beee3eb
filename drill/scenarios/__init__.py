"""Scenarios of `make drill SCENARIO=...`: one module each, in the order of this table."""

from collections.abc import Mapping

from drill.scenarios import (
    rogue_fic_on_app,
    rogue_fic_on_identity,
    role_at_management_group,
    second_app,
    secret_on_service_principal,
    stolen_service_account_token,
)
from drill.scenarios.scenario import Scenario

SCENARIOS: Mapping[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        rogue_fic_on_app,
        rogue_fic_on_identity,
        secret_on_service_principal,
        stolen_service_account_token,
        role_at_management_group,
        second_app,
    )
}
