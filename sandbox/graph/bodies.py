"""What callers send: read strictly, by the resource's table.

Faithful    unknown properties, read-only ones, values of the wrong type and nulls in collections are refused
Left out    annotations are skipped without being looked at, but for @odata.type
"""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.graph.complex_types import COMPLEX
from sandbox.graph.errors import bad_request, invalid_property, malformed, read_only
from sandbox.graph.exchange import Request
from sandbox.graph.schema import Resource
from sandbox.world import Json


def read(request: Request, resource: Resource) -> Json:
    """The writable properties that the body sets. Raises 400."""
    body = as_object(request.body)
    _check_type(body, resource)
    found = {}
    for name, value in _own(body).items():
        known = resource.properties.get(name)
        if known is None:
            raise invalid_property(name)
        if known.access == "nav":
            raise bad_request(f"Specified property '{name}' isn't supported in this request.")
        if known.access == "ro":
            raise read_only(name)
        found[name] = convert(name, known.type + "[]" * known.collection, value)
    return found


def read_parameters(request: Request, parameters: Mapping[str, str]) -> Json:
    """The parameters of an action, such as {"keyId": "guid"}. Raises 400."""
    body = as_object(request.body)
    found = {}
    for name, value in _own(body).items():
        if name not in parameters:
            raise malformed(
                f"The parameter '{name}' in the request payload is not a valid parameter for the "
                "operation."
            )
        found[name] = convert(name, parameters[name], value)
    return found


def as_object(body: Any) -> Json:
    """The body, if it is a JSON object. Raises 400."""
    if not isinstance(body, dict):
        raise malformed("Empty Payload. JSON content expected.")
    return body


def convert(name: str, kind: str, value: Any) -> Any:
    """The value as the directory keeps it. Raises 400 where it is none of this type."""
    if kind.endswith("[]"):
        if not isinstance(value, list):
            raise _invalid(name)
        return [_one(name, kind.removesuffix("[]"), each, nullable=False) for each in value]
    return _one(name, kind, value, nullable=True)


def parse_date(value: object) -> datetime:
    """An Edm.DateTimeOffset. Raises `ValueError`."""
    if not isinstance(value, str):
        raise ValueError("not a date")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a date needs an offset")
    return moment.astimezone(UTC)


def _one(name: str, kind: str, value: Any, *, nullable: bool) -> Any:
    if value is None:
        if nullable:
            return None
        raise _invalid(name)
    if kind in COMPLEX:
        return _complex(name, kind, value)
    try:
        return _PRIMITIVES[kind](value)
    except (ValueError, binascii.Error) as wrong:
        raise _invalid(name) from wrong


def _complex(name: str, kind: str, value: Any) -> Json:
    if not isinstance(value, dict):
        raise _invalid(name)
    members = COMPLEX[kind]
    for member in _own(value):
        if member not in members:
            raise malformed(
                f"The property '{member}' does not exist on type 'microsoft.graph.{kind}'. Make "
                "sure to only use property names that are defined by the type."
            )
    return {each: convert(each, members[each], inner) for each, inner in _own(value).items()}


def _own(value: Json) -> Json:
    return {name: inner for name, inner in value.items() if "@" not in name}


def _check_type(body: Json, resource: Resource) -> None:
    """An @odata.type, where there is one, must name the resource: SDKs send it."""
    named = body.get("@odata.type", resource.odata_type)
    if str(named).lstrip("#").lower() != resource.odata_type.lstrip("#").lower():
        raise malformed(
            f"A resource of type '{named}' is not assignable to '{resource.odata_type[1:]}'."
        )


def _invalid(name: str) -> Exception:
    return bad_request(f"Invalid value specified for property '{name}' of resource.")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not a boolean")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    return value


def _guid(value: Any) -> str:
    return str(uuid.UUID(_string(value)))


def _date(value: Any) -> str:
    return parse_date(value).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(value: Any) -> str:
    """Edm.Binary: base64 of either alphabet, with or without line breaks; kept in the standard one."""
    text = "".join(_string(value).split()).replace("-", "+").replace("_", "/")
    raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    return base64.b64encode(raw).decode()


_PRIMITIVES: dict[str, Callable[[Any], Any]] = {
    "any": lambda value: value,
    "bool": _boolean,
    "bytes": _bytes,
    "date": _date,
    "guid": _guid,
    "int": _integer,
    "str": _string,
}
