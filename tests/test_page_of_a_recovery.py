"""A recovery from the list to its end, by a person with a keyboard: real host, sandbox, sign-in and browser."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from drill.alert import log_alert
from drill.observing import target_of
from drill.responder import Responder
from drill.training_ground import Layout, TrainingGround, opened
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.compromise import compromise
from tests.browsing import LAUNCH, needs_chromium

pytestmark = needs_chromium
EVIL = "<img src=x onerror=alert(document.domain)>"
PATIENCE_MS = 90_000  # the drill's recovery takes twenty seconds on an idle machine
MOST_TABS = 150


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[TrainingGround]:
    async with opened(Layout(folder=tmp_path, host_environment={})) as running:
        yield running


class Keyboard:
    """Somebody at a page who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", self._say)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}"))

    def _say(self, message: Any) -> None:
        # The sandbox's login has no icon, and says so; the pages have one.
        if message.type == "error" and "404" not in message.text:
            self.wrong.append(message.text)

    async def go_to(self, name: str) -> None:
        """Tab until what has the focus is called that."""
        seen = []
        for _ in range(MOST_TABS):
            await self.page.keyboard.press("Tab")
            here = await self.page.evaluate(
                "(document.activeElement.innerText || document.activeElement.labels?.[0]?.innerText"
                " || document.activeElement.id || '').trim()"
            )
            seen.append(here[:60])
            if here.startswith(name):
                return
        raise AssertionError(f"the keyboard does not reach {name!r}: {seen}")

    async def press(self, name: str) -> None:
        """Go to a link or button and press Enter."""
        await self.go_to(name)
        await self.page.keyboard.press("Enter")


async def attack(ground: TrainingGround) -> str:
    """The drill's own attack, which also renames the application; returns the incident's id."""
    described = ground.described
    attacker = Attacker(ground.http, described["endpoints"], described["tenant_id"])
    target = target_of(described)
    await compromise(attacker, target, lambda _what, _came: None)
    token = await attacker.phish("dana", "https://graph.microsoft.com")
    application = described["seed"]["orders_api"]["application_object_id"]
    url = f"{described['endpoints']['graph']}/v1.0/applications/{application}"
    renamed = await attacker.call("PATCH", url, token, {"displayName": EVIL})
    assert renamed.status_code == 204, renamed.text
    await ground.control.no_delays()
    responder = await Responder.sign_in(ground)
    return await responder.deliver(log_alert(described, target.object_id))


async def sign_in(somebody: Keyboard, name: str) -> None:
    await somebody.press(name)
    await somebody.page.wait_for_url("**/incidents**")


async def agree(somebody: Keyboard) -> None:
    """Read the plan, choose the first thing that is offered, say why, and send it."""
    page = somebody.page
    await page.get_by_role("link", name="Read the plan and answer").first.wait_for(
        timeout=PATIENCE_MS
    )
    await somebody.press("Read the plan and answer")
    await page.wait_for_url("**/consent")
    assert EVIL in await page.inner_text("body")
    for box in await page.locator("input[name=confirmed]").all():
        await box.focus()
        await page.keyboard.press("Space")
    await somebody.go_to("delegated permission")
    await page.keyboard.press("Space")
    await somebody.go_to("Why do you agree?")
    await page.keyboard.type("read with the owner")
    await somebody.press("Consent to this plan")
    await page.wait_for_url("**told=consented**")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_from_the_list_to_recovered_with_the_keyboard_alone(ground: TrainingGround) -> None:
    incident_id = await attack(ground)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**LAUNCH)
        # The sandbox's certificates are its own.
        context = await browser.new_context(ignore_https_errors=True)
        rosa = Keyboard(await context.new_page())
        await rosa.page.goto(f"{ground.host.ready['url']}/incidents")
        await sign_in(rosa, "Rosa")
        await rosa.page.keyboard.press("Tab")
        assert await rosa.page.evaluate("document.activeElement.innerText") == "Skip to content"
        await rosa.press(EVIL)
        await rosa.page.wait_for_url(f"**/{incident_id}")
        await agree(rosa)
        await rosa.page.get_by_text("Recovered", exact=True).first.wait_for(timeout=PATIENCE_MS)

        assert EVIL in await rosa.page.inner_text("h1")
        assert await rosa.page.locator("img[src='x']").count() == 0
        assert rosa.wrong == []
        await browser.close()
    folder = ground.evidence / "incidents" / incident_id
    report = (folder / "report.md").read_text()
    cards = [one.read_text() for one in (folder / "notices").rglob("*.json")]
    assert EVIL not in report
    assert r"\<img src=x onerror=alert(document.domain)\>" in report
    assert any(EVIL in card for card in cards)  # as text of a run: a card has no markup there
    consent = (folder / "consent.json").read_text()
    assert "rosa@contoso.com" in consent
    assert "delegated-permission-" in consent
