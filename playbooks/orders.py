"""What a playbook hands to a step: small plain JSON; everything big is passed by its path in the evidence store."""

from typing import Any, Literal, NotRequired, TypedDict

from responders.model import ClusterRef, Incident, NewIdentity

Json = dict[str, Any]
CANCEL = "cancel"  # the external event by which a person ends an incident: heard once


class Order(TypedDict):
    """The input of every step. `policy` is the policy as it stood when the incident was opened."""

    incident: Incident
    policy: Json
    cluster: NotRequired[ClusterRef]
    clusters: NotRequired[list[ClusterRef]]  # of a group: see `groups.each_cluster`
    identity: NotRequired[NewIdentity]
    holder: NotRequired[str]  # Durable instance of a restore that began when its incident was over
    plan_number: NotRequired[int]  # of an amended plan: see `plan_files.py`
    notice: NotRequired[str]  # which notice to send: a key of `notices.NOTICES`
    notice_key: NotRequired[str]  # tells notices of one kind apart
    at: NotRequired[str]  # when that was so which the notice tells
    channel: NotRequired[str]  # the one that has not taken the notice yet; all of them without it
    last_try: NotRequired[bool]  # nobody hands the notice over again
    facts: NotRequired[Json]  # what a notice or the report says beyond the evidence


class Approver(TypedDict):
    """Who said yes or no, as Entra says it."""

    object_id: str
    name: str
    tenant_id: NotRequired[str]
    proven_by: NotRequired[str]  # "easy-auth" or "token"


class Consent(TypedDict):
    """A person's answer to one exact plan."""

    decision: Literal["grant", "deny"]
    plan_hash: str
    approver: Approver
    reason: str
    at: str
    chosen: list[str]  # keys of the plan's choices that come back
    confirmed: list[str]  # keys of the plan's confirmations: all of them, or it is no consent


def folder(incident: Incident) -> str:
    """Where an incident's evidence lies."""
    return f"incidents/{incident['incident_id']}"


def cancelled_path(incident_id: str) -> str:
    """Who ended the incident, where a person did: from then on its steps begin nothing."""
    return f"incidents/{incident_id}/cancelled.json"


def graph_path(incident: Incident) -> str:
    """Where the graph of who breaks lies."""
    return f"{folder(incident)}/graph.json"
