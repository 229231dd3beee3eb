"""The pages in a real browser: nothing that anybody wrote runs, everybody can use them, only they send their forms."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from playbooks import consent_records
from responders import graph_drawings, incident_index
from responders.evidence_folder import EvidenceFolder
from tests import an_incident
from tests.an_incident import EVIL, INCIDENT
from tests.browsing import Site, Watched, chromium, needs_chromium, served, visible_text
from triggers import intake, people
from triggers.pages import incident_view

pytestmark = needs_chromium
PHONE = {"width": 390, "height": 844}
PATHS = (
    "/incidents",
    f"/incidents/{INCIDENT}",
    f"/incidents/{INCIDENT}/consent",
    f"/incidents/{INCIDENT}/cancel",
    "/signals",
    f"/incidents/{INCIDENT}/restore",
    "/incidents/nobody",
)
_NOT_FOUND = (
    "the server responded with a status of 404"  # what Chromium itself says of the last one
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An incident that asks for consent, every text of which is hostile; whoever comes may do everything."""
    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    store = EvidenceFolder(tmp_path / "evidence")
    site = Site()
    site.roles = people.ROLES
    plan_hash = an_incident.kept(store)
    standing = an_incident.standing(plan_hash=plan_hash)
    site.client.statuses[INCIDENT] = standing
    an_incident.signalled(store, "poisoned")
    incident_index.opened(store, standing.input_["incident"])
    incident_view._kept.cache_clear()
    with served(site):
        yield site


