"""Two texts that should be the same: where they differ, in words, also where the eye sees nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.troubleshooting import differences

ISSUER = "https://westeurope.oic.prod-aks.azure.com/t/g/"


@pytest.mark.parametrize(
    ("has", "said"),
    [
        (ISSUER[:-1], 'at character 46 (the end): "/" is missing'),
        (ISSUER + "/", 'at character 47 (the end): "/" is too much'),
        (ISSUER.replace("/t/", "/T/"), 'at character 43: "T" instead of "t", another case'),
        (ISSUER + " ", '(the end): " " (U+0020 SPACE) is too much'),
        (ISSUER.replace("aks", "\u0430ks"), "U+0430 CYRILLIC SMALL LETTER A"),
        (ISSUER.replace("oic", "o\u200bic"), "U+200B ZERO WIDTH SPACE"),
        (ISSUER + "\n", "U+000A"),
    ],
)
def test_each_difference_is_said_in_words(has: str, said: str) -> None:
    assert said in "\n".join(differences.lines(ISSUER, has))


def test_what_cannot_be_seen_is_written_out() -> None:
    shown = differences.lines(ISSUER, ISSUER.replace("oic", "o\u200bic"))[1]

    assert "«\\u200b»" in shown
    assert "\u200b" not in shown


@pytest.mark.parametrize("has", [ISSUER[:-1], ISSUER.upper(), f" {ISSUER}", f"{ISSUER}\t"])
def test_case_white_space_and_a_last_slash_are_slips(has: str) -> None:
    assert differences.is_slip(ISSUER, has)


@pytest.mark.parametrize("has", [ISSUER, ISSUER.replace("/g/", "/h/"), "", ISSUER + "x"])
def test_anything_else_is_meant(has: str) -> None:
    assert not differences.is_slip(ISSUER, has)


def test_the_nearest_is_a_slip_before_anything_that_looks_alike() -> None:
    alike = ISSUER.replace("/g/", "/h/")

    assert differences.nearest(ISSUER, [alike, ISSUER[:-1]]) == ISSUER[:-1]
    assert differences.nearest(ISSUER, ["https://token.actions.githubusercontent.com"]) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_texts_that_differ_are_told_and_those_that_do_not_are_not(wanted: str, has: str) -> None:
    said = differences.lines(wanted, has)

    assert bool(said) == (wanted != has)
    assert all(line.isprintable() for line in said)
