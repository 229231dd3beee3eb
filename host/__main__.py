"""`python -m host --app DIR --state DIR`: a Functions host for one machine.

Serves the function app in DIR over HTTP, Event Grid webhooks, timers and Durable Functions, with its history in
a SQLite file that outlives the process. The same folder runs under `func start`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from host import crash, log
from host.browser_sign_in import BrowserOptions
from host.clock import CLOCK
from host.errors import ConfigurationError, HostError
from host.service import Options, run
from host.sign_in import SignInOptions


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and serve; 1 with a logged reason where that can't be done."""
    log.configure()
    try:
        parsed = _parser().parse_args(arguments)
        CLOCK.set_ahead(parsed.clock_ahead)
        options = _options(parsed)
        asyncio.run(run(options))
    except HostError as refused:
        log.error("host can't serve", reason=str(refused))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m host",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--app", type=Path, required=True, help="folder of function_app.py and host.json")
    add("--state", type=Path, required=True, help="folder for history, keys and host.json")
    add("--port", type=int, default=7071, help="public port on 127.0.0.1; 0 takes a free one")
    add("--rpc-port", type=int, default=17071, help="for the app's own durable client")
    add("--grace", type=float, default=10.0, help="seconds that running work gets at SIGTERM")
    add("--auth-issuer", help="accept bearer tokens of this issuer, as App Service does")
    add("--auth-audience", action="append", default=[], help="accepted `aud`; may be repeated")
    add("--auth-jwks", help="where that issuer publishes its keys")
    add("--auth-client-id", help="let browsers sign in to this application, as App Service does")
    add("--auth-authorize", help="where that issuer has people sign in")
    add("--ca", type=Path, help="CA bundle for --auth-jwks")
    add(
        "--clock-ahead", type=float, default=0.0, help="seconds that its clock is ahead, for drills"
    )
    add("--crash-at", help="before:N, ran:N or after:N (N+: or later): SIGKILL there, for tests")
    return parser


def _options(parsed: argparse.Namespace) -> Options:
    sign_in = None
    if parsed.auth_issuer:
        if not (parsed.auth_audience and parsed.auth_jwks):
            raise ConfigurationError("--auth-issuer needs --auth-audience and --auth-jwks")
        sign_in = SignInOptions(
            parsed.auth_issuer, parsed.auth_audience, parsed.auth_jwks, parsed.ca
        )
    browsers = None
    if parsed.auth_client_id:
        if not (sign_in and parsed.auth_authorize):
            raise ConfigurationError("--auth-client-id needs --auth-issuer and --auth-authorize")
        browsers = BrowserOptions(parsed.auth_client_id, parsed.auth_authorize)
    return Options(
        app=parsed.app.resolve(),
        state=parsed.state.resolve(),
        port=parsed.port,
        rpc_port=parsed.rpc_port,
        grace_s=parsed.grace,
        sign_in=sign_in,
        browsers=browsers,
        crash=crash.parse(parsed.crash_at) if parsed.crash_at else crash.CrashAt(),
    )


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # An activity that outlived its grace may sit in a pool thread, for which the interpreter would wait.
    os._exit(status)
