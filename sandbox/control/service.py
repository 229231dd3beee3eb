"""The levers that no cloud has: time, trouble, a look behind the curtain, and a fresh start.

It also stands in for what happens outside of any API: a person's browser, an attacker's own issuer, code that
runs in somebody's pod. Nothing of this is recorded as traffic.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from sandbox import granted
from sandbox.control import (
    clusters,
    crowds,
    detections,
    limits,
    machines,
    nodes,
    operations,
    outsiders,
    pace,
    seeding,
    state,
)
from sandbox.control.wishes import WishError, number, wish
from sandbox.faults import FaultError
from sandbox.granted import Granted
from sandbox.knobs import Delays
from sandbox.seed.worlds import WORLDS
from sandbox.web import Call, Route, Router
from sandbox.world import World, timestamp

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox


class Control:
    """The handlers that need more than the world."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._router = Router(
            [
                Route("POST", "/sandbox/reset", self.reset),
                Route("POST", "/sandbox/latency", self.set_latency),
                Route("POST", "/sandbox/faults", self.add_faults),
                Route("GET", "/sandbox/faults", self.show_faults),
                Route("DELETE", "/sandbox/faults", self.clear_faults),
                Route("GET", "/sandbox/record", self.show_record),
                Route("POST", "/sandbox/record", self.set_record),
                Route("DELETE", "/sandbox/record", self.clear_record),
                Route("GET", "/sandbox/secrets", self.show_secrets),
                *ROUTES,
            ]
        )

    async def serve(self, call: Call) -> Response:
        """404, 405 or 400 with a sentence, where the call makes no sense."""
        found = self._router.find(call)
        if found is None:
            allowed = sorted(self._router.methods(call.path))
            status, text = (405, f"use {', '.join(allowed)}") if allowed else (404, "no such path")
            return JSONResponse({"error": f"{call.method} {call.path}: {text}"}, status_code=status)
        handler, routed = found
        try:
            return await handler(self._sandbox.world, routed)
        except (WishError, FaultError) as wrong:
            return JSONResponse({"error": str(wrong)}, status_code=400)

    async def reset(self, world: World, call: Call) -> Response:
        """200: a fresh world, the same as before or {"world": name}; 400 where there is no such one.

        With {"permissions": content of a permission file, "profile"?} Firebreak's identities get that, in this world.
        """
        body = wish(call) if call.body else {}
        if unknown := sorted(set(body) - {"world", "permissions", "profile"}):
            raise WishError(f"unknown: {', '.join(unknown)}; there are permissions, profile, world")
        named = body.get("world")
        if named is not None and named not in WORLDS:
            raise WishError(f"world: {named}: there are {', '.join(WORLDS)}")
        if named is not None and self._sandbox.twin is not None:
            raise WishError("world: this sandbox is one export's: its reset takes no name")
        await self._sandbox.reset(named, _granted(body))
        return JSONResponse({"world": self._sandbox.world_name, "seed": self._sandbox.seeded})

    async def set_latency(self, world: World, call: Call) -> Response:
        """200: every call to these services ("*": to all) now takes that many milliseconds longer."""
        known = {*world.endpoints, "*"}
        for service, milliseconds in wish(call).items():
            if service not in known:
                raise WishError(f"{service}: not one of {', '.join(sorted(known))}")
            self._sandbox.faults.set_latency(service, number(service, milliseconds))
        return JSONResponse({})

    async def add_faults(self, world: World, call: Call) -> Response:
        """200: these faults, one object or a list, are in force."""
        described = _json(call)
        for each in described if isinstance(described, list) else [described]:
            self._sandbox.faults.add(each)
        return await self.show_faults(world, call)

    async def show_faults(self, world: World, call: Call) -> Response:
        """200 with what can still strike."""
        return JSONResponse({"faults": self._sandbox.faults.left()})

    async def clear_faults(self, world: World, call: Call) -> Response:
        """200: none is left; latencies stay."""
        self._sandbox.faults.clear()
        return JSONResponse({"faults": []})

    async def show_record(self, world: World, call: Call) -> Response:
        """200 with one JSON object per line; `since` skips as many lines."""
        since = call.query.get("since", "0")
        if not since.isdigit():
            raise WishError(f"since={since}: not a number")
        lines = (json.dumps(line) + "\n" for line in self._sandbox.recorder.since(int(since)))
        return Response("".join(lines), media_type="application/x-ndjson")

    async def show_secrets(self, world: World, call: Call) -> Response:
        """200 with every secret that crossed the wire, by value, and those of directory and vaults that never did."""
        ledger = self._sandbox.ledger
        ledger.keep("client secret in the directory", world.directory.secrets.values())
        for secret in world.azure.vault_secrets.values():
            values = [version["value"] for version in secret["versions"]]
            ledger.keep(f"secret {secret['name']} in {secret['vault']}", values)
        return JSONResponse({"secrets": ledger.entries()})

    async def set_record(self, world: World, call: Call) -> Response:
        """200: from now on bodies are recorded, or only how long they are; 400 for anything but yes and no."""
        bodies = wish(call, "bodies")["bodies"]
        if not isinstance(bodies, bool):
            raise WishError("bodies: true or false")
        self._sandbox.recorder.bodies = bodies
        return JSONResponse({"bodies": bodies})

    async def clear_record(self, world: World, call: Call) -> Response:
        """200: nothing has been recorded."""
        self._sandbox.recorder.clear()
        return JSONResponse({})


