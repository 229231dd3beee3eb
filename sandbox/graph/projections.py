"""$select and $expand: what a read shows of an object.

Faithful    unknown properties are refused; `key` of keyCredentials is null unless they are selected
            20 objects of an expanded relationship, whatever there is
Source      https://learn.microsoft.com/graph/query-parameters
            https://learn.microsoft.com/graph/query-parameters#expand
            https://learn.microsoft.com/graph/api/application-list
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.graph.errors import malformed
from sandbox.graph.exchange import Request
from sandbox.graph.schema import Resource
from sandbox.world import Json

_MOST_EXPANDED = 20  # and no nextLink to the others
Expand = Callable[[Request, Json, str], list[Json]]  # request, object, relationship


def selected(request: Request) -> str:
    """What @odata.context says of $select."""
    select = request.query.get("$select")
    return f"({select})" if select else ""


def project(request: Request, resource: Resource, item: Json, expand: Expand) -> Json:
    """The object as the caller wants to see it. Raises 400."""
    names = _select(request, resource)
    shown = {name: value for name, value in item.items() if name in names or "@" in name}
    if "$select" not in request.query or "keyCredentials" not in names:
        _hide_keys(shown)
    for name, options in _expansions(request, resource):
        related = expand(request, item, name)[:_MOST_EXPANDED]
        wanted = options.get("$select", "")
        found = [_only(each, wanted) for each in related]
        if resource.properties[name].type.endswith("?"):
            shown[name] = found[0] if found else None
        else:
            shown[name] = found
    return shown


def _hide_keys(shown: Json) -> None:
    """`key` comes only with $select=keyCredentials."""
    if shown.get("keyCredentials"):
        shown["keyCredentials"] = [{**key, "key": None} for key in shown["keyCredentials"]]


def _select(request: Request, resource: Resource) -> set[str]:
    text = request.query.get("$select")
    ordinary = {name for name, known in resource.properties.items() if known.access != "nav"}
    if not text or text.strip() == "*":
        return ordinary
    by_lower = {name.lower(): name for name in resource.properties}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name.lower() not in by_lower:
            raise malformed(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type '{resource.odata_type[1:]}'."
            )
    return {by_lower[name.lower()] for name in names}


def _expansions(request: Request, resource: Resource) -> list[tuple[str, Mapping[str, str]]]:
    """The relationships that $expand names, each with the options in its parentheses."""
    text = request.query.get("$expand", "")
    found: list[tuple[str, Mapping[str, str]]] = []
    for name, inner in re.findall(r"([^,()]+)(?:\(([^()]*)\))?", text):
        known = resource.properties.get(name.strip())
        if known is None or known.access != "nav":
            raise malformed(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name.strip()}' on type '{resource.odata_type[1:]}'."
            )
        options = dict(part.split("=", 1) for part in inner.split(";") if "=" in part)
        found.append((known.name, options))
    return found


def _only(item: Json, select: str) -> dict[str, Any]:
    if not select:
        return item
    wanted = {name.strip() for name in select.split(",")}
    return {name: value for name, value in item.items() if name in wanted or "@" in name}