@pytest.fixture
def desk(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def until(true: Callable[[], bool], page: Page) -> None:
    """Wait in the browser's own time; fail after a minute."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        page.wait_for_timeout(100)


def test_nothing_that_anybody_wrote_runs_and_the_policy_is_never_violated(
    site: Site, desk: BrowserContext
) -> None:
    watched = Watched(desk)
    for path in PATHS:
        watched.page.goto(site.origin + path)
        watched.page.wait_for_timeout(200)
        assert watched.page.locator("img[src='x']").count() == 0
        if INCIDENT in path:
            assert EVIL in visible_text(watched.page)

    assert [one for one in watched.wrong if _NOT_FOUND not in one] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_people_out(site: Site, browser: Browser, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    found = []
    for path in PATHS:
        page.goto(site.origin + path)
        # axe is put in by the debugger, which the page's policy doesn't reach; the pages themselves load nothing of it.
        result = Axe().run(page)
        found += [
            f"{path} {one['id']}: {node['html'][:200]}"
            for one in result.response["violations"]
            for node in one["nodes"]
        ]
        assert "color-contrast" in {one["id"] for one in result.response["passes"]}
    context.close()
    assert found == []


def test_on_a_phone_nothing_has_to_be_pushed_sideways(site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)  # type: ignore[arg-type]
    page = context.new_page()
    for path in PATHS:
        page.goto(site.origin + path)
        wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1] == PHONE["width"], path
    context.close()


def test_without_scripts_everything_can_be_read_and_answered(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.origin}/incidents/{INCIDENT}")
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
    page.get_by_role("link", name="Read the plan and answer").first.click()
    page.get_by_role("checkbox", name="risk-1").check()
    page.get_by_label("Why do you agree?").fill("read on the phone")
    page.get_by_role("button", name="Consent to this plan").click()

    assert f"/incidents/{INCIDENT}?told=consented" in page.url
    assert "Your consent was handed over" in visible_text(page)
    plan_hash = site.client.statuses[INCIDENT].custom_status["consent"]["plan_hash"]
    (given,) = consent_records.read(intake.store(), INCIDENT, plan_hash)
    assert given["reason"] == "read on the phone"
    assert len(site.client.events) == 1
    context.close()


def test_what_moves_is_shown_without_a_reload_and_disturbs_nobody(
    site: Site, desk: BrowserContext
) -> None:
    page = Watched(desk).page
    page.goto(f"{site.origin}/incidents/{INCIDENT}")
    page.locator("#later summary").click()
    page.locator("#later summary").blur()
    told = site.client.statuses[INCIDENT].custom_status
    told |= {"phase": "preflight"}
    page.get_by_text("Pre-flight checks").first.wait_for()

    assert page.locator("#later").get_attribute("open") is not None
    assert page.locator("#heard").inner_text() == "Pre-flight checks"
    assert page.locator("#live-state").inner_text() == "live"
    # Whoever has the focus somewhere keeps it, and is shown the news when they leave.
    page.locator("#later summary").focus()
    told |= {"phase": "closed", "outcome": "recovered"}
    asked = len(site.asked)
    until(lambda: len(site.asked) > asked, page)
    page.get_by_text("Recovered").first.wait_for()
    assert page.evaluate("document.activeElement.closest('details').id") == "later"
    assert page.locator("#later").get_attribute("open") is not None


def test_a_deadline_counts_down(site: Site, desk: BrowserContext) -> None:
    page = Watched(desk).page
    page.goto(f"{site.origin}/incidents/{INCIDENT}")
    assert page.locator("#clock .left").first.inner_text() == "over"
    soon = "new Date(Date.now() + 3755000).toISOString()"
    page.evaluate(f"document.querySelector('#clock .left').dataset.until = {soon}")
    page.wait_for_timeout(1100)
    assert page.locator("#clock .left").first.inner_text().startswith("in 1 h 2 min ")


def test_a_command_is_copied_as_it_reads(site: Site, desk: BrowserContext) -> None:
    desk.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.origin)
    page = Watched(desk).page
    page.goto(f"{site.origin}/incidents/{INCIDENT}")
    page.get_by_role("button", name="Copy command 1").click()
    page.get_by_text("Copied").wait_for()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"az role assignment delete --ids '{EVIL}'\nsecond line"


def test_a_form_on_another_site_answers_no_plan(site: Site, desk: BrowserContext) -> None:
    """The victim is signed in, and the attacker knows all that a form holds, but sends it from elsewhere."""
    victim = Watched(desk).page
    victim.goto(f"{site.origin}/incidents/{INCIDENT}/consent")
    token = victim.locator("input[name=form_token]").first.get_attribute("value")
    plan_hash = victim.locator("input[name=plan_hash]").first.get_attribute("value")
    other = (
        f"http://localhost:{site.port}"  # another site for a browser, and nobody's cookie is there
    )
    fields = {
        "form_token": token,
        "plan_hash": plan_hash,
        "reason": "forged",
        "confirmed": "risk-1",
    }
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    target = f"{site.origin}/incidents/{INCIDENT}/consent"
    html = f'<form method="post" action="{target}">{inputs}</form>'
    victim.route(f"{other}/**", lambda route: route.fulfill(body=html, content_type="text/html"))
    victim.goto(f"{other}/evil.html")
    with victim.expect_navigation() as sent:
        victim.evaluate("document.forms[0].submit()")

    assert sent.value.status == 403
    assert site.client.events == []
    assert "not accepted" in visible_text(victim)


def test_a_refused_answer_is_read_out_and_nothing_is_lost(site: Site, desk: BrowserContext) -> None:
    page = Watched(desk).page
    page.goto(f"{site.origin}/incidents/{INCIDENT}/consent")
    page.get_by_label("Why do you agree?").fill("in a hurry")
    page.get_by_role("button", name="Consent to this plan").click()
    page.get_by_role("alert").wait_for()

    assert "a confirmation is missing" in page.get_by_role("alert").inner_text()
    assert page.evaluate("document.activeElement.id") == "failure"
    assert page.get_by_label("Why do you agree?").input_value() == "in a hurry"
    assert site.client.events == []


def test_the_picture_keeps_every_text_in_its_box(desk: BrowserContext) -> None:
    page = Watched(desk).page
    page.set_content(graph_drawings.svg(an_incident.graph()))
    assert page.locator("g.node svg text").count() > 4
    clipped = page.evaluate(
        """() => [...document.querySelectorAll("g.node")].flatMap((node) =>
          [...node.querySelectorAll("text")].filter((one) =>
            one.getBBox().x + one.getBBox().width > node.querySelector("rect").getBBox().width)
          .map((one) => one.textContent))"""
    )
    assert clipped == []
