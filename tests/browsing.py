"""A real headless Chromium, the system's own, and the pages served from this process for it to look at."""

import asyncio
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import azure.functions as func
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from drill.training_ground import free_port
from tests.registered import functions, http_trigger
from tests.test_ways_in import FakeClient, signed_in

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
# Tests run as root in containers, where Chromium's own sandbox can't be built; nothing foreign is loaded.
LAUNCH: Any = {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, closed again however the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)
        try:
            yield browser
        finally:
            browser.close()


class Site:
    """The pages at an origin of their own, with whoever is signed in to it."""

    def __init__(self) -> None:
        self.client = FakeClient()
        self.roles: tuple[str, ...] = ()
        self.port = free_port()
        self.asked: list[str] = []  # paths, in the order in which they came

    @property
    def origin(self) -> str:
        """By its number: as localhost it is another site."""
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: Request) -> Response:
        """As the platform calls a function: with its route's parameters and a verified principal."""
        name = request.scope["endpoint_name"]
        self.asked.append(f"{request.method} {request.url.path}")
        outer = functions()[name].get_user_function()
        inner = getattr(outer, "client_function", outer)
        call = func.HttpRequest(
            request.method,
            str(request.url),
            headers={**request.headers, **signed_in(*self.roles)},
            params=dict(request.query_params),
            route_params=request.path_params,
            body=await request.body(),
        )
        more = {} if inner is outer else {"client": self.client}
        made = await inner(req=call, **more)
        headers = {**made.headers, "content-type": f"{made.mimetype}; charset=utf-8"}
        return Response(made.get_body(), made.status_code, headers)


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """Serve from a thread of its own until the block ends."""
    app = Starlette(routes=[_route(site, name) for name in functions() if name.startswith("page_")])
    settings = uvicorn.Config(app, port=site.port, log_level="warning", lifespan="off")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield site
    finally:
        server.should_exit = True
        thread.join()


def _route(site: Site, name: str) -> Route:
    async def endpoint(request: Request) -> Response:
        request.scope["endpoint_name"] = name
        return await site.answer(request)

    trigger = http_trigger(name)
    methods = [str(getattr(one, "value", one)) for one in trigger.methods]
    return Route(f"/{trigger.route}", endpoint, methods=methods)


class Watched:
    """A page of which everything that goes wrong is noted."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._say)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)

    def _say(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def visible_text(page: Page) -> str:
    """What a person reads, on one line."""
    return re.sub(r"\s+", " ", page.inner_text("body"))
