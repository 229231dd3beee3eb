"""Steps of the security review: each cluster's namespaces, Azure's own settings, and the checklist."""

import asyncio
from collections.abc import Awaitable, Set
from datetime import timedelta
from typing import Any, TypeVar

import azure.durable_functions as df

from playbooks.auditing import judging
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.reviewing import documents, in_namespaces, of_tenant
from playbooks.reviewing.model import Note
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import RunOrder
from playbooks.steps.auditing import gathered, opened
from responders import (
    cluster_access,
    cluster_settings,
    hardening_lists,
    policy_states,
    resource_graph,
    role_definitions,
    trust_changes,
)
from responders.errors import ResponderError, TransientError
from responders.fan_out import fan_out
from responders.hardening_lists import Hardening
from responders.model import ClusterRef

bp = df.Blueprint()
_CLUSTERS_AT_ONCE = 4
T = TypeVar("T")


@bp.activity_trigger(input_name="order")
async def review_namespaces(order: RunOrder) -> Json:
    """Read: the namespaces of some clusters, and judge them there and then: what is kept are notes."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        around = await asyncio.to_thread(work.store.get_json, facts["clusters_path"])
        refs: list[ClusterRef] = around["clusters"][facts["from"] : facts["until"]]
        ours = await work.cloud.own_object_ids()
        answers = await fan_out(
            refs,
            lambda one: _look(work, one, ours),
            at_once=_CLUSTERS_AT_ONCE,
        )
        notes: list[Note] = []
        readings: list[of_tenant.Reading] = []
        unread: list[str] = []
        trusted = order["policy"]["audit"]["trusted_namespaces"]
        for ref, answer in answers:
            if isinstance(answer, TransientError) and work.run == 1:
                raise answer
            if isinstance(answer, ResponderError):
                unread.append(f"namespaces of {ref['name']}: {answer}")
                continue
            found, holders = answer
            notes += in_namespaces.judge(found, ours=ours, trusted=trusted)
            notes += in_namespaces.of_azure(found, holders)
            readings += _readings(found)
        kept = {"notes": notes, "readings": readings, "unread": unread}
        path = await keep(work, order, f"namespaces/{facts['from']:04d}", kept)
        return {"status": "done", "detail": f"{len(notes)} notes", "path": path}

    return await perform("review_namespaces", order, act, target=f"clusters from {facts['from']}")


@bp.activity_trigger(input_name="order")
async def review_azure(order: RunOrder) -> Json:
    """Read: clusters' settings, Azure Policy, key vaults, and when trusts were changed."""

    async def act(work: Work) -> Json:
        unread: list[str] = []

        async def asked(what: str, question: Awaitable[T]) -> T | None:
            try:
                return await question
            except TransientError:
                raise
            except ResponderError as error:
                unread.append(f"{what}: {error}")
                return None

        end = opened(order)
        start = end - timedelta(days=order["policy"]["audit"]["unused_days"])
        settings, policies, vaults, changes = await asyncio.gather(
            asked("clusters' settings", cluster_settings.read_all(work.cloud)),
            asked("Azure Policy", policy_states.read(work.cloud)),
            asked("key vaults", resource_graph.vaults(work.cloud)),
            asked("changes of trusts", trust_changes.read(work.cloud, start, end)),
        )
        changed, lost = changes or (None, [])
        found: Json = {
            "settings": settings,
            "assignments": policies[0] if policies else None,
            "violations": policies[1] if policies else None,
            "vaults": vaults,
            "changed": changed if not lost else None,
            "unread": [*unread, *lost],
        }
        path = await keep(work, order, "azure", found)
        return {"status": "done", "detail": "; ".join(found["unread"]) or "read", "path": path}

    return await perform("review_azure", order, act)


@bp.activity_trigger(input_name="order")
async def judge_review(order: RunOrder) -> Json:
    """Judge: the checklist, a row for each control with its evidence."""

    async def act(work: Work) -> Json:
        facts = order["facts"]
        whole = await gathered(work, order)
        roles, unread = await role_definitions.read_facts(work.cloud, whole.definitions)
        whole.add_roles(roles)
        notes: list[Note] = []
        readings: list[of_tenant.Reading] = []
        unread += facts["unreviewed"]
        for path in facts["namespaces"]:
            kept = await asyncio.to_thread(work.store.get_json, path)
            notes += kept["notes"]
            readings += kept["readings"]
            unread += kept["unread"]
        around: Any = {
            **dict.fromkeys(("settings", "assignments", "violations", "vaults", "changed")),
            "unread": [],
        }
        if facts["azure"]:
            around = await asyncio.to_thread(work.store.get_json, facts["azure"])
        tenant = whole.tenant
        notes += of_tenant.judge(tenant, judging.judge(tenant), around, readings)
        lost = [*unread, *around["unread"], *judging.unread(tenant)]
        found = documents.of(tenant, notes, around["changed"], unread=lost)
        return await conclude(work, order, found)

    return await perform("judge_review", order, act)


async def _look(work: Work, ref: ClusterRef, ours: Set[str]) -> tuple[Hardening, list[Json] | str]:
    """What a cluster says, and who comes by its pods and tokens through Azure, or why nobody can tell."""
    found = await hardening_lists.of_cluster(work.cloud, ref)
    named = in_namespaces.accounts(found)
    try:
        return found, await cluster_access.holders(work.cloud, ref, named, ours=ours)
    except TransientError:
        raise
    except ResponderError as error:
        return found, str(error)


def _readings(found: Hardening) -> list[of_tenant.Reading]:
    """SecretProviderClasses for Azure Key Vault. Where they could not be read, the notes of the namespace say so."""
    readings: list[of_tenant.Reading] = []
    for one in found.objects.get("secretproviderclasses", []):
        spec = one["spec"] or {}
        parameters = spec.get("parameters") or {}
        if spec.get("provider") == "azure":
            readings.append(
                {
                    "cluster": found.cluster["name"],
                    "resource_id": found.cluster["resource_id"],
                    "namespace": one["metadata"]["namespace"],
                    "name": one["metadata"]["name"],
                    "vault": str(parameters.get("keyvaultName") or ""),
                    "client_id": str(parameters.get("clientID") or "").strip().lower(),
                }
            )
    return readings
