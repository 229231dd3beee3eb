"""What reached people, and what must never reach anybody."""

import re

from drill.scene import Scene
from drill.verdict import published
from drill.verdict.facts import Check, Finding, none_of

_TOKEN = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}")
# Each of them has to be there: a secret can't be found in what was not searched.
OUTPUTS = (
    "host log",
    "evidence",
    "report",
    "Teams messages",
    "events",
    "orchestration history",
    "status answer",
)


def _cards(scene: Scene) -> Finding:
    count = len(scene.after["teams"]) - len(scene.staged["teams"])
    return Finding(count >= 1, f"{count} cards")


def _known_secrets(scene: Scene) -> Finding:
    if not scene.secrets or not all(len(value) >= 8 for value in scene.secrets.values()):
        return Finding(False, "no secrets to look for")
    return none_of(
        [
            f"{name} in the {where}"
            for name, value in scene.secrets.items()
            for where in OUTPUTS
            if value in scene.outputs[where]
        ]
    )


def _tokens(scene: Scene) -> Finding:
    return none_of([where for where in OUTPUTS if _TOKEN.search(scene.outputs[where])])


def _all_read(scene: Scene) -> Finding:
    return none_of([f"{where} is empty" for where in OUTPUTS if not scene.outputs[where].strip()])


TOLD = Check("people were told in Teams", "at least 1 card", _cards)
CHECKS = (
    TOLD,
    *published.CHECKS,
    Check(
        "log, evidence, report, messages and history are there to be searched", "none", _all_read
    ),
    Check("no secret of anybody's is in any of them", "none", _known_secrets),
    Check("nothing that looks like a token is in any of them", "none", _tokens),
)
