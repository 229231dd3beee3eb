"""`python -m drill.page_pictures`: the pictures of the pages in docs/images, taken anew in a real browser."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from drill.alert import log_alert
from drill.observing import target_of
from drill.options import ROOT, DrillError
from drill.responder import Responder
from drill.training_ground import Layout, TrainingGround, opened
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.compromise import compromise

_IMAGES = ROOT / "docs" / "images"
_DESK: Any = {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}
_NIGHT: Any = {**_DESK, "color_scheme": "dark"}
_PHONE: Any = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True}
_PATIENCE_MS = 90_000


def main() -> int:
    """Take them all; 1 with the reason where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.stderr.write("There is no Chromium here (Debian: apt-get install chromium).\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_take(Path(folder), chromium))
    return 0


async def _take(folder: Path, chromium: str) -> None:
    layout = Layout(folder=folder, host_environment={})
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with opened(layout) as ground, async_playwright() as playwright:
        incident = await _attack(ground)
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        origin = str(ground.host.ready["url"])
        async with _rosa(browser, origin, _DESK) as page:
            await page.goto(f"{origin}/incidents/{incident}/consent")
            await page.wait_for_timeout(500)
            await _shoot(page, "page-consent.png")
            await _agree(page)
            await page.get_by_text("Recovered", exact=True).first.wait_for(timeout=_PATIENCE_MS)
            await page.goto(f"{origin}/incidents")
            await _shoot(page, "page-list.png", height=420)
        async with _rosa(browser, origin, _NIGHT) as page:
            await page.goto(f"{origin}/incidents/{incident}")
            await page.wait_for_timeout(500)
            await _shoot(page, "page-incident.png")
        async with _rosa(browser, origin, _PHONE) as page:
            await page.goto(f"{origin}/incidents/{incident}")
            await page.wait_for_timeout(500)
            await _shoot(page, "page-phone.png")
        await browser.close()


async def _attack(ground: TrainingGround) -> str:
    """The drill's own attack and alert; the incident's id once its plan asks for consent."""
    described = ground.described
    attacker = Attacker(ground.http, described["endpoints"], described["tenant_id"])
    target = target_of(described)
    await compromise(attacker, target, lambda _what, _came: None)
    await ground.control.no_delays()
    responder = await Responder.sign_in(ground)
    incident_id = await responder.deliver(log_alert(described, target.object_id))
    for _ in range(_PATIENCE_MS // 500):
        if (await responder.incident(incident_id))["phase"] == "awaiting_consent":
            return incident_id
        await asyncio.sleep(0.5)
    raise DrillError("nobody was asked for consent")


@asynccontextmanager
async def _rosa(browser: Browser, origin: str, look: Any) -> AsyncIterator[Page]:
    """A page of somebody who is signed in. The sandbox's certificates are its own."""
    context = await browser.new_context(ignore_https_errors=True, **look)
    page = await context.new_page()
    await page.goto(f"{origin}/incidents")
    await page.get_by_role("button", name="Rosa").click()
    await page.wait_for_url("**/incidents")
    yield page
    await context.close()


async def _agree(page: Page) -> None:
    for box in await page.locator("input[name=confirmed]").all():
        await box.check()
    await page.get_by_label("Why do you agree?").fill("read with the owner of orders-api")
    await page.get_by_role("button", name="Consent to this plan").click()


async def _shoot(page: Page, name: str, height: int | None = None) -> None:
    size = page.viewport_size or {"width": 0, "height": 0}
    clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"]}
    await page.screenshot(path=_IMAGES / name, clip=clip)


if __name__ == "__main__":
    sys.exit(main())
