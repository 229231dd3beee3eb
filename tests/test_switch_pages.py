"""The page of the kill switch: whoever responds stops everything with one form; an administrator releases it."""

import re

import azure.functions as func
import pytest

from responders import kill_switch
from tests.test_pages import Browser, asked, evidence, settings, text
from tests.test_ways_in import FakeClient
from triggers import intake, people

__all__ = ["asked", "evidence", "settings"]


class Desk(Browser):
    """A browser at the page of the switch."""

    async def turn(self, to: str, reason: str = "wrong identity", **more: str) -> func.HttpResponse:
        """What the page's own form sends."""
        return await self.post("page_turn_switch", {**await self.fields(to, reason), **more})

    async def fields(self, to: str, reason: str) -> dict[str, str]:
        page = text(await self.get("page_switch"))
        token = re.findall(r'name="form_token" value="([0-9a-f]{64})"', page)
        seen = re.findall(r'name="seen" value="([^"]+)"', page)
        fields = {"to": to, "reason": reason, "form_token": token[0] if token else ""}
        return {**fields, "seen": seen[0].replace("&#34;", '"')} if seen else fields


async def test_whoever_responds_stops_every_act_with_one_sentence() -> None:
    desk = Desk(FakeClient(), people.RESPOND)
    assert "Firebreak acts" in text(await desk.get("page_switch"))

    assert (await desk.turn("pull")).status_code == 303

    stands = kill_switch.read(intake.store())
    assert (stands["acting"], stands["reason"]) == (False, "wrong identity")
    page = text(await desk.get("page_switch"))
    assert "Nothing acts" in page
    assert "Only a person with the role Incident.Admin can release it" in page
    assert "<form" not in page


async def test_an_administrator_releases_what_was_pulled_and_both_turns_are_shown() -> None:
    await Desk(FakeClient(), people.RESPOND).turn("pull")
    admin = Desk(FakeClient(), people.ADMIN)

    assert (await admin.turn("release", "it was the right one")).status_code == 303

    assert kill_switch.read(intake.store())["acting"] is True
    page = text(await admin.get("page_switch"))
    assert "it was the right one" in page
    assert "wrong identity" in page


async def test_who_only_responds_releases_nothing_whatever_form_is_sent() -> None:
    desk = Desk(FakeClient(), people.RESPOND)
    fields = await desk.fields("release", "let me")
    await desk.turn("pull")

    refused = await desk.post("page_turn_switch", fields)

    assert refused.status_code == 403
    assert kill_switch.read(intake.store())["acting"] is False


@pytest.mark.parametrize("seen", ['"0123456789abcdef"', ""])
async def test_a_release_from_an_older_page_changes_nothing(seen: str) -> None:
    admin = Desk(FakeClient(), people.ADMIN)
    await admin.turn("pull")

    late = await admin.turn("release", seen=seen)

    assert late.status_code == 412
    assert kill_switch.read(intake.store())["acting"] is False


async def test_a_reader_looks_and_turns_nothing() -> None:
    reader = Desk(FakeClient(), people.READ)
    page = text(await reader.get("page_switch"))
    assert "You may look" in page
    assert "<form" not in page

    assert (
        await reader.post("page_turn_switch", {"to": "pull", "reason": "mine"})
    ).status_code == 403
    assert kill_switch.read(intake.store())["acting"] is True


async def test_a_form_of_another_site_pulls_nothing() -> None:
    desk = Desk(FakeClient(), people.RESPOND)
    fields = await desk.fields("pull", "a stranger's")

    forged = await desk.post("page_turn_switch", fields, Origin="https://elsewhere.example")

    assert forged.status_code == 403
    assert kill_switch.read(intake.store())["acting"] is True


@pytest.mark.parametrize(("to", "reason"), [("pull", "no"), ("off", "wrong identity"), ("", "why")])
async def test_a_form_that_makes_no_sense_is_shown_again_with_what_is_wrong(
    to: str, reason: str
) -> None:
    desk = Desk(FakeClient(), people.RESPOND)

    again = await desk.turn(to, reason)

    assert again.status_code == 400
    assert "Not taken" in text(again)
    assert kill_switch.read(intake.store())["acting"] is True


async def test_what_somebody_wrote_as_reason_stays_text() -> None:
    desk = Desk(FakeClient(), people.RESPOND)
    await desk.turn("pull", "<script>alert(1)</script>")

    assert "<script>alert" not in text(await desk.get("page_switch"))
