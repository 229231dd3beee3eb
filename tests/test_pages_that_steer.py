"""Resume, cancel and restore from their pages: the API's own acts, once, with a reason, and by who may."""

import re
from typing import Any

import pytest

from playbooks.orders import CANCEL
from playbooks.restoring import plans
from playbooks.restoring.model import RestorePlan
from playbooks.steps import restorable
from responders import notices
from tests import an_incident
from tests.an_incident import INCIDENT
from tests.restore_world import world
from tests.test_pages import Browser, text
from tests.test_restore_api import FOREIGN, ID, durable
from tests.test_ways_in import INES, FakeClient, settings, signed_in
from triggers import people

__all__ = ["settings"]  # a fixture of every test here as well


@pytest.fixture
def resumable() -> FakeClient:
    client = FakeClient()
    told: Any = {"resumable": True, "resume": {"event": "resume-1", "until": an_incident.EXPIRES}}
    client.statuses[INCIDENT] = an_incident.standing("awaiting_resume", **told)
    return client


async def form(browser: Browser, act: str, **fields: str) -> dict[str, str]:
    """What the page's form would send."""
    page = text(await browser.get(f"page_{act}_form"))
    call = re.findall(r'name="call" value="([^"]+)"', page)
    sent = {"form_token": browser.token(page, act), "reason": "the cluster is back", **fields}
    return {**sent, "call": call[0]} if call else sent


async def test_a_recovery_goes_on_once_however_often_the_form_is_sent(
    resumable: FakeClient,
) -> None:
    browser = Browser(resumable)
    sent = await form(browser, "resume")
    first = await browser.post("page_resume", sent)
    again = await browser.post("page_resume", sent)

    assert (first.status_code, again.status_code) == (303, 303)
    ((where, event, call),) = resumable.events
    assert (where, event, call["owners_go_on"]) == (INCIDENT, "resume-1", False)
    assert (call["reason"], call["by"]["name"]) == ("the cluster is back", "rosa@contoso.example")


async def test_that_git_holds_the_patches_is_said_by_a_box_that_is_explained(
    resumable: FakeClient,
) -> None:
    browser = Browser(resumable)
    page = text(await browser.get("page_resume_form"))
    assert "every GitOps controller that was asked to wait goes on" in page
    assert 'type="checkbox"' not in text(await browser.get("page_cancel_form"))
    await browser.post("page_resume", await form(browser, "resume", box="yes"))

    assert resumable.events[0][2]["owners_go_on"] is True


async def test_where_nobody_agreed_the_page_says_that_people_are_asked_anew(
    resumable: FakeClient,
) -> None:
    told = resumable.statuses[INCIDENT].custom_status
    told |= {"phase": "watching", "resume": {**told["resume"], "asks_anew": True}}
    browser = Browser(resumable)
    page = text(await browser.get("page_incident"))
    assert "Ask for consent anew" in page
    assert "Nobody agreed to the plan: nothing is rebuilt" in page
    form_page = text(await browser.get("page_resume_form"))
    assert "Have people asked" in form_page
    assert 'type="checkbox"' not in form_page
    answer = await browser.post("page_resume", await form(browser, "resume"))

    assert "told=asked_anew" in answer.headers["Location"]
    assert [event for _, event, _ in resumable.events] == ["resume-1"]


async def test_what_can_not_go_on_says_so_and_keeps_the_reason(resumable: FakeClient) -> None:
    resumable.statuses[INCIDENT].custom_status |= {"resumable": False, "resume": None}
    browser = Browser(resumable)
    answer = await browser.post("page_resume", await form(browser, "resume"))

    assert (answer.status_code, resumable.events) == (409, [])
    assert "there is nothing to resume now" in text(answer)
    assert ">the cluster is back</textarea>" in text(answer)


@pytest.mark.parametrize("act", ["resume", "cancel", "restore"])
async def test_nobody_acts_without_a_reason(resumable: FakeClient, act: str) -> None:
    browser = Browser(resumable)
    sent = await form(browser, act, reason="")
    answer = await browser.post(f"page_{act}", {**sent, "mode": "plan"})

    assert (answer.status_code, resumable.events) == (400, [])
    assert "reason" in text(answer)


