"""What the policy makes of a signal: which playbook, how deep, and why."""

from dataclasses import dataclass
from typing import Literal

from playbooks.policy import Policy
from playbooks.signal_rules import Playbook
from responders.model import Mode, Signal

Depth = Mode | Literal["apply", "record"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a signal."""

    playbook: Playbook | None  # None where it is only recorded
    mode: Depth
    wanted: Depth  # what the rule says, before the cap
    rule_index: int | None  # of policy.toml's [[signals]], from 0; None: no rule decided
    capped: bool  # the rule goes deeper than whoever sends by a key alone may
    why: str  # a sentence


def decide(signal: Signal, policy: Policy) -> Decision:
    """The first rule that covers the signal. Without one it is recorded, and nothing is started.

    A responder's call is as deep as it asks for. What came by a key alone contains at most: a key is a secret that
    many configurations hold, and rebuilding an identity is not to hang on it.
    """
    if "inert" in signal:
        return Decision(None, "record", "record", None, capped=False, why=signal["inert"])
    if signal["source"] == "responder":
        mode = signal.get("asked", "plan")
        return Decision(
            "compromised_identity", mode, mode, None, capped=False, why="a responder's call"
        )
    if signal["source"] == "firebreak":  # a run weighed it, by the rules of [troubleshooting]
        mode = signal.get("asked", "plan")
        return Decision("compromised_identity", mode, mode, None, capped=False, why=signal["title"])
    for index, rule in enumerate(policy.signals):
        if not rule.covers(signal):
            continue
        said = f"rule {index + 1} of policy.toml's signals says {rule.mode}"
        if rule.mode == "respond" and signal["authenticated"] != "token":
            why = f"{said}; it came without an Entra token, which contains at most"
            return Decision(rule.playbook, "contain", rule.mode, index, capped=True, why=why)
        return Decision(rule.playbook, rule.mode, rule.mode, index, capped=False, why=said)
    why = f"no rule of policy.toml's signals is about {signal['source']} {signal['kind']}"
    return Decision(
        None, "record", "record", None, capped=False, why=f"{why} {signal['severity']}".rstrip()
    )
