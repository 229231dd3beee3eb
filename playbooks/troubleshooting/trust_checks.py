"""Checks of the trust: issuer, subject and audience of a federated credential, compared to the letter. Pure.

Source   https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
         https://learn.microsoft.com/azure/aks/identity-bindings-concepts
"""

from playbooks.troubleshooting import differences, trust_fixes
from playbooks.troubleshooting.model import Check, Facts, broken, ok, subject_of, unknown
from responders.model import FederatedCredential

BINDING_AUDIENCE = "api://AKSIdentityBinding"
_SHOWN = 3
_CAUTION = "whoever may run pods as this ServiceAccount becomes the identity by a new trust: make sure that it is meant"


def issuer(facts: Facts) -> Check:
    """Some trust has the cluster's issuer."""
    name, trusts, wanted = "issuer", _trusts(facts), facts["cluster"]["issuer_url"]
    if binds(facts):
        return _binding(facts)
    if trusts is None or not wanted:
        return unknown(name, _why_not(facts))
    if not trusts:
        found = "the identity has no federated credential, so it trusts nobody"
        return broken(name, found, trust_fixes.create(facts))
    meant = trust_fixes.meant(facts, trusts)
    exact = meant["issuer"] == wanted if meant else any(one["issuer"] == wanted for one in trusts)
    if exact:
        return ok(name, "a federated credential has the cluster's issuer, to the letter", [wanted])
    return _other_issuer(facts, trusts, meant)


def _other_issuer(
    facts: Facts, trusts: list[FederatedCredential], meant: FederatedCredential | None
) -> Check:
    wanted = facts["cluster"]["issuer_url"] or ""
    issuers = [one["issuer"] for one in trusts]
    near = meant["issuer"] if meant else differences.nearest(wanted, issuers)
    if near is None:
        found = f"none of its {len(trusts)} federated credentials has the issuer {wanted}"
        others = [f"it trusts {differences.shown(one)}" for one in issuers[:_SHOWN]]
        return broken("issuer", found, trust_fixes.create(facts), evidence=[*others, _CAUTION])
    trust = meant or _of(trusts, near, subject_of(facts))
    said, lines = differences.in_short(wanted, near), differences.lines(wanted, near)
    if trust_fixes.is_slip(facts, trust):
        found = f"federated credential {trust['name']} has another issuer: {said}"
        return broken("issuer", found, trust_fixes.update(facts, trust), evidence=lines)
    found = f"no federated credential has the cluster's issuer; the nearest, {trust['name']}, differs {said}"
    return broken("issuer", found, trust_fixes.create(facts), evidence=[*lines, _CAUTION])


def subject(facts: Facts) -> Check:
    """Some trust with that issuer has the ServiceAccount's subject."""
    name, wanted = "subject", subject_of(facts)
    if binds(facts):
        return ok(name, "the pods use an identity binding, whose authorisation is the cluster's")
    trusts = _trusts(facts)
    if not trusts:
        return unknown(name, _why_not(facts) if trusts is None else "there is no trust to compare")
    among = with_issuer(facts, trusts)
    if any(one["subject"] == wanted for one in among):
        return ok(name, "a federated credential has the ServiceAccount's subject", [wanted])
    flexible = [one["name"] for one in among if one["subject"] is None]
    if flexible:
        said = f"whether the expression of {', '.join(flexible)} matches {wanted} is not evaluated here"
        return unknown(name, said)
    return _other_subject(facts, among)


def _other_subject(facts: Facts, among: list[FederatedCredential]) -> Check:
    name, wanted = "subject", subject_of(facts)
    near = differences.nearest(wanted, [str(one["subject"]) for one in among])
    if near is None:
        found = f"no federated credential with this issuer has the subject {wanted}"
        return broken(name, found, trust_fixes.create(facts), evidence=[_CAUTION])
    trust = next(one for one in among if one["subject"] == near)
    said, lines = differences.in_short(wanted, near), differences.lines(wanted, near)
    if trust_fixes.is_slip(facts, trust):
        found = f"federated credential {trust['name']} has another subject: {said}"
        return broken(name, found, trust_fixes.update(facts, trust), evidence=lines)
    found = f"no federated credential has its subject; the nearest, {trust['name']}, differs {said}"
    return broken(name, found, trust_fixes.create(facts), evidence=[*lines, _CAUTION])


def audience(facts: Facts) -> Check:
    """The trust that fits has the audience of this cloud."""
    name, wanted = "audience", facts["audience"]
    if binds(facts):
        return ok(name, f"the pods use an identity binding, with the audience {BINDING_AUDIENCE}")
    trusts = _trusts(facts)
    if not trusts:
        return unknown(name, _why_not(facts) if trusts is None else "there is no trust to compare")
    fitting = [one for one in with_issuer(facts, trusts) if one["subject"] == subject_of(facts)]
    if not fitting:
        return unknown(name, "no trust has the subject, so there is no audience to compare")
    if any(wanted in one["audiences"] for one in fitting):
        return ok(name, "the federated credential has this cloud's audience", [wanted])
    trust = fitting[0]
    has = trust["audiences"][0] if trust["audiences"] else ""
    return broken(
        name,
        f"federated credential {trust['name']} has another audience: {differences.in_short(wanted, has)}",
        trust_fixes.update(facts, trust),
        evidence=differences.lines(wanted, has),
    )


def with_issuer(facts: Facts, trusts: list[FederatedCredential]) -> list[FederatedCredential]:
    """The one that was meant for it; else those with the cluster's issuer; else all."""
    wanted = facts["cluster"]["issuer_url"] or ""
    meant = trust_fixes.meant(facts, trusts)
    return [meant] if meant else [one for one in trusts if one["issuer"] == wanted] or trusts


def binds(facts: Facts) -> bool:
    """Whether its pods get their tokens from the cluster's own proxy."""
    pods = [one for one in facts["wiring"]["pods"] if not one["finished"]]
    return bool(pods) and all(one["binds"] for one in pods)


def _binding(facts: Facts) -> Check:
    trusts = _trusts(facts)
    if trusts is None:
        return unknown("issuer", _why_not(facts))
    if any(BINDING_AUDIENCE in one["audiences"] for one in trusts):
        return ok("issuer", "the pods use an identity binding, and the identity has its trust")
    cluster = facts["cluster"]["resource_id"].split("/")
    identity = facts["identity"]
    resource = (
        identity and identity["principal"] and identity["principal"]["resource_id"]
    ) or "<id>"
    return broken(
        "issuer",
        "the pods ask for an identity binding, and the identity is bound to no cluster",
        f"az aks identity-binding create --subscription {cluster[2]} -g {cluster[4]} --cluster-name {cluster[-1]} "
        f"-n {facts['wiring']['name']} --managed-identity-resource-id {resource}",
    )


def _trusts(facts: Facts) -> list[FederatedCredential] | None:
    identity = facts["identity"]
    return None if identity is None or identity["principal"] is None else identity["trusts"]


def _why_not(facts: Facts) -> str:
    identity = facts["identity"]
    if not facts["cluster"]["issuer_url"]:
        return "the cluster has no issuer"
    if identity is None or identity["principal"] is None:
        return "the identity is not known, so neither is whom it trusts"
    return identity["unread"].get("its federated credentials", "they were not read")


def _of(trusts: list[FederatedCredential], issuer: str, subject: str) -> FederatedCredential:
    """Of those with this issuer the one about this subject, if there is one."""
    among = [one for one in trusts if one["issuer"] == issuer]
    return next((one for one in among if one["subject"] == subject), among[0])
