"""An identity before containment and now, for tests of what a restore makes of the difference."""

import copy
from typing import Any, cast

from playbooks.restoring.comparing import Compared, Findings
from responders.model import Grant, Incident
from responders.presences import Standing
from tests.a_principal import OBJECT, PRINCIPAL
from tests.snapshot import snapshot

START = "2026-01-01T00:00:00+00:00"
OLD, RECENT = "2025-06-01T00:00:00+00:00", "2026-01-01T06:00:00+00:00"
ISSUER = "https://oidc.example/weu/"
SUBJECT = "system:serviceaccount:shop:orders-api"


def incident(**principal: Any) -> Incident:
    about: Any = {**PRINCIPAL, "enabled": True, **principal}
    return {
        "incident_id": "inc-20260101-0123456789ab",
        "mode": "contain",
        "principal": about,
        "signal": {
            "source": "responder",
            "kind": "call",
            "signal_id": "x",
            "fired_at": RECENT,
            "title": "t",
            "severity": "responder",
            "confidence": "high",
            "authenticated": "token",
            "hint": {"object_id": OBJECT},
        },
        "opened_at": RECENT,
        "window_start": START,
    }


def grant(scope: str = "/subscriptions/s", *, created: str | None = OLD, **more: Any) -> Grant:
    found: Any = {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{len(scope)}",
        "scope": scope,
        "role_definition_id": "/providers/Microsoft.Authorization/roleDefinitions/reader",
        "role_name": "Reader",
        "principal_id": OBJECT,
        "principal_type": "ServicePrincipal",
        "condition": None,
        "condition_version": None,
        "description": None,
        "created_on": created,
        "created_by": None,
    }
    return cast(Grant, {**found, **more})


def trust(name: str = "weu", *, issuer: str = ISSUER, subject: str | None = SUBJECT) -> Any:
    return {
        "id": f"id-{name}",
        "name": name,
        "issuer": issuer,
        "subject": subject,
        "audiences": ["api://AzureADTokenExchange"],
    }


def world(before: dict[str, Any] | None = None, **more: Any) -> Compared:
    """Contained: everything of `before` is gone. `now`, `standing`, `found`, `gifts`, `principal` change that."""
    taken: Any = {
        **snapshot(),
        "application": {"id": PRINCIPAL["application_object_id"], "isDisabled": None},
        "service_principal": {"id": OBJECT, "accountEnabled": True},
        **(before or {}),
    }
    empty: Any = copy.deepcopy(snapshot())
    empty |= {"application": {"isDisabled": True}, **more.get("now", {})}
    standing: Any = {
        "snapshot": empty,
        "application": "there",
        "service_principal": "there",
        "enabled": False,
        "deactivated": True,
        "dangerous": [],
        "risk": "none",
        "missing": [],
        "scopes_gone": [],
        "unsure": {},
        "accounts": {ISSUER: {"cluster": "aks-weu", "subjects": [SUBJECT], "reason": ""}},
        **more.get("standing", {}),
    }
    checked: Standing = standing
    gifts: Any = {
        "known": True,
        "owners": [],
        "groups": [],
        "consented": [],
        "trusts": [],
        **more.get("gifts", {}),
    }
    footprint: Any = {"minted": [], "credentials": [], "chains": [], "suspects": []}
    found: Any = {
        "footprint": footprint,
        "plan": None,
        "gifts": gifts,
        "confirmed": False,
        **more.get("found", {}),
    }
    return Compared(incident(**more.get("principal", {})), taken, checked, Findings(**found))
