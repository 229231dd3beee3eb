"""Responder: whether this principal may be acted on at all.

Stops    us
Leaves   everything as it is
Undo     none needed
Needs    what federated_credentials.py, identity_trusts.py, clusters.py and managed_identities.py need
Source   https://learn.microsoft.com/graph/api/resources/serviceprincipal (servicePrincipalType)

Every guard fails closed: what can't be read refuses. It reads through the responders of the single
nouns, which is why it may import them.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypedDict

from responders import clusters, federated_credentials, identity_trusts, managed_identities
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError, TransientError
from responders.model import MANAGED, FederatedCredential, Incident, Principal, StepResult

_SUBJECT_PARTS = 4  # system:serviceaccount:<namespace>:<name>


class Rules(TypedDict):
    """The `[guards]` of policy.toml, as far as they are asked here."""

    acting: bool
    observe_only: bool
    protected: list[str]
    break_glass: list[str]
    most_shared_clusters: int
    most_shared_namespaces: int


async def check(cloud: Cloud, incident: Incident, rules: Rules) -> StepResult:
    """Done when every guard lets us through. Raises `RefusedError` naming the guard that does not.

    Raises `TransientError` where a guard can't be asked right now.
    """
    principal = incident["principal"]
    _switches(rules)
    alert_alone = incident["signal"]["source"] != "responder"
    await _must_pass(cloud, principal, rules, alert_alone=alert_alone)
    return {"status": "done", "detail": f"not protected, not ourselves: {principal['kind']}"}


async def why_not(cloud: Cloud, principal: Principal, rules: Rules) -> str:
    """Why nobody may act on this principal, whoever asks; "" where nothing guards it. What can't be read guards it.

    The switches are not asked: they are about acting, and hold a step back themselves.
    """
    try:
        await _must_pass(cloud, principal, rules, alert_alone=False)
    except RefusedError as error:
        return str(error)
    return ""


async def _must_pass(
    cloud: Cloud, principal: Principal, rules: Rules, *, alert_alone: bool
) -> None:
    _named(principal, rules)
    if principal["kind"] == "unsupported":
        raise RefusedError(f"{principal['display_name']} is {principal['unsupported_because']}")
    questions: list[Coroutine[Any, Any, str | None]] = [_ourselves(cloud, principal)]
    if principal["kind"] in {*MANAGED, "application"}:  # old clusters run on an application
        questions.append(_cluster_duty(cloud, principal))
    if alert_alone:
        questions.append(_shared(cloud, principal, rules))
    for reason in await asyncio.gather(*questions):
        if reason is not None:
            raise RefusedError(reason)


async def may_be_changed(cloud: Cloud, principal: Principal, rules: Rules) -> None:
    """Raise `RefusedError` for a principal that the policy protects, or that is ourselves, on a quiet day as well."""
    _named(principal, rules)
    if (reason := await _ourselves(cloud, principal)) is not None:
        raise RefusedError(reason)


def _switches(rules: Rules) -> None:
    if not rules["acting"]:
        raise RefusedError("kill switch: policy.toml [guards] acting = false")
    if rules["observe_only"]:
        raise RefusedError("observe only: policy.toml [guards] observe_only = true")


def _named(principal: Principal, rules: Rules) -> None:
    ids = {principal["object_id"], principal["app_id"], principal["application_object_id"]}
    own = {one.lower() for one in ids if one}
    for name, listed in (
        ("protected", rules["protected"]),
        ("break_glass", rules["break_glass"]),
    ):
        if named := own & {one.lower() for one in listed}:
            ids_named = ", ".join(sorted(named))
            raise RefusedError(f"{name}: {ids_named} in policy.toml [guards] {name}")


async def _ourselves(cloud: Cloud, principal: Principal) -> str | None:
    """Either of the deployed app's identities, also where a responder runs the app under a sign-in of their own.

    The second one is known by its client id, which takes no token: without it containment has to go on.
    """
    if principal["app_id"].lower() in cloud.settings.client_ids:
        return "this is Firebreak's own identity: a person has to act on it"
    try:
        own = await cloud.own_object_id()
    except TransientError:
        raise  # time may tell: it is asked again, boundedly, and nothing acts meanwhile
    except ResponderError as error:
        return f"can't tell whether this is our own identity: {error}"
    if own.lower() == principal["object_id"].lower():
        return "this is Firebreak's own identity: a person has to act on it"
    return None


async def _cluster_duty(cloud: Cloud, principal: Principal) -> str | None:
    """A kubelet or control-plane identity: without it the whole cluster stops, not one workload."""
    try:
        return await managed_identities.cluster_duty(cloud, principal)
    except TransientError:
        raise  # time may tell: it is asked again, boundedly, and nothing acts meanwhile
    except ResponderError as error:
        return f"can't tell whether a cluster itself runs on this identity: {error}"


async def _shared(cloud: Cloud, principal: Principal, rules: Rules) -> str | None:
    """Why an alert alone may not act: several teams would lose their identity at once."""
    try:
        trusts = await _trusts(cloud, principal)
        if _crowded(trusts, rules) is None:
            return None
        # Trusts of strangers don't count: an intruder could plant them to keep us away.
        ours = {one["issuer_url"] for one in await clusters.list_all(cloud)}
    except TransientError:
        raise  # time may tell: it is asked again, boundedly, and nothing acts meanwhile
    except ResponderError as error:
        return f"can't tell whether this identity is shared: {error}"
    return _crowded([one for one in trusts if one["issuer"] in ours], rules)


def _crowded(trusts: list[FederatedCredential], rules: Rules) -> str | None:
    issuers = {one["issuer"] for one in trusts}
    parts = [(one["issuer"], (one["subject"] or "").split(":")) for one in trusts]
    namespaces = {(issuer, part[2]) for issuer, part in parts if len(part) == _SUBJECT_PARTS}
    for what, count, most in (
        ("clusters", len(issuers), rules["most_shared_clusters"]),
        ("namespaces", len(namespaces), rules["most_shared_namespaces"]),
    ):
        if count > most:
            return (
                f"shared identity: {count} {what} federate into it, policy.toml [guards] "
                f"most_shared_{what} allows {most} to an alert. A responder's own call does it"
            )
    return None


async def _trusts(cloud: Cloud, principal: Principal) -> list[FederatedCredential]:
    if principal["application_object_id"] is not None:
        return await federated_credentials.read_all(cloud, principal["application_object_id"])
    if principal["kind"] == "user_assigned_identity":
        return await identity_trusts.read_all(cloud, principal["resource_id"] or "")
    return []