async def show_clock(world: World, call: Call) -> Response:
    """200 with the sandbox's time."""
    return JSONResponse({"now": timestamp(world.clock.now())})


async def advance_clock(world: World, call: Call) -> Response:
    """200 with the new time, in the clusters too; 400 for going back."""
    seconds = number("advance_seconds", wish(call, "advance_seconds")["advance_seconds"])
    world.clock.advance(timedelta(seconds=seconds))
    for cluster in world.clusters.values():
        cluster.reactor.pass_time(seconds)
    return await show_clock(world, call)


async def show_delays(world: World, call: Call) -> Response:
    """200 with all delays in seconds."""
    return JSONResponse(asdict(world.delays))


async def set_delays(world: World, call: Call) -> Response:
    """200 with all delays; those that are not named stay."""
    wanted: Mapping[str, Any] = wish(call)
    known = {field.name for field in fields(Delays)}
    if unknown := sorted(set(wanted) - known):
        raise WishError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    for name, seconds in wanted.items():
        setattr(world.delays, name, number(name, seconds))
    return await show_delays(world, call)


async def show_permissions(world: World, call: Call) -> Response:
    """200 with what Firebreak's identities were given, and how often each of it let a call through."""
    return JSONResponse(world.used.as_json())


def _granted(body: Mapping[str, Any]) -> Mapping[str, Granted] | None:
    if "permissions" not in body:
        return None
    try:
        return granted.parse(body["permissions"], str(body.get("profile", granted.FULL)))
    except (KeyError, TypeError, ValueError) as wrong:
        raise WishError(f"permissions: {wrong}") from wrong


def _json(call: Call) -> Any:
    try:
        return call.json()
    except ValueError as wrong:
        raise WishError(f"not JSON: {wrong}") from wrong


ROUTES = [
    Route("GET", "/sandbox/clock", show_clock),
    Route("POST", "/sandbox/clock", advance_clock),
    Route("GET", "/sandbox/delays", show_delays),
    Route("POST", "/sandbox/delays", set_delays),
    Route("GET", "/sandbox/permissions", show_permissions),
    Route("GET", "/sandbox/state", state.show),
    Route("GET", "/sandbox/state/{part:path}", state.show_part),
    Route("POST", "/sandbox/sign-in", outsiders.sign_in),
    Route("POST", "/sandbox/foreign-issuer", outsiders.open_issuer),
    Route("POST", "/sandbox/foreign-issuer/token", outsiders.sign_token),
    Route("POST", "/sandbox/detections", detections.detect),
    *seeding.ROUTES,
    *crowds.ROUTES,
    *machines.ROUTES,
    *operations.ROUTES,
    *limits.ROUTES,
    *pace.ROUTES,
    *clusters.ROUTES,
    Route("POST", "/sandbox/nodes/{cluster}/steal-token", nodes.steal_token),
    Route(
        "POST", "/sandbox/nodes/{cluster}/token-proxy/{tenant}/oauth2/v2.0/token", nodes.token_proxy
    ),
    Route("POST", "/sandbox/nodes/{cluster}/pods/{namespace}/{pod}/run", nodes.run),
]
