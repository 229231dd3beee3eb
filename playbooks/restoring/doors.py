"""The identity itself and the ways into it: objects, owners, credentials, trusts, switches. Pure: no I/O, no clock."""

from collections.abc import Collection

from playbooks.restoring import exposed_trusts
from playbooks.restoring.comparing import (
    NOT_READ,
    RESTORE,
    THERE,
    Compared,
    Judged,
    piece,
    restoring,
)
from playbooks.restoring.model import Piece
from responders import deleted_items
from responders.model import MANAGED, Credential, FederatedCredential, Json


def objects(world: Compared) -> list[Piece]:
    """What lies in the bin comes out of it before anything is hung on it."""
    principal, standing = world.incident["principal"], world.standing
    remade = "somebody made another service principal of this application since: nothing of the old one is its"
    said: dict[str, Judged] = {
        "there": THERE,
        "deleted": ("restore", "it lies in the bin, for 30 days"),
        "gone": ("drifted", "deleted for good: a person makes it anew, it gets another id"),
        "recreated": ("drifted", remade),
    }
    pieces = []
    for kind, presence, object_id in (
        ("application", standing["application"], principal["application_object_id"]),
        ("service_principal", standing["service_principal"], principal["object_id"]),
    ):
        if presence in said and object_id is not None:
            name = f"{kind.replace('_', ' ')} {principal['display_name']} ({object_id})"
            found = piece(kind, object_id, name, said[presence], ("there", presence))
            pieces.append(
                restoring(found, {"object_id": object_id}, deleted_items.by_hand(object_id))
            )
    return pieces


def owners(world: Compared) -> list[Piece]:
    """Who could change it. Who did so inside the window may be an account that was taken over."""
    there = {(one["of"], str(one["id"]).lower()) for one in world.now["owners"]}
    footprint = world.found.footprint
    suspects = {one["id"].lower() for one in footprint["suspects"]} if footprint else set()

    def judged(one: Json) -> Judged:
        if (one["of"], str(one["id"]).lower()) in there:
            return THERE
        if str(one["id"]).lower() in suspects:
            return "choice", "changed the identity inside the window: is the account sound?"
        return world.aged(str(one["id"]), world.found.gifts["owners"])

    return [
        restoring(
            piece(
                "owner",
                f"{one['of']}/{one['id']}",
                f"{one['user_principal_name'] or one['display_name'] or one['id']} of the "
                f"{str(one['of']).replace('_', ' ')}",
                world.reached(judged(one), "owners", [one["id"]]),
                ("owner", "no owner"),
            ),
            dict(one),
        )
        for one in world.before["owners"]
    ]


def credentials(world: Compared) -> list[Piece]:
    """One that was removed never comes back: its value is nowhere any more, and who had it may have lost it.

    One that nobody removed, as in an incident that was held, is a person's to vouch for before anything is opened.
    """
    pieces = []
    for one in world.before["credentials"]:
        holder = one["holder"].replace("_", " ")
        group = "app" if one["holder"] == "application" else "sp"
        issue = f"az ad {group} credential reset --append --id {_holder(world, one['holder'])}"
        name = f"{one['kind']} {one['display_name'] or 'unnamed'} ({one['key_id']}) on the {holder}"
        judged, now = _credential(world, one)
        found = piece("credential", one["key_id"], name, judged, ("valid", now))
        pieces.append(restoring(found, {"key_id": one["key_id"]}, [issue]))
    return pieces


def _credential(world: Compared, one: Credential) -> tuple[Judged, str]:
    def has(found: list[Credential]) -> bool:
        return any(
            (other["kind"], other["key_id"]) == (one["kind"], one["key_id"]) for other in found
        )

    if not has(world.now["credentials"]):
        return ("never", "no secret and no key is revived: its holder gets a new one"), "removed"
    if not has(world.standing["dangerous"]):
        return THERE, "valid"  # kept: single sign-on signs with it
    if not world.is_old(one["started"]):
        return ("never", "made inside the compromise window, and still valid: remove it"), "valid"
    return ("choice", "nobody removed it: name it only where you vouch for it"), "valid"


def _holder(world: Compared, holder: str) -> str:
    principal = world.incident["principal"]
    is_application = holder == "application"
    return str(principal["application_object_id" if is_application else "object_id"])


