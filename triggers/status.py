"""How an incident stands: what Durable knows of it, joined with its journal. Keys and URLs of Durable never leave."""

import asyncio
import json
import re

import azure.durable_functions as df
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from playbooks import changes, channels
from responders.evidence import EvidenceStore
from responders.journal import Journal
from responders.model import Incident, Json
from triggers import consent_status, instances, intake, restore_asking

_INCIDENT_ID = re.compile(r"inc-[0-9]{8}-[0-9a-f]{12}")


def is_incident_id(text: str) -> bool:
    """True for ids that this app makes; nothing else is ever looked up."""
    return _INCIDENT_ID.fullmatch(text) is not None


async def of(client: df.DurableOrchestrationClient, incident_id: str) -> Json | None:
    """The status document by its id, or None where no such incident was ever opened."""
    if not is_incident_id(incident_id):
        return None
    durable = await instances.status(client, incident_id, with_input=True)
    return await asyncio.to_thread(read, intake.store(), durable)


def read(store: EvidenceStore, durable: DurableOrchestrationStatus | None) -> Json | None:
    """The status document, or None where no such incident was ever opened."""
    if not durable or durable.runtime_status is None:
        return None
    incident = incident_of(durable)
    told = _document(durable.custom_status)
    clock = told.get("clock", {})
    steps = Journal(store, incident["incident_id"]).steps()
    return {
        "incident_id": incident["incident_id"],
        "phase": phase_of(durable),
        "mode": incident["mode"],
        "deepened": told.get("deepened", []),
        "principal": incident["principal"],
        "signal": incident["signal"],
        "opened_at": incident["opened_at"],
        "disabled_at": clock.get("disabled"),
        "contained_at": clock.get("contained"),
        "recovered_at": clock.get("recovered"),
        "residual_until": clock.get("residual until"),
        "trusted_after": clock.get("stolen tokens expire"),
        "risk_until": clock.get("risk accepted until"),
        "exposures": told.get("exposures", []),
        "remaining": told.get("remaining", []),
        "unasked": told.get("unasked", []),
        "by_hand": told.get("by_hand", []),
        "reversals": told.get("reversals", []),
        "sweeps": told.get("sweeps", []),
        "changes": changes.all_of(store, incident),
        "consent": consent_status.shown(store, incident, told),
        "requesters": told.get("requesters", []),
        "identity": told.get("identity"),
        "clusters": told.get("clusters", {}),
        "resumable": bool(told.get("resumable")) and durable.runtime_status.name == "Running",
        "resume": told.get("resume"),
        "outcome": told.get("outcome"),
        "cancelled": told.get("cancelled"),
        "report": told.get("report"),
        "manifest": told.get("manifest"),
        "restores": _restores(store, incident),
        "restore_asked": restore_asking.open_one(store, incident),
        "channels": channels.told(steps),
        "steps": steps,
    }


def _restores(store: EvidenceStore, incident: Incident) -> list[Json]:
    """Each restore that was begun, and how it ended; one that is under way has no outcome yet."""
    base = f"incidents/{incident['incident_id']}/restore"
    paths = store.list(base)
    begun = [one.split("/")[-2] for one in paths if one.endswith(("/plan.json", "/outcome.json"))]
    found = []
    for restore_id in dict.fromkeys(begun):
        ended = f"{base}/{restore_id}/outcome.json"
        said = store.get_json(ended) if ended in paths else {"outcome": None}
        found.append({"restore_id": restore_id, **said})
    return sorted(found, key=lambda one: str(one.get("ended_at", "~")))


def incident_of(durable: DurableOrchestrationStatus) -> Incident:
    """The incident as it was accepted, as deep as it goes by now."""
    incident: Incident = _document(durable.input_)["incident"]
    mode = told_by(durable).get("mode", incident["mode"])
    return {**incident, "mode": mode}


def _document(value: object) -> Json:
    """Durable's client encodes an input twice, its host shows it as it is stored: a string of JSON."""
    while isinstance(value, str):
        value = json.loads(value)
    return dict(value) if isinstance(value, dict) else {}


def told_of(durable: DurableOrchestrationStatus) -> Json:
    """What the playbook says about itself."""
    return _document(durable.custom_status)


def policy_of(durable: DurableOrchestrationStatus) -> Json:
    """The policy that the incident began with."""
    return dict(_document(durable.input_)["policy"])


def phase_of(durable: DurableOrchestrationStatus) -> str:
    """The playbook's own word, except where Durable knows that the playbook can say no more."""
    if durable.runtime_status.name in {"Failed", "Terminated", "Canceled"}:
        return "failed"
    return str(_document(durable.custom_status).get("phase", "accepted"))


def told_by(durable: DurableOrchestrationStatus) -> Json:
    """What the playbook says of itself."""
    return _document(durable.custom_status)
