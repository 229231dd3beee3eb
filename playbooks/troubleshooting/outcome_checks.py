"""Checks of what comes of it: a token, roles to use it with, and the errors that were seen. Pure.

Source   https://learn.microsoft.com/entra/identity-platform/reference-error-codes
         https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from playbooks.troubleshooting import error_codes
from playbooks.troubleshooting.model import Check, Facts, SignIns, broken, counted, ok, unknown
from responders.entitlements import Held

_SHOWN = 8


def token_exchange(facts: Facts) -> Check:
    """The token endpoint gives this ServiceAccount a token for the client id, now."""
    name, verdict = "token-exchange", facts["exchange"]["verdict"]
    if verdict is None:
        return unknown(name, f"not asked: {facts['exchange']['why']}")
    if verdict["accepted"]:
        return ok(name, "the token endpoint gave the ServiceAccount a token, which was dropped")
    code = verdict["error_code"] or 0
    known = error_codes.known(code)
    evidence = [f"correlation id {verdict['correlation_id']}"] if verdict["correlation_id"] else []
    return broken(name, f"AADSTS{code}: {known.cause}", _todo(code), evidence=evidence)


def roles(facts: Facts) -> Check:
    """The identity may do something; with a resource, it may do something there."""
    name, identity = "role-assignments", facts["identity"]
    if identity is None or identity["principal"] is None:
        return unknown(name, "the identity is not known, so neither is what it may do")
    held = identity["held"]
    if held is None:
        whys = "; ".join(f"{part}: {why}" for part, why in identity["unread"].items())
        return unknown(name, f"what it may do could not be read: {whys}")
    here = [one for one in held if _leads_to(one, facts["resource"])]
    shown = [f"{one['role']} at {one['scope']} ({one['way']})" for one in here[:_SHOWN]]
    if here:
        more = [f"and {len(here) - _SHOWN} more"] if len(here) > _SHOWN else []
        return ok(name, f"it holds {counted(len(here), 'role')}", shown + more)
    where = facts["resource"] or "<resource id>"
    fix = (
        f"az role assignment create --assignee-object-id {identity['principal']['object_id']} "
        f"--assignee-principal-type ServicePrincipal --role '<role>' --scope {where}"
    )
    found = (
        "it holds no role in Azure, no app role and no Key Vault access policy that Firebreak sees"
    )
    if held:
        found = f"none of its {counted(len(held), 'role')} leads to {facts['resource']}"
    evidence = ["access inside a database or by an ACL is not seen from here"]
    return broken(name, found, fix, evidence=evidence, severity="high" if held else "medium")


def errors(facts: Facts) -> Check:
    """No error of Entra was seen that is not over by now."""
    name, verdict = "errors", facts["exchange"]["verdict"]
    works = verdict is not None and verdict["accepted"]
    seen = _seen(facts)
    still = [code for code in seen if not (works and error_codes.known(code).settled)]
    evidence = [line for lines in seen.values() for line in lines]
    if still:
        causes = "; ".join(f"AADSTS{one}: {error_codes.known(one).cause}" for one in still[:_SHOWN])
        return broken(name, causes, _todo(still[0]), evidence=evidence[:_SHOWN], severity="medium")
    if seen:
        codes = ", ".join(f"AADSTS{one}" for one in seen)
        return ok(name, f"{codes} was seen, and a token is issued now", evidence[:_SHOWN])
    if facts["sign_ins"] is None:
        why = facts["unread"].get("sign-ins", "they were not asked for")
        return unknown(
            name, f"no log of a pod has one, and the sign-in logs could not be read: {why}"
        )
    return ok(
        name, f"no error of Entra in the pods' logs, nor in {facts['hours']} hours of sign-ins"
    )


def _seen(facts: Facts) -> dict[int, list[str]]:
    """Each code with where it was seen. A sign-in that failed before the last one that worked is over."""
    found: dict[int, list[str]] = {}
    for code in facts["said"]:
        found.setdefault(code, []).append(f"AADSTS{code} was handed in")
    for word in facts["wiring"]["words"]:
        often = f"{counted(word['count'], 'time')}, last {word['last']}"
        said = f"{word['pod']}/{word['container']} said AADSTS{word['code']} {often}"
        found.setdefault(word["code"], []).append(said)
    signed = facts["sign_ins"] or []
    worked = max((one["last"] for one in signed if one["code"] == 0), default="")
    for one in signed:
        if one["code"] and one["last"] > worked:
            found.setdefault(one["code"], []).append(_signed(one))
    return found


def _signed(one: SignIns) -> str:
    where = ", ".join(one["addresses"][:3])
    return f"{counted(one['count'], 'sign-in')} failed with AADSTS{one['code']}, the last at {one['last']} from {where}"


def _todo(code: int) -> str:
    known = error_codes.known(code)
    return f"see the check {known.check}" if known.check else error_codes.fix(code)


def _leads_to(held: Held, resource: str) -> bool:
    if not resource:
        return True
    if held["way"] == "app role":
        return False
    scope, wanted = held["scope"].lower().rstrip("/"), resource.lower()
    return wanted == scope or wanted.startswith(f"{scope}/")
