"""Style and script of the pages, from our own origin, under names that change with their content.

A page of the version before may ask for the name before: it is given what there is now, and keeps it for nobody.
"""

import mimetypes
import re
from functools import cache
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

from responders.evidence import digest

bp = df.Blueprint()
_FOLDER = Path(__file__).with_name("static")
_NAMED = re.compile(r"([a-z]+)\.([0-9a-f]{12})\.([a-z]+)")
_FOREVER = "public, max-age=31536000, immutable"


@bp.route(route="static/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def page_asset(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the file, for anybody: it says nothing about any incident. 404 for any other name."""
    named = _NAMED.fullmatch(req.route_params.get("name", ""))
    content = _read().get(f"{named[1]}.{named[3]}") if named else None
    if named is None or content is None:
        return func.HttpResponse("no such file", status_code=404, mimetype="text/plain")
    kept = _FOREVER if digest(content).startswith(named[2]) else "no-cache"
    kind = mimetypes.guess_type(f"x.{named[3]}")[0] or "application/octet-stream"
    headers = {
        "Cache-Control": kept,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return func.HttpResponse(content, headers=headers, mimetype=kind)


def address(name: str) -> str:
    """Where a page finds the file. Raises `KeyError` for one that isn't there."""
    stem, _, ending = name.partition(".")
    return f"/static/{stem}.{digest(_read()[name])[:12]}.{ending}"


@cache
def _read() -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in _FOLDER.iterdir() if one.is_file()}
