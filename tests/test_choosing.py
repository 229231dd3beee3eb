"""What a consent chose is what comes back, and card and report say all of it."""

from pathlib import Path
from typing import Any

from playbooks.choosing import chosen, grants_of, offered, told
from responders.evidence_folder import EvidenceFolder

INCIDENT: Any = {"incident_id": "inc-1"}


def option(number: int, kind: str = "grant") -> dict[str, Any]:
    return {
        "key": f"k{number}",
        "what": "grant",
        "name": f"Owner at /{number}",
        "reason": "owner-level",
        "restores": {"kind": kind, "grant": {"scope": f"/{number}"}, "item": number},
    }


def plan(*choices: Any) -> Any:
    risk = {"key": "risk", "sentence": "a stolen token stays good"}
    return {"choices": list(choices), "confirmations": [risk], "grants": [{"scope": "/planned"}]}


def answered(folder: Path, *keys: str) -> EvidenceFolder:
    store = EvidenceFolder(folder)
    store.put_json("incidents/inc-1/consent.json", {"decision": "grant", "chosen": list(keys)})
    return store


def test_only_what_was_chosen_of_the_plan_is_restored(tmp_path: Path) -> None:
    store = answered(tmp_path, "k2", "k3", "not-in-the-plan")
    found = plan(option(1), option(2), option(3, kind="membership"))

    assert [one["grant"]["scope"] for one in chosen(store, INCIDENT, found, "grant")] == ["/2"]
    assert [one["scope"] for one in grants_of(store, INCIDENT, found)] == ["/planned", "/2"]
    assert [one["item"] for one in chosen(store, INCIDENT, found, "membership")] == [3]


def test_a_consent_that_chose_nothing_restores_nothing(tmp_path: Path) -> None:
    store = answered(tmp_path)

    assert [one["scope"] for one in grants_of(store, INCIDENT, plan(option(1)))] == ["/planned"]


def test_a_card_names_a_few_choices_and_how_many_more_there_are() -> None:
    lines = offered(plan(*map(option, range(10))))

    assert lines[0].startswith("Comes back only if you choose it (k0): grant Owner at /0")
    assert lines[-1] == "… and 2 more choices: see the plan"
    assert offered(plan()) == []


def test_a_report_says_of_each_whether_it_was_chosen_and_confirmed() -> None:
    said = told(plan(option(1), option(2)), {"chosen": ["k2"], "confirmed": ["risk"]})

    assert [one.partition(":")[0] for one in said] == ["not chosen", "chosen", "confirmed"]
    assert told(plan(), {})[0].startswith("not confirmed")