@pytest.mark.parametrize("act", ["resume", "cancel", "restore"])
async def test_who_may_only_read_steers_nothing(resumable: FakeClient, act: str) -> None:
    reader = Browser(resumable, people.READ)
    answer = await reader.post(f"page_{act}", await form(reader, act))

    assert (answer.status_code, resumable.events) == (403, [])


async def test_an_incident_is_ended_from_its_page(resumable: FakeClient) -> None:
    browser = Browser(resumable)
    answer = await browser.post("page_cancel", await form(browser, "cancel", reason="a drill"))

    assert answer.status_code == 303
    ((where, event, call),) = resumable.events
    assert (where, event, call["reason"]) == (INCIDENT, CANCEL, "a drill")


class Restoring:
    """Somebody at the page of a restore."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The world makes the last of these plans."""
        self.drawn = [plans.draw(world({"federated_credentials": [FOREIGN]}), [], None)]
        client = FakeClient()
        client.statuses[ID] = durable("Completed")
        self.browser = Browser(client)
        self.browser.incident = ID
        monkeypatch.setattr(restorable, "draw", self._draw)
        monkeypatch.setattr(notices, "send", self._send)

    async def _send(self, *_: Any) -> Any:
        return {"status": "done", "detail": "handed over"}

    async def _draw(self, *_: Any) -> RestorePlan:
        return self.drawn[-1]

    async def look(self) -> str:
        """What would come back."""
        sent = await form(self.browser, "restore", mode="plan")
        return text(await self.browser.post("page_restore", sent))

    async def order(self, page: str, **more: str) -> Any:
        """Press the button under it."""
        plan_hash = re.findall(r'name="plan_hash" value="([0-9a-f]{64})"', page)[0]
        token = self.browser.token(page, "restore")
        sent = {"form_token": token, "mode": "apply", "plan_hash": plan_hash, **more}
        return await self.browser.post("page_restore", {"reason": "false alarm", **sent})


@pytest.fixture
def restoring(monkeypatch: pytest.MonkeyPatch) -> Restoring:
    return Restoring(monkeypatch)


async def test_a_restore_is_shown_first_and_ordered_as_it_was_shown(restoring: Restoring) -> None:
    page = await restoring.look()
    client = restoring.browser.client
    assert 'name="chosen" value="trust:weu"' in page
    assert (client.started, client.events) == ([], [])

    answer = await restoring.order(page, chosen="trust:weu")
    assert (answer.status_code, client.started) == (303, [])
    assert "told=ordered" in answer.headers["Location"]
    again = await restoring.look()
    assert "You have ordered this restore" in again
    assert "Restore exactly this" not in again

    restoring.browser.headers |= signed_in(people.APPROVE, by=INES)
    page = await restoring.look()
    assert "1 of 2" in page
    assert re.search(r'value="trust:weu" checked', page)
    answer = await restoring.order(page, chosen="trust:weu")

    assert "told=restored" in answer.headers["Location"]
    ((_, started),) = client.started
    asked = started["facts"]["requested"]
    assert asked["chosen"] == ["trust:weu"]
    assert asked["plan_hash"] == plans.plan_hash(restoring.drawn[-1])


async def test_a_restore_that_others_ordered_is_refused_from_the_page(restoring: Restoring) -> None:
    await restoring.order(await restoring.look())
    browser = restoring.browser
    browser.headers |= signed_in(people.APPROVE, by=INES)
    page = text(await browser.get("page_restore_form"))
    assert "People are asked about a restore" in page
    sent = await form(browser, "restore", mode="refuse", reason="it was an attack")
    sent["plan_hash"] = plans.plan_hash(restoring.drawn[-1])
    answer = await browser.post("page_restore", sent)

    assert "told=not_restored" in answer.headers["Location"]
    assert "People are asked" not in text(await browser.get("page_restore_form"))
    assert browser.client.started == []


async def test_where_the_world_has_changed_the_difference_and_the_new_plan_are_shown(
    restoring: Restoring,
) -> None:
    page = await restoring.look()
    changed = world({"federated_credentials": [FOREIGN]}, standing={"enabled": True})
    restoring.drawn.append(plans.draw(changed, [], None))
    answer = await restoring.order(page)

    assert (answer.status_code, restoring.browser.client.started) == (409, [])
    assert "enabled:accountEnabled" in text(answer)
    assert plans.plan_hash(restoring.drawn[-1]) in text(answer)
    assert ">false alarm</textarea>" in text(answer)
