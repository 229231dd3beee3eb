"""Cards fit Teams whatever an incident holds, say first what to do, and a planted name stays text in them."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks.notices import NOTICES
from playbooks.what_to_do import NOW
from responders import cards

# Microsoft's renderer and schema, where they are at hand: a folder with check_card.mjs and its node_modules.
CHECKER = Path(os.environ.get("CARD_CHECKER", "card-checker")) / "check_card.mjs"


def texts(card: dict[str, Any]) -> list[str]:
    """Every paragraph of a card, in order, folded ones included."""
    found: list[str] = []

    def walk(element: Any) -> None:
        for one in element:
            if one["type"] == "RichTextBlock":
                found.append("".join(run["text"] for run in one["inlines"]))
            walk(one.get("items", []))

    walk(card["body"])
    return found


@settings(max_examples=60, deadline=None)
@given(
    title=st.text(max_size=900),
    facts=st.lists(st.tuples(st.text(max_size=60), st.text(max_size=900)), max_size=20),
    lines=st.lists(st.text(max_size=900), max_size=80),
)
def test_every_card_fits_whatever_its_text_is_made_of(
    title: str, facts: list[tuple[str, str]], lines: list[str]
) -> None:
    card = cards.content(cards.Card(title, "bad", title, facts, lines, [("a", "https://a")]))
    assert cards.size(card) <= cards.BUDGET_B


def test_the_worst_text_fits_too() -> None:
    worst = "\N{PILE OF POO}" * 900  # twelve bytes each, escaped
    facts = [(worst, worst)] * 50
    card = cards.content(cards.Card(worst, "bad", worst, facts, [worst] * 500, []))
    assert cards.size(card) <= cards.BUDGET_B


def test_lines_that_do_not_fit_are_counted() -> None:
    shown = texts(cards.content(cards.Card("t", "good", "", [], ["x" * 400] * 500)))
    left = 500 - sum(text.startswith("x") for text in shown)
    assert left > 0
    assert f"and {left} more" in shown[-1]


def test_the_headline_comes_first_and_what_to_do_second() -> None:
    card = cards.content(cards.Card("NOT contained", "bad", "Pull it by hand.", [("a", "b")]))
    assert texts(card)[:2] == ["NOT contained", "Do now  Pull it by hand."]
    assert card["body"][0]["style"] == "attention"
    assert card["version"] == "1.5"


def test_a_long_list_is_folded_and_nothing_of_it_is_lost() -> None:
    lines = [f"line {number}" for number in range(30)]
    card = cards.content(cards.Card("t", "good", "", [], lines))
    assert [one for one in texts(card) if one.startswith("line")] == lines
    (folded,) = [one for one in card["body"] if one.get("id") == "rest"]
    assert folded["isVisible"] is False


def test_a_card_opens_pages_and_submits_nothing() -> None:
    card = cards.content(
        cards.Card("t", "asking", "", [], ["x"] * 20, [("a", "https://a"), ("b", "")])
    )
    assert [action["type"] for action in card["actions"]] == ["Action.OpenUrl"]
    assert "Action.Submit" not in json.dumps(card)


def test_a_planted_name_becomes_no_link_and_hides_nothing() -> None:
    name = "[Approve here](https://evil.example) \u202etxt.exe"
    card = cards.content(cards.Card(name, "bad", name, [(name, name)], [name]))
    written = json.dumps(card, ensure_ascii=False)
    assert {"TextBlock", "FactSet"} & {one["type"] for one in card["body"]} == set()
    assert "\u202e" not in written
    assert '"type": "TextBlock"' not in written


def test_every_notice_says_what_a_person_does() -> None:
    assert NOTICES.keys() <= NOW.keys()


@pytest.mark.skipif(
    not CHECKER.is_file() or shutil.which("node") is None,
    reason="no check_card.mjs in CARD_CHECKER, or no node",
)
@pytest.mark.parametrize("notice", NOTICES)
def test_microsofts_renderer_takes_every_card(notice: str, tmp_path: Path) -> None:
    title, mood, _ = NOTICES[notice]
    links = [("Open the incident", "https://app.example/incidents/1")]
    lines = [f"aks-{number}: moved" for number in range(20)]
    card = cards.content(cards.Card(title, mood, NOW[notice], [("Identity", "a")], lines, links))
    file = tmp_path / "card.json"
    file.write_text(json.dumps(card))
    ran = subprocess.run(
        ["node", str(CHECKER), str(file)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
