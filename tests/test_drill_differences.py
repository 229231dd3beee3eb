"""How a drill compares two states: whatever this overlooks, a restore that is not one would be called one."""

from drill.differences import Difference, differences, unexplained

BEFORE = {
    "applications": {"a": {"displayName": "x", "passwordCredentials": {"k": {"end": 1}}}},
    "owners": {"a": ["p", "q"]},
}


def test_equal_states_differ_in_nothing() -> None:
    assert differences(BEFORE, {**BEFORE}) == []


def test_what_is_gone_new_or_another_is_named_by_its_path() -> None:
    after = {
        "applications": {"a": {"displayName": "y", "passwordCredentials": {}}, "b": {}},
        "owners": {"a": ["p"]},
    }

    found = differences(BEFORE, after)

    assert [str(each) for each in found] == [
        "applications/a/displayName: 'x' -> 'y'",
        "applications/a/passwordCredentials/k: removed",
        "applications/b: added",
        "owners/a: ['p', 'q'] -> ['p']",
    ]


def test_a_part_that_one_state_lacks_is_a_difference_and_so_is_null() -> None:
    assert [each.kind for each in differences(BEFORE, {"applications": {}})] == [
        "removed",
        "removed",
    ]
    (found,) = differences({"x": {"isDisabled": None}}, {"x": {}})
    assert (found.path, found.kind) == (("x", "isDisabled"), "removed")


def test_a_type_that_changes_is_a_change() -> None:
    (found,) = differences({"x": {"y": {}}}, {"x": {"y": []}})
    assert (found.before, found.after) == ({}, [])


def test_an_explanation_covers_what_is_at_and_below_its_path_and_nothing_beside() -> None:
    secret = Difference(("applications", "a", "passwordCredentials", "k"), {}, None, "removed")
    other = Difference(("applications", "a2", "passwordCredentials", "k"), {}, None, "removed")
    covered = ("applications", "a", "passwordCredentials")

    assert unexplained([secret, other], [covered]) == [other]
    assert unexplained([secret, other], []) == [secret, other]
