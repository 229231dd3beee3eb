"""What can't be read or told is a page that says so and what to do, never a bare error; and never "done"."""

from typing import Any

import pytest

from responders.errors import RefusedError, ResponderError, TransientError
from tests.an_incident import EVIL
from tests.test_edge import ask
from tests.test_pages import Browser, asked, evidence, settings, text
from tests.test_ways_in import INCIDENT as OTHER
from tests.test_ways_in import PLAN, YES, FakeClient, asking
from triggers import incident_list, intake, signal_list, status

__all__ = ["asked", "evidence", "settings"]
Asked = tuple[FakeClient, str]
OF_AN_INCIDENT = (
    *("page_incident", "page_live", "page_consent"),
    *("page_resume_form", "page_restore_form", "page_cancel_form"),
)


def broken(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, problem: Exception) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise problem

    monkeypatch.setattr(where, name, fails)


@pytest.mark.parametrize("name", OF_AN_INCIDENT)
@pytest.mark.parametrize(
    ("problem", "code"), [(TransientError(EVIL), 503), (RefusedError(EVIL), 500)]
)
async def test_an_incident_that_can_not_be_read_is_a_page_that_says_so(
    asked: Asked, name: str, problem: ResponderError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, status, "of", problem)
    answer = await Browser(asked[0]).get(name)

    assert answer.status_code == code
    assert EVIL not in text(answer), "the reason is text"
    assert ("Retry-After" in answer.headers) is (code == 503)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "where", "what"),
    [
        ("page_incidents", incident_list, "page"),
        ("page_signals", signal_list, "page"),
    ],
)
async def test_a_list_that_can_not_be_read_is_no_empty_list(
    asked: Asked, name: str, where: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, where, what, TransientError("the storage is busy"))
    answer = await Browser(asked[0]).get(name)

    assert answer.status_code == 503
    assert "the storage is busy" in text(answer)


async def test_a_form_whose_word_durable_did_not_take_is_not_said_to_be_taken(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    sent = await browser.form("consent", plan_hash)

    async def lost(*_: Any) -> Any:
        raise RuntimeError("503")

    monkeypatch.setattr(client, "raise_event", lost)
    answer = await browser.post("page_answer", sent)
    assert answer.status_code == 503
    assert "may have been heard" in text(answer)


class Deaf(FakeClient):
    """Durable takes no word: it does not answer, or the instance has ended."""

    def __init__(self, ended: bool) -> None:
        super().__init__()
        self.deaf, self.ended = True, ended

    async def raise_event(self, instance_id: str, name: str, payload: Any) -> None:
        if not self.deaf:
            await super().raise_event(instance_id, name, payload)
            return
        if self.ended:
            self.statuses[instance_id].runtime_status.name = "Completed"
        raise RuntimeError("the SDK says no more")


async def test_a_consent_that_durable_did_not_take_is_kept_and_taken_when_it_is_sent_again(
    settings: None,
) -> None:
    client = Deaf(ended=False)
    client.statuses[OTHER] = asking()
    intake.store().put_json(f"incidents/{OTHER}/plan.json", PLAN)
    lost = await ask("answer_plan", client, body=YES, Idempotency_Key="k")
    assert (lost.status, lost.code, client.events) == (503, "TryAgain", [])

    client.deaf = False
    again = await ask("answer_plan", client, body=YES, Idempotency_Key="k")
    assert (again.status, again.json["approvals"]) == (202, 1)
    assert len(client.events) == 1


async def test_an_answer_to_what_ended_in_this_moment_is_no_consent(settings: None) -> None:
    client = Deaf(ended=True)
    client.statuses[OTHER] = asking()
    intake.store().put_json(f"incidents/{OTHER}/plan.json", PLAN)
    late = await ask("answer_plan", client, body=YES)

    assert (late.status, late.code) == (409, "NotAsked")
    assert "changes nothing" in late.json["detail"]
