"""A repository's documents are understood to the letter, or refused with file, line and key; nothing is guessed."""

from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.parameters import Provision
from playbooks.provisioning.reading_yaml import DeclarationError, Problem, read

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-orders"
GOOD = f"""version: 1
name: orders-api
kind: user_assigned_identity
resource_group: {GROUP}
location: westeurope
clusters: [aks-weu, aks-neu]
service_accounts:
  - namespace: shop
    name: orders-api
    workloads: [Deployment/orders-api]
  - namespace: shop
    name: orders-worker
    clusters: [aks-weu]
roles:
  - role: Reader
    scope: {GROUP}
"""


def problems(text: str, **more: str) -> list[Problem]:
    with pytest.raises(DeclarationError) as wrong:
        read({"a.yaml": text, **more})
    return wrong.value.problems


def only(text: str) -> tuple[int, str, str]:
    [one] = problems(text)
    return one["line"], one["key"], one["message"]


def test_a_document_says_what_it_says() -> None:
    [found] = read({"a.yaml": GOOD})

    assert found.name == "orders-api"
    assert [found.clusters_of(one) for one in found.service_accounts] == [
        ["aks-weu", "aks-neu"],
        ["aks-weu"],
    ]


def test_several_documents_and_files_are_one_repository() -> None:
    other = GOOD.replace("orders-api\nkind", "billing-api\nkind")
    third = GOOD.replace("orders-api\nkind", "catalog\nkind")

    found = read({"b.yaml": third, "a.yaml": f"---\n{GOOD}---\n{other}---\n"})

    assert [one.name for one in found] == ["orders-api", "billing-api", "catalog"]


@pytest.mark.parametrize(
    ("before", "after", "line", "key", "said"),
    [
        ("version: 1", "version: 2", 1, "version", "Input should be 1"),
        ("name: orders-api\nk", "name: Orders\nk", 2, "name", "pattern"),
        ("kind: user_assigned_identity", "kind: group", 3, "kind", "application"),
        ("location: westeurope\n", "", 1, "", "needs a resource_group and a location"),
        ("namespace: shop\n    name: orders-api", "namespace: no\n    name: x", 8,
         "service_accounts[0].namespace", "valid string"),
        ("namespace: shop\n    name: orders-api", "namespace: kube-system\n    name: x", 8,
         "service_accounts[0].namespace", "the cluster's own"),
        ("    clusters: [aks-weu]", "    clusters: [aks-frc]", 1, "", "none of the identity's"),
        ("role: Reader", "rolle: Reader", 15, "roles[0].role", "Field required"),
        (f"    scope: {GROUP}", "    scope: /subscriptions/x", 16, "roles[0].scope", "pattern"),
        ("name: orders-worker", "name: orders-api", 1, "", "shop/orders-api is there twice"),
        ("Deployment/orders-api", "Pod/orders-api", 10, "service_accounts[0].workloads[0]", "pattern"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    before: str, after: str, line: int, key: str, said: str
) -> None:
    assert before in GOOD

    found = problems(GOOD.replace(before, after))

    assert any((one["line"], one["key"]) == (line, key) and said in one["message"] for one in found)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems(GOOD.replace("version: 1", "version: 2"), **{"b.yaml": "[]"})

    assert [(one["file"], one["line"]) for one in found] == [("a.yaml", 1), ("b.yaml", 1)]


def test_a_key_that_is_there_twice_is_not_passed_over() -> None:
    assert only(f"{GOOD}location: northeurope\n") == (17, "location", "is there twice")


def test_an_alias_is_refused_and_not_expanded() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"

    assert {one["message"][:8] for one in problems(bomb)} == {"an alias"}


@pytest.mark.parametrize(
    "text",
    ["{", "a: b: c", "\x00", "? [a]\n: b", "!!python/object/apply:os.system [id]", "- 1\n- 2",
     "name: " + "[" * 3000, "version: 1\nname: 2026-99-99\n"],
)  # fmt: skip
def test_what_is_no_document_is_a_problem_and_no_crash(text: str) -> None:
    assert problems(text)


def test_nothing_at_all_is_not_an_empty_repository() -> None:
    assert "no document" in only("# only a comment\n")[2]


def test_a_name_is_declared_once_in_a_repository() -> None:
    [one] = problems(GOOD, **{"b.yaml": GOOD})

    assert (one["file"], one["key"]) == ("b.yaml", "name")
    assert "a.yaml:1" in one["message"]


def test_firebreaks_own_tags_are_not_for_documents() -> None:
    wrong = f"{GOOD}tags: {{Firebreak-Run: x}}\n"

    assert "Firebreak-Run is written by Firebreak" in only(wrong)[2]


def test_an_application_has_no_address() -> None:
    wrong = GOOD.replace("user_assigned_identity", "application")

    assert "an application has no resource_group" in only(wrong)[2]


def test_parameters_say_what_is_wrong_before_anything_begins() -> None:
    with pytest.raises(ValidationError, match=r"id/a\.yaml:1: version"):
        Provision.model_validate({"declarations": {"id/a.yaml": GOOD.replace(": 1", ": 2")}})


@pytest.mark.parametrize(
    "parameters",
    [
        {"declarations": {"../a.yaml": GOOD}, "only": ["x"]},
        {"declarations": {"a.yaml": GOOD}, "only": ["billing"]},
        {"declarations": {"a.yaml": f"{GOOD}# {'x' * 1_000_000}"}},
        {"declarations": {"a.yaml": GOOD}, "prune": True},
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: Any) -> None:
    with pytest.raises(ValidationError):
        Provision.model_validate(parameters)


def test_a_document_survives_the_way_to_the_next_step() -> None:
    [one] = Provision.model_validate({"declarations": {"a.yaml": GOOD}}).identities()

    assert Identity.model_validate(one.model_dump(mode="json")) == one
