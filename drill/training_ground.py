"""Sandbox and host, up together, knowing of each other and of nothing real."""

import base64
import json
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from drill.control import Control
from drill.options import ROOT, DrillError, Json, Options
from drill.processes import Recipe, Service, running, stop

AUDIENCE = "api://firebreak"
# Moved clusters are looked at again at once; no timer asks for the logs in the middle of what is judged by its calls.
_QUIET = {"recheck_minutes": "0", "count_sign_ins": "false"}
VECTORS = ("credential", "cluster", "unknown")
# Settings of somebody's real cloud that may lie in this shell: a drill must never reach it.
_REAL_CLOUD = (
    *("AZURE_", "ARM_", "FIREBREAK_", "IDENTITY_", "MSI_", "WEBSITE_", "AzureWebJobs"),
    *("APPLICATIONINSIGHTS_", "OTEL_"),
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass
class TrainingGround:
    """Both processes and the clients to reach them."""

    folder: Path
    sandbox: Service
    host: Service
    http: httpx.AsyncClient
    control: Control
    keys: Json  # the host's keys.json
    start: Callable[[float, int], Awaitable[Service]]  # seconds ahead, how often before -> the host
    host_logs: list[Path] = field(default_factory=list)  # of all its starts
    ahead_s: float = 0.0

    def __post_init__(self) -> None:
        """The first start has a log, too."""
        self.host_logs.append(self.host.log)

    async def let_pass(self, seconds: float) -> None:
        """End the host, put both clocks forward, and start it again: what waited has to find out by itself."""
        await stop(self.host.process)
        await self.control.put_clock_forward(seconds)
        self.ahead_s += seconds
        self.host = await self.start(self.ahead_s, len(self.host_logs))
        self.host_logs.append(self.host.log)

    @property
    def described(self) -> Json:
        """The content of sandbox.json."""
        return self.sandbox.ready

    @property
    def evidence(self) -> Path:
        """Where the app keeps what it finds."""
        return self.folder / "evidence"

    def check(self) -> None:
        """Raise `DrillError` with the tail of the log if one of the two is gone."""
        for service in (self.sandbox, self.host):
            if death := service.died():
                raise death


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where things go and on which ports; port 0 is any free one."""

    folder: Path
    app: Path = ROOT
    host_module: str = "host"
    first_port: int = 0
    host_port: int = 0
    host_environment: Mapping[str, str]
    policy: Mapping[str, str] = field(default_factory=dict)  # keys -> other values, as TOML
    rules: str = ""  # of `[[signals]]`, before the policy's own
    sandbox_options: Sequence[str] = ()  # more of `python -m sandbox`'s own

    @classmethod
    def of(
        cls,
        folder: Path,
        options: Options,
        policy: Mapping[str, str] | None = None,
        *,
        rules: str = "",
    ) -> "Layout":
        """As whoever called for the drill wants it, with these keys of the policy changed and these rules first."""
        return cls(
            folder=folder,
            app=options.app,
            host_module=options.host_module,
            host_environment=options.host_environment,
            policy=policy or {},
            rules=rules,
            sandbox_options=options.sandbox_options,
        )


@asynccontextmanager
async def opened(layout: Layout) -> AsyncIterator[TrainingGround]:
    """Start the sandbox, then the host against it; end both, last one first."""
    surroundings = without_real_cloud(os.environ)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(_sandbox(layout, surroundings)))
        ca = Path(sandbox.ready["ca_bundle"])
        trust = ssl.create_default_context(cafile=str(ca))
        client = httpx.AsyncClient(verify=trust, timeout=60, trust_env=False)
        http = await stack.enter_async_context(client)
        control = Control(http, sandbox.ready["endpoints"]["control"])
        signing_in = await _issuer_of_people(control)
        environment = surroundings | sandbox.ready["environment"]
        environment["FIREBREAK_EVIDENCE"] = str(layout.folder / "evidence")
        environment["FIREBREAK_POLICY"] = str(_policy(layout))
        environment |= layout.host_environment

        async def start(ahead_s: float, before: int) -> Service:
            recipe = _host(layout, environment, signing_in, ca)
            log = recipe.log.with_name(f"host-{before + 1}.log") if before else recipe.log
            arguments = (
                [*recipe.arguments, "--clock-ahead", str(ahead_s)] if ahead_s else recipe.arguments
            )
            return await stack.enter_async_context(
                running(replace(recipe, arguments=arguments, log=log))
            )

        host = await start(0, 0)
        keys = json.loads(Path(host.ready["keys_file"]).read_text())
        yield TrainingGround(layout.folder, sandbox, host, http, control, keys, start)


def _policy(layout: Layout) -> Path:
    """The app's policy, but for `_QUIET`, and for what a drill is about."""
    text = (layout.app / "policy.toml").read_text()
    path = layout.folder / "policy.toml"
    for key, value in {**_QUIET, **layout.policy}.items():
        text, count = re.subn(rf"(?m)^{key} = [^#\n]*", f"{key} = {value} ", text)
        if count != 1:
            raise DrillError(f"policy.toml has {count} keys {key}")
    path.write_text(text.replace("[[signals]]", f"{layout.rules}[[signals]]", 1))
    return path


def _sandbox(layout: Layout, environment: Mapping[str, str]) -> Recipe:
    state = layout.folder / "sandbox"
    arguments = ["sandbox", "--state", str(state), "--first-port", str(layout.first_port)]
    arguments += layout.sandbox_options
    log = layout.folder / "sandbox.log"
    return Recipe("sandbox", arguments, log, state / "sandbox.json", environment, ROOT)


def _host(layout: Layout, environment: Mapping[str, str], signing_in: "SignIn", ca: Path) -> Recipe:
    state = layout.folder / "host"
    port, rpc_port = layout.host_port or free_port(), free_port()
    arguments = [layout.host_module, "--app", str(layout.app), "--state", str(state)]
    arguments += ["--port", str(port), "--rpc-port", str(rpc_port), "--ca", str(ca)]
    arguments += ["--auth-issuer", signing_in.issuer, "--auth-jwks", signing_in.jwks]
    arguments += ["--auth-audience", AUDIENCE, "--auth-audience", signing_in.audience]
    arguments += ["--auth-client-id", signing_in.audience]
    arguments += ["--auth-authorize", signing_in.authorize]
    log = layout.folder / "host.log"
    return Recipe("host", arguments, log, state / "host.json", environment, ROOT)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What App Service authentication is told about our app registration."""

    issuer: str
    audience: str
    jwks: str
    authorize: str  # where a browser signs in


async def _issuer_of_people(control: Control) -> SignIn:
    """The issuer and the JWKS of sign-ins to our API, as App Service would be configured with them.

    Read off a token and its issuer's discovery document: whether tokens are of version 1 or 2 is the tenant's choice.
    """
    token = await control.sign_in("rosa", AUDIENCE)
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    url = f"{claims['iss'].rstrip('/')}/.well-known/openid-configuration"
    answer = await control.http.get(url)
    if not answer.is_success:
        raise DrillError(f"no discovery document at {url}: {answer.status_code}")
    found = answer.json()
    return SignIn(claims["iss"], claims["aud"], found["jwks_uri"], found["authorization_endpoint"])


def without_real_cloud(environment: Mapping[str, str]) -> dict[str, str]:
    """This shell's environment less what could point our processes at a real tenant or through a proxy."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_REAL_CLOUD) and name.lower() not in _PROXIES
    }
    return {**kept, "NO_PROXY": "localhost,127.0.0.1", "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
