"""The new identity: complete, and with nothing of the attacker's in it."""

from drill.scene import Scene
from drill.states import credentials_of, grants_of, trusts_of
from drill.verdict import recovered
from drill.verdict.facts import Check, Finding, every, none_of


def _enabled(scene: Scene) -> Finding:
    enabled = scene.successor_principal["accountEnabled"]
    return Finding(enabled is True, f"{scene.successor['displayName']}, accountEnabled {enabled}")


def _issuers(scene: Scene) -> Finding:
    ours = {cluster["issuer"] for cluster in scene.seed["clusters"].values()}
    trusts = trusts_of(scene.after, scene.successor["id"])
    return every([(trust["issuer"], trust["issuer"] in ours) for trust in trusts])


def _subjects(scene: Scene) -> Finding:
    """A ServiceAccount token stolen earlier names an old subject, and Entra can't tell when it was stolen."""
    old = {
        (trust["issuer"], trust["subject"])
        for trust in trusts_of(scene.staged, scene.victim.application_object_id)
    }
    trusts = trusts_of(scene.after, scene.successor["id"])
    return every(
        [(trust["subject"], (trust["issuer"], trust["subject"]) not in old) for trust in trusts]
    )


def _owners(scene: Scene) -> Finding:
    """Owners can add credentials; the old ones are how the attacker came in."""
    suspects = {scene.seed["users"][scene.victim.phished]["object_id"], scene.victim.object_id}
    owners = scene.after["owners"]
    ids = (scene.successor["id"], scene.successor_principal["id"])
    return none_of([owner for each in ids for owner in owners.get(each, []) if owner in suspects])


def _credentials(scene: Scene) -> Finding:
    return none_of(credentials_of(scene.successor) + credentials_of(scene.successor_principal))


def _grants(scene: Scene) -> Finding:
    wanted = grants_of(scene.before, scene.victim.object_id)
    found = grants_of(scene.after, scene.successor_principal["id"])
    missing, surplus = wanted - found, found - wanted
    text = f"{len(found)} grants, {len(missing)} missing, {len(surplus)} too many"
    return Finding(bool(wanted) and not missing and not surplus, text)


def _planted_grant(scene: Scene) -> Finding:
    """The planted assignment is gone and its role is granted to nobody at that scope."""
    staged = {item["id"].lower(): item for item in scene.staged["roleAssignments"]}
    planted = staged[scene.victim.planted_grant]["properties"]
    role = planted["roleDefinitionId"].rsplit("/", 1)[-1].lower()
    target = (planted["scope"].lower(), role)
    holders = {scene.victim.object_id, scene.successor_principal["id"]}
    return none_of(
        [holder for holder in sorted(holders) if target in grants_of(scene.after, holder)]
    )


CHECKS = (
    Check("there is one new identity, and it is enabled", "accountEnabled True", _enabled),
    Check("it trusts the clusters' own issuers only", "each issuer is a cluster's", _issuers),
    Check("it trusts every ServiceAccount that needs it", "one trust each", recovered.covers),
    Check("it trusts no subject that the old one trusted", "new subjects only", _subjects),
    Check("it has no secret and no key", "none", _credentials),
    Check("nobody owns it who lost control of the old one", "none", _owners),
    Check(
        "it has the roles from before the attack, no more, no less",
        "0 missing, 0 too many",
        _grants,
    ),
    Check("the planted role is gone and was not copied", "none", _planted_grant),
)
