"""Templates of documents that a browser runs and loads nothing of: every name in them is text, whoever wrote it.

Source   https://jinja.palletsprojects.com/en/stable/api/#autoescaping
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from responders.untrusted import visible

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_TEMPLATES = Path(__file__).with_name("templates")


def template(name: str) -> "Template":
    """The template of this file name. A field that it misspells is an error, never an empty place."""
    return _environment().get_template(name)


@cache
def _environment() -> "Environment":
    # 15 ms that a cold start, and a lever, can do without
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["words"] = lambda text: str(text).replace("_", " ")
    made.filters["short"] = lambda text: str(text).replace("+00:00", "Z")
    return made


def _shown(value: object) -> object:
    """What turns a line around or hides is shown as a mark; markup of ours stays as it is."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)
