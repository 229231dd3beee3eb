"""The plan that a person is asked to agree to, short enough to be read."""

import re

from rich.console import Group, RenderableType
from rich.text import Text

from drill.options import Json

_LONG_SCOPE = re.compile(r"/subscriptions/\S*/(?=[^/\s]+)")


def plan(consent: Json) -> RenderableType:
    """What comes back, in green; what does not, in red where it looks planted; and the hash."""
    asked = consent["plan"]
    lines = [Text.assemble("  A new identity ", (str(asked["display_name"]), "bold"))]
    lines += [_trust(trust) for trust in asked["federated_credentials"]]
    lines += [_role(grant) for grant in asked["grants"]]
    lines += [_choice(one) for one in asked["choices"]]
    lines += [_left_out(left) for left in asked["left_out"]]
    lines += [_confirmation(one) for one in asked["confirmations"]]
    lines += [_irreversible(one) for one in asked["irreversible"]]
    lines.append(Text(f"  people who have to agree: {consent['needs']}"))
    lines.append(Text(f"  plan {consent['plan_hash']}", "dim"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _trust(trust: Json) -> Text:
    name = (f"  {trust['name']}", "dim")
    return Text.assemble(("    + trusts  ", "green"), str(trust["subject"]), name)


def _role(grant: Json) -> Text:
    said = _LONG_SCOPE.sub("", f"{grant['role_name']} at {grant['scope']}")
    return Text.assemble(("    + role    ", "green"), said)


def _choice(choice: Json) -> Text:
    what = _LONG_SCOPE.sub("", f"{choice['what']} {choice['name']}")
    return Text.assemble(("    ? choose  ", "yellow"), what, (f"  {choice['reason']}", "dim"))


def _confirmation(one: Json) -> Text:
    return Text.assemble(("    ! confirm ", "red"), str(one["sentence"]))


def _irreversible(sentence: str) -> Text:
    return Text.assemble(("    ! for good ", "red"), sentence)


def _left_out(left: Json) -> Text:
    """Without the ids that follow in brackets: they are in the report."""
    what = _LONG_SCOPE.sub("", f"{left['what']} {left['name']}").split(" (")[0]
    style = "red" if left["suspicious"] else "yellow"
    return Text.assemble(("    - without ", style), what, (f"  {left['reason']}", "dim"))
