"""Every link inside the documentation leads somewhere: to a file that there is, and to a heading in it."""

import re
from pathlib import Path

import pytest

from tests.documented.blocks import ROOT, pages

_LINK = re.compile(r"(?<!`)\[[^\]`]*(?:`[^`]*`[^\]`]*)*\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.M)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.M)
_FENCE = re.compile(r"^( *)```.*?^\1```", re.M | re.S)
_CHANGELOG = ROOT / "CHANGELOG.md"


def slugs(page: Path) -> set[str]:
    """What a heading is called in a link, as GitHub and MyST call it."""
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text())):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def links(page: Path) -> list[str]:
    """Those that lead to no other host."""
    said = [one or other for one, other in _LINK.findall(_FENCE.sub("", page.read_text()))]
    return [one for one in said if "://" not in one and not one.startswith("mailto:")]


@pytest.mark.parametrize("page", [*pages(), _CHANGELOG], ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in slugs(target), f"{page.name}: {link}"


def test_links_are_found_and_headings_called_as_elsewhere() -> None:
    assert len([one for page in pages() for one in links(page)]) > 200
    assert "post-apiincidentsidcancel" in slugs(ROOT / "docs" / "reference" / "api.md")
