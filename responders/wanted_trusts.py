"""Which federated credentials are missing, compared with those that are there. Pure.

Source   https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from responders.errors import RefusedError
from responders.model import Change, FederatedCredential, Json, StepResult
from responders.read_only import is_read_only

MOST = 20  # of one application or one user-assigned identity, by the page above


def of_a_binding(one: FederatedCredential, tenant_id: str, client_id: str) -> bool:
    """Whether AKS made it for an identity binding of this very identity: nobody else signs for that issuer.

    https://learn.microsoft.com/azure/aks/identity-bindings-concepts
    """
    own = f"https://ib.oic.prod-aks.azure.com/{tenant_id}/{client_id}"
    return one["issuer"].rstrip("/").lower() == own.lower()


def missing(
    existing: list[FederatedCredential],
    wanted: list[FederatedCredential],
    holder: str,
    *,
    only: list[FederatedCredential] | None,
) -> list[FederatedCredential]:
    """Those that are to be created.

    Raises `RefusedError` where a name is taken by another trust, where there would be too many, and, with `only`,
    where something else than these is trusted: whose is it?
    """
    by_name = {one["name"]: one for one in existing}
    left = [one for one in wanted if not is_there(by_name, one)]
    strangers = [
        name(dict(one)) for one in existing if not any(_same(one, it) for it in only or [])
    ]
    if only is not None and strangers:
        raise RefusedError(
            f"{holder} trusts {', '.join(strangers)}, which nobody planned: find out whose it is, delete it"
        )
    if flexible := [one["name"] for one in left if one["subject"] is None]:
        raise RefusedError(
            f"{', '.join(flexible)}: a flexible federated credential is made by a person who has "
            "looked at its expression"
        )
    if (count := len(existing) + len(left)) > MOST:
        raise RefusedError(
            f"{holder} would have {count} federated credentials; Entra allows {MOST}. "
            "Split the workloads over two identities"
        )
    return left


def is_there(existing: dict[str, FederatedCredential], wanted: FederatedCredential) -> bool:
    """Whether exactly this trust is there, by its name. Raises `RefusedError` where another one has the name."""
    found = existing.get(wanted["name"])
    if found is None:
        return False
    if not _same(found, wanted):
        raise RefusedError(
            f"federated credential {wanted['name']} exists with issuer {found['issuer']} and subject "
            f"{found['subject']}, which is not the planned trust: find out whose it is, delete it"
        )
    return True


def _same(one: FederatedCredential, other: FederatedCredential) -> bool:
    """Case matters to Entra in all of it, so it does here."""
    return (one["name"], one["issuer"], one["subject"], one["audiences"]) == (
        other["name"],
        other["issuer"],
        other["subject"],
        other["audiences"],
    )


def answer(wanted: list[FederatedCredential], created: list[FederatedCredential]) -> StepResult:
    """What was created, or in plan mode would be: before and after of each."""
    items: list[Json] = [{**one, "created": one in created} for one in wanted]
    if not created:
        return {"status": "nothing_to_do", "detail": "all are there already", "items": items}
    named = ", ".join(name(dict(one)) for one in created)
    changes: list[Change] = [
        {"object": name(dict(one)), "before": "not trusted", "after": "trusted"} for one in created
    ]
    planned = is_read_only()
    return {
        "status": "planned" if planned else "done",
        "detail": f"{'create' if planned else 'created'} {named}",
        "items": items,
        "changes": changes,
    }


def name(one: Json) -> str:
    """For people: name, issuer, and the subject or expression."""
    trusted = one["subject"]
    if trusted is None:
        expression = one.get("claims_matching_expression") or {}
        trusted = f"flexible: {expression.get('value') or 'expression not read'}"
    return f"{one['name']} ({one['issuer']} {trusted})"
