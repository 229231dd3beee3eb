"""A comment on a Sentinel incident fits, and a planted name is text in it, in Markdown as in HTML."""

from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks import notice_comments
from responders.cards import Card
from responders.sentinel_comments import MOST_CHARACTERS
from responders.untrusted import in_markup
from tests.a_rehearsed_incident import order as plain_order

EVIL = "<img src=x onerror=alert(1)> [Approve](https://evil.example) **b** `c` # d | e ~f~ https://evil.example"


def length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_planted_name_reads_as_it_is_and_is_no_tag_and_no_link() -> None:
    shown = in_markup(EVIL)
    page = _Read()
    page.feed(shown)
    assert (page.tags, page.text) == ([], EVIL)
    assert not set("<>[]*`#|~") & set(shown.replace("&#", ""))
    assert "://" not in shown


@given(st.text())
def test_any_text_is_no_markup(text: str) -> None:
    page = _Read()
    page.feed(in_markup(text))
    page.close()
    assert page.tags == []


def test_a_comment_says_what_the_card_says_and_links_the_incident() -> None:
    card = Card(
        "Contained: orders-api",
        "good",
        "Read it.",
        [("Identity", EVIL)],
        [EVIL],
        [("Open the incident", "https://app/incidents/1"), ("See who breaks", "")],
    )
    written = notice_comments.message(card)
    assert written.startswith("**Firebreak: Contained: orders-api**\n\nDo now: Read it.")
    assert "[Open the incident](https://app/incidents/1)" in written
    assert written.count("](") == 1
    assert "<img" not in written


@settings(max_examples=30, deadline=None)
@given(
    text=st.text(max_size=900),
    facts=st.lists(st.tuples(st.text(max_size=80), st.text(max_size=900)), max_size=20),
    lines=st.lists(st.text(max_size=900), max_size=150),
)
def test_every_comment_fits(text: str, facts: list[tuple[str, str]], lines: list[str]) -> None:
    assert length(notice_comments.message(Card(text, "bad", text, facts, lines))) <= MOST_CHARACTERS


def test_the_longest_comment_fits_and_says_what_it_left_out() -> None:
    worst = "~" * 900
    written = notice_comments.message(
        Card(
            worst,
            "bad",
            worst,
            [(worst, worst)] * 50,
            [worst] * 500,
            [("a", "https://app/" + "x" * 200)] * 3,
        )
    )
    assert length(written) <= MOST_CHARACTERS
    shown = written.count("\n- &#126;")
    assert f"and {500 - shown} more" in written


def test_the_same_notice_is_the_same_comment() -> None:
    def made(**more: Any) -> Any:
        order: Any = {**plain_order("contain"), "notice": "contained", **more}
        return notice_comments.comment(order, Card("t", "good", ""), ["/incidents/1"])

    assert made() == made()
    assert made()["comment_id"] != made(notice_key="contained-2")["comment_id"]


def test_a_secret_is_in_no_comment() -> None:
    card = Card("t", "bad", "", [("a", "https://x/?sig=hunter2hunter2")], ["code=hunter2hunter2"])
    assert "hunter2" not in notice_comments.message(card)
