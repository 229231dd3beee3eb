"""The description of the API as OpenAPI 3.1, made from what the code checks. `python -m triggers.openapi` writes it.

https://spec.openapis.org/oas/v3.1.0
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from playbooks.runs.catalogue import PLAYBOOKS
from responders.model import Json, Source
from responders.run_records import RUN_ID
from responders.version import VERSION
from triggers import access
from triggers.answers import PROBLEM
from triggers.documents import Problem
from triggers.edge import Nothing, Operation, Said
from triggers.machine_routes import MACHINE_ROUTES, MachineRoute

_REF = "#/components/schemas/{model}"
_ID = {
    "name": "incident_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^inc-[0-9]{8}-[0-9a-f]{12}$"},
}
_SOURCE = {
    "name": "source",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": list(get_args(Source))},
}
_SIGNAL_KEY = {
    "name": "key",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
}
_RUN_ID = {
    "name": "run_id",
    "in": "path",
    "required": True,
    "schema": {
        "type": "string",
        "pattern": f"^{RUN_ID.pattern.replace('?P<playbook>', '').replace('?P<time>', '')}$",
    },
}
_PLAYBOOK = {
    "name": "playbook",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": sorted(PLAYBOOKS)},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same body is answered as the first time, for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]{0,200}$"},  # an empty one is none
}
_TAG = {"type": "string"}  # what is no tag is none that anybody knows
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "An ETag that was seen: 412 where it has moved on since.",
    "schema": _TAG,
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag that is known: 304 where nothing is new.",
    "schema": _TAG,
}
_IN_PATHS = {
    "incident_id": _ID,
    "source": _SOURCE,
    "key": _SIGNAL_KEY,
    "run_id": _RUN_ID,
    "playbook": _PLAYBOOK,
}
_SECURITY = {
    "entra": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "function_key": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
}


def operations() -> dict[str, Operation[Any, Any]]:
    """What people call, by the name of its function."""
    # Not at the top: app_api serves what is made here.
    from triggers import (  # noqa: PLC0415
        app_api,
        metrics_api,
        plan_api,
        reading_api,
        responder_api,
        restore_api,
        runs_api,
    )

    modules = (responder_api, reading_api, plan_api, restore_api, runs_api, app_api, metrics_api)
    return {one.name: one for module in modules for one in module.OPERATIONS}


@cache
def document() -> Json:
    """The whole description."""
    known = operations()
    refs, schemas = _schemas(list(known.values()))
    paths: dict[str, Json] = {}
    for name, one in known.items():
        paths.setdefault(f"/{one.route}", {})[one.method.lower()] = _person(name, one, refs)
    for name, route in MACHINE_ROUTES.items():
        paths.setdefault(f"/{route.route}", {})["post"] = _machine(name, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Firebreak",
            "version": VERSION,
            "description": "Incident response for compromised workload identities. Every error is a problem "
            "document (RFC 9457). What is refused has begun nothing.",
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


Refs = dict[tuple[type[BaseModel], Literal["validation", "serialization"]], Json]


def _schemas(known: list[Operation[Any, Any]]) -> tuple[Refs, Json]:
    bodies = {one.body for one in known if one.body is not Nothing}
    answers = {said.body for one in known for said in one.answers.values() if said.body}
    wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (one, "validation") for one in sorted({*bodies, *answers, Problem}, key=_name)
    ]
    refs, made = models_json_schema(wanted, ref_template=_REF)
    return refs, made["$defs"]  # type: ignore[return-value]  # a model is a key of it, as it is of ours


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _person(name: str, one: Operation[Any, Any], refs: Refs) -> Json:
    rule = access.RULES[name]
    found: Json = {
        "operationId": name,
        "summary": one.summary,
        "parameters": list(_parameters(one)),
        "responses": {
            **{str(status): _said(said, refs) for status, said in one.answers.items()},
            **_errors(one),
        },
    }
    if rule.roles:
        found["description"] = f"App role {' or '.join(sorted(rule.roles))}."
    found["security"] = [{"entra": []}] if rule.roles else [{}]
    if one.body is not Nothing:
        schema = refs[one.body, "validation"]
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return found


def _parameters(one: Operation[Any, Any]) -> Iterator[Json]:
    for name, described in _IN_PATHS.items():
        if f"{{{name}}}" in one.route:
            yield described
    for name, schema in one.query.model_json_schema().get("properties", {}).items():
        described = {} if "description" not in schema else {"description": schema["description"]}
        yield {"name": name, "in": "query", **described, "schema": _plain(schema)}
    if one.steers:
        yield _KEY
        if "{playbook}" not in one.route:  # there is no state that could have moved on
            yield _IF_MATCH
    if 304 in one.answers:
        yield _IF_NONE_MATCH


def _plain(schema: Json) -> Json:
    """Of a query: what is left out is not there, rather than null."""
    hidden = {"title", "description", "anyOf"}
    kept = {name: value for name, value in schema.items() if name not in hidden}
    if "anyOf" in schema:
        (inner,) = [one for one in schema["anyOf"] if one.get("type") != "null"]
        kept = {**inner, **{name: value for name, value in kept.items() if value is not None}}
    return kept


def _said(said: Said, refs: Refs) -> Json:
    found: Json = {"description": said.what}
    if said.media:
        schema = refs[said.body, "validation"] if said.body else {"type": "object"}
        found["content"] = {said.media: {"schema": schema}}
        found["content"] |= {one: {"schema": {"type": "string"}} for one in said.also}
    if said.tagged:
        found["headers"] = {"ETag": {"schema": _TAG}}
    return found


def _errors(one: Operation[Any, Any]) -> Json:
    """Its own, and those that every call of its form may meet."""
    known = dict(_COMMON if access.RULES[one.name].roles else _OF_ANYBODY)
    if one.name == "read_health":  # asked in full it is a reader's
        known = {**_COMMON, 503: _COMMON[503]}
    if "{incident_id}" in one.route:
        known[404] = "UnknownIncident"
    if "{run_id}" in one.route:
        known[404] = "UnknownRun"
    if "{playbook}" in one.route:
        known[404] = "UnknownPlaybook"
    if one.body is not Nothing:
        known |= {413: "TooLarge", 415: "NotJson"}
    if one.steers:
        known |= {422: "KeyReused"} if "{playbook}" in one.route else _STEERED
    for status, codes in one.errors.items():
        known[status] = f"{known[status]}, {codes}" if status in known else codes
    found = {
        str(status): _problem(codes)
        for status, codes in sorted(known.items())
        if status not in one.answers
    }
    return {**found, "401": _UNPROVEN}


# The platform refuses a bad token or key itself, without a body; the app's own refusal is a problem document.
_UNPROVEN = {"description": "NotSignedIn, or a token or key that the platform refuses"}
_OF_ANYBODY = {400: "BadRequest, UnknownParameter", 500: "CannotAnswer", 503: "TryAgain"}
_STEERED = {412: "MovedOn", 422: "KeyReused"}
_COMMON = {**_OF_ANYBODY, 403: "NotAllowed"}


def _problem(codes: str) -> Json:
    schema = {"$ref": _REF.format(model="Problem")}
    return {"description": codes, "content": {PROBLEM: {"schema": schema}}}


def _machine(name: str, route: MachineRoute) -> Json:
    by_key = access.RULES[name].who == "key"
    said = {"content": {"application/json": {"schema": {"type": "object"}}}}
    problems = {
        "400": "the body",
        "403": "NotAllowed",
        "413": "TooLarge",
        "422": "it names nobody, or several",
        "500": "CannotResolve",
        "503": "TryAgain",
    }
    return {
        "operationId": name,
        "summary": route.summary,
        "description": f"The body is described at {route.schema}",
        "security": [{"function_key": []}] if by_key else [{"entra": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "responses": {
            "200": {"description": "kept, and nothing was begun", **said},
            "202": {"description": "an incident was opened or joined, or will be", **said},
            "401": _UNPROVEN,
            **{status: _problem(codes) for status, codes in problems.items()},
        },
    }


def text() -> str:
    """As it is committed, and served."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
