"""docs/reference/sandbox.md names levers that the sandbox has, and every delay."""

import re
from dataclasses import fields
from pathlib import Path

from sandbox.knobs import Delays
from tests.sandbox_fixture import RunningSandbox

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "sandbox.md").read_text()


def test_every_delay_is_on_the_page() -> None:
    delays = PAGE.partition("\n## Delays\n")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", delays, re.MULTILINE)

    assert sorted(named) == sorted(field.name for field in fields(Delays))


def test_every_call_on_the_page_is_one_that_the_sandbox_takes(sandbox: RunningSandbox) -> None:
    named = re.findall(r"`(GET|POST) (/sandbox[^`?]*)[^`]*`", PAGE)
    assert len(named) > 20

    for method, template in named:
        path = re.sub(r"\{\w+\}", "x", template)
        answer = sandbox.http.request("OPTIONS", sandbox.endpoints["control"] + path)
        assert answer.status_code == 405, template
        assert method in answer.json()["error"].partition("use ")[2], template
