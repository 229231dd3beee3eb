"""What is left beside the trusts that are replaced: those that nobody uses, and secrets and certificates. Pure."""

from playbooks.federation.model import Seen
from playbooks.provisioning.compared import Compared
from responders.model import Credential, FederatedCredential
from responders.wanted_trusts import name as named
from responders.wanted_trusts import of_a_binding


def trusts(found: Compared, seen: Seen, *, removed: bool) -> list[FederatedCredential]:
    """Trusts that no ServiceAccount in sight answers to, and that go where that is asked. Each is a finding."""
    principal = seen["principal"]
    readable = {
        one["survey"]["cluster"]["issuer_url"]
        for one in seen["clusters"]
        if one["survey"]["reachable"]
    }
    known = {one["survey"]["cluster"]["issuer_url"] for one in seen["clusters"]}
    subjects = {
        (one["survey"]["cluster"]["issuer_url"], account["subject"])
        for one in seen["clusters"]
        for account in one["survey"]["service_accounts"]
    }
    doomed = []
    for one in seen["trusts"]:
        if of_a_binding(one, principal["tenant_id"], principal["app_id"]):
            continue
        if (one["issuer"], one["subject"]) in subjects:
            continue
        if one["issuer"] in known and one["issuer"] not in readable:
            continue  # nobody could look: that blocks the cluster, and is said there
        foreign = one["issuer"] not in known
        _tell(found, seen, one, foreign=foreign)
        doomed.append(one)
    if not removed or not doomed:
        return []
    listed = "; ".join(f"{named(dict(one))}, {_used(seen, one['id'])}" for one in doomed)
    found.confirmations.append(
        {"key": f"remove-unused:{principal['app_id']}", "text": f"these trusts go: {listed}"}
    )
    return doomed


def _tell(found: Compared, seen: Seen, one: FederatedCredential, *, foreign: bool) -> None:
    rule = "trust-of-no-cluster" if foreign else "trust-without-account"
    why = (
        "no cluster in sight has this issuer: a pipeline, a cluster that is gone, or an attacker"
        if foreign
        else "no ServiceAccount of this subject names the identity: whoever makes one is the identity"
    )
    found.find(
        rule,
        "high" if foreign else "medium",
        (f"{seen['identity']['object_id']} {one['name']}", one["name"]),
        f"{named(dict(one))}: {why}; {_used(seen, one['id'])}",
        "look whose it is, then rotate with remove_unused; where it is an attacker's, open an incident instead",
    )


def credentials(found: Compared, seen: Seen, asked: list[str]) -> list[Credential]:
    """Secrets and certificates: each is a finding, and goes where it was named and a person says yes."""
    doomed: list[Credential] = []
    wanted = {one.lower() for one in asked}
    for one in seen["credentials"]:
        used = _used(seen, one["key_id"])
        what = "secret" if one["kind"] == "password" else "certificate or key"
        where = one["holder"].replace("_", " ")
        about = f"{what} {one['key_id']} of the {where}, from {one['started']} to {one['ends']}"
        if one["key_id"].lower() in wanted:
            doomed.append(one)
            found.confirmations.append(
                {
                    "key": f"remove-credential:{one['key_id']}:{_state(seen, one['key_id'])}",
                    "text": f"{about}: {used}. Nothing brings it back: whoever still uses it is locked out",
                }
            )
            continue
        found.find(
            "credential-beside-federation",
            "medium",
            (
                f"{seen['identity']['object_id']} {one['key_id']}",
                one["display_name"] or one["key_id"],
            ),
            f"{about}: {used}. Whoever holds it needs no cluster to be this identity",
            "move what uses it (migrate_secrets), see its last use stand still, then name it in remove_credentials",
        )
    known = {one["key_id"].lower() for one in seen["credentials"]}
    if strange := sorted(wanted - known):
        found.blocked.append(f"remove_credentials: it has no credential {', '.join(strange)}")
    return doomed


def _state(seen: Seen, key: str) -> str:
    """One that was agreed to while nobody used it is not removed once somebody does."""
    if not seen["used_since"]:
        return "use-unknown"
    return "in-use" if key.lower() in seen["used"] else "unused"


def _used(seen: Seen, key: str) -> str:
    if not seen["used_since"]:
        return "when it was last used is not known: the sign-in logs could not be read"
    if last := seen["used"].get(key.lower()):
        return f"last used {last[:10]}"
    return f"not used since {seen['used_since'][:10]}, as far as the sign-in logs go"
