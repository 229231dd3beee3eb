"""What is known of how old things are, and of what roles allow, when a plan is drawn. Not knowing is never a yes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from playbooks.orders import Json
from playbooks.plan_model import Choice, LeftOut
from playbooks.tracing.gifts import Gifts
from responders.evidence import canonical, digest

NO_LOG: Gifts = {"known": False, "owners": [], "groups": [], "consented": [], "trusts": []}


@dataclass(frozen=True, slots=True)
class Known:
    """By itself it knows nothing: then trusts have to be confirmed, and roles to be chosen one by one."""

    gifts: Gifts = field(default_factory=lambda: NO_LOG)
    # Role definition id -> why it is owner-level, empty where it is not. Missing: it could not be read.
    powers: Mapping[str, str] = field(default_factory=dict)


def is_old(created: str | None, start: str) -> bool:
    """Whether it was there before the compromise window. What has no age is not old."""
    return created is not None and not after(created, start)


def after(moment: str, start: str) -> bool:
    """Whether it is inside the window."""
    return datetime.fromisoformat(moment) >= datetime.fromisoformat(start)


def choice(what: str, name: str, reason: str, restores: Json) -> Choice:
    """Its key follows from what it restores: the same facts make the same key."""
    key = f"{what.replace(' ', '-').lower()}-{digest(canonical(restores))[:10]}"
    return {"key": key, "what": what, "name": name, "reason": reason, "restores": restores}


def left(what: str, name: str, reason: str, *, suspicious: bool = False) -> LeftOut:
    """Something that does not come back, and why."""
    return {"what": what, "name": name, "reason": reason, "suspicious": suspicious}