def trusts(world: Compared) -> list[Piece]:
    """Federated credentials: those whose tokens nobody else can hold."""
    unread = world.now["unread"].get("federated_credentials")
    pieces = []
    for one in world.before["federated_credentials"]:
        judged = exposed_trusts.judge(one, world.found, world.standing["accounts"])
        placed = _place(one, world.now["federated_credentials"], unread)
        stays = placed == THERE and judged[0] in {"choice", "never"}
        if placed is not None and judged[0] != "never" and not stays:
            judged = placed
        told = f"{one['name']} ({one['issuer']} {one['subject'] or 'by an expression'})"
        states = ("trusted", "trusted" if stays else "not trusted")
        found = piece("trust", one["name"], told, judged, states)
        pieces.append(restoring(found, dict(one)))
    return pieces


def _place(
    trust: FederatedCredential, now: list[FederatedCredential], unread: str | None
) -> Judged | None:
    """What keeps it from being made as it was; None where nothing does."""
    if unread:
        return "unread", f"{NOT_READ}: {unread}"
    for other in now:
        same = [other["issuer"], other["subject"], other["audiences"]] == [
            trust["issuer"],
            trust["subject"],
            trust["audiences"],
        ]
        if same and other["name"] == trust["name"]:
            return THERE
        if other["name"] == trust["name"]:
            return "drifted", f"its name is taken by {other['issuer']} {other['subject']}"
        if same:
            return "drifted", f"the same trust is there under another name, {other['name']}"
    return None


def added(world: Compared, vouched: Collection[str] = ()) -> list[str]:
    """Ways in that nobody vouches for, whenever they were made: while one is there, nothing is opened.

    `vouched` are names of trusts and ids of credentials that a person ordered back or chose.
    """
    offered = {
        one["restores"]["key_id"] for one in credentials(world) if one["verdict"] == "choice"
    }
    found = [
        f"{one['kind']} {one['display_name'] or 'unnamed'} ({one['key_id']}) on the {one['holder']}"
        for one in world.standing["dangerous"]
        if one["key_id"] not in offered & set(vouched)
    ]
    sound = {
        one["restores"]["name"]
        for one in trusts(world)
        if one["now"] == one["before"]
        and one["restores"]["name"] in {*vouched, *_restorable(world)}
    }
    return found + [
        f"trust {one['name']} ({one['issuer']} {one['subject'] or 'by an expression'})"
        for one in world.now["federated_credentials"]
        if one["name"] not in sound
    ]


def _restorable(world: Compared) -> set[str]:
    """Names of the trusts that come back without anybody's choice."""
    judged = {
        one["name"]: exposed_trusts.judge(one, world.found, world.standing["accounts"])[0]
        for one in world.before["federated_credentials"]
    }
    return {name for name, verdict in judged.items() if verdict == "restore"}


def risk(world: Compared) -> list[Piece]:
    """What this incident told ID Protection."""
    if not world.found.confirmed:
        return []
    other: Judged = ("drifted", "ID Protection thinks something else by now")
    said: dict[str, Judged] = {"confirmedCompromised": RESTORE, "dismissed": THERE}
    state = world.standing["risk"]
    judged = said.get(state, other)
    return [piece("risk", "state", "risk in ID Protection", judged, ("dismissed", state))]


def switches(world: Compared) -> list[Piece]:
    """The doors, last. One that was closed before the incident stays closed."""
    pieces = []
    before, standing = world.before, world.standing
    if before["application"] is not None:
        was = before["application"].get("isDisabled") is not True
        active = None if standing["deactivated"] is None else not standing["deactivated"]
        words = ("active" if was else "deactivated", "active" if active else "deactivated")
        judged = _switch(was=was, now=active)
        pieces.append(piece("active", "isDisabled", "application", judged, words))
    kind = world.incident["principal"]["kind"]
    if kind == "application_without_principal":
        made = standing["service_principal"] == "there"
        judged = ("restore", "made only to be disabled: it goes again") if made else THERE
        states = ("none", "disabled" if made else "none")
        pieces.append(piece("enabled", "accountEnabled", "service principal", judged, states))
    elif kind not in MANAGED:
        was = _was_enabled(world)
        words = ("enabled" if was else "disabled", "enabled" if standing["enabled"] else "disabled")
        judged = _switch(was=was, now=standing["enabled"])
        pieces.append(piece("enabled", "accountEnabled", "service principal", judged, words))
    return pieces


def _was_enabled(world: Compared) -> bool:
    """As the signal came in: the snapshot is read beside the lever that disables it, so it may show the deed."""
    enabled = world.incident["principal"].get("enabled")
    if enabled is not None:
        return enabled
    return (world.before["service_principal"] or {}).get("accountEnabled") is True


def _switch(*, was: bool, now: bool | None) -> Judged:
    if not was:
        return "never", "it was off before this incident: whoever switched it off knows why"
    return THERE if now else RESTORE
