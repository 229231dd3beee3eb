"""The whole export, its version, and how a file of it is read: strictly, since a person may have edited it."""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from responders.errors import RefusedError
from twin.azure_model import Azure
from twin.cluster_model import Cluster
from twin.directory_model import Directory
from twin.wire import Json, Wire, as_json

SCHEMA: Literal[1] = 1
_LARGEST = 64 * 2**20  # bytes: a thousand clusters that use one identity
_SHOWN = 5  # mistakes


class Principal(Wire):
    """Whom it is about."""

    kind: str
    object_id: str
    app_id: str
    application_object_id: str | None
    resource_id: str | None
    display_name: str


class Drawn(Wire):
    """The incident that the plan was drawn for: a rehearsal's, which nobody opened."""

    incident_id: str
    window_start: str
    opened_at: str


class Log(Wire):
    """A source of the window: whether it was read whole, and its rows about the principal."""

    complete: bool
    gaps: list[str] = []
    rows: list[Json] = []


class Item(Wire):
    """A line for whoever reviews the file."""

    what: str
    count: int
    why: str


class Review(Wire):
    """What is in here, for the person who decides whether it may leave the tenant."""

    contains: list[Item]
    never: list[str]
    pseudonyms: bool


class Export(Wire):
    """One principal of one tenant at one moment."""

    kind: Literal["firebreak-twin"] = "firebreak-twin"
    schema_version: Literal[1]
    exported_at: str
    tenant_id: str
    principal: Principal
    drawn: Drawn
    directory: Directory
    azure: Azure
    clusters: list[Cluster]
    logs: dict[str, Log] = Field(default_factory=dict)
    plan: Json | None  # as drawn in the tenant; None where its kind is not rebuilt
    graph: Json  # of who breaks, whose hash the plan has
    not_rebuilt: str | None = None
    gaps: list[str]
    review: Review


def written(export: Export) -> str:
    """The file: stable, so that two exports can be compared line by line."""
    return json.dumps(as_json(export), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(path: Path) -> Export:
    """The export in a file. Raises `RefusedError` that says what is wrong, where, and what to do next."""
    try:
        if path.stat().st_size > _LARGEST:
            raise RefusedError(f"{path}: larger than {_LARGEST // 2**20} MB. {_NEXT}")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusedError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise RefusedError(f"{path} is no JSON: {error}. {_NEXT}") from error
    return parsed(content, str(path))


def parsed(content: object, name: str) -> Export:
    """The same of what was read already."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA:
        raise RefusedError(
            f"{name}: schema_version is {version!r}, this Firebreak reads {SCHEMA}: export it anew with this version"
        )
    try:
        return Export.model_validate(content, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        # What somebody put in first: it is most likely what they just did.
        wrong = sorted(found, key=lambda one: one["type"] != "extra_forbidden")
        said = "; ".join(
            f"{'.'.join(str(one) for one in each['loc']) or 'the file'}: {each['msg']}"
            for each in wrong[:_SHOWN]
        )
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise RefusedError(f"{name}: {said}{more}. {_NEXT}") from None


_NEXT = "Undo the edit, or make it anew: firebreak twin export"


def schema() -> Json:
    """The published JSON Schema of the file."""
    found = Export.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
