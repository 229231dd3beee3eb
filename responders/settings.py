"""What the environment says: where the cloud is, who we are, where evidence goes."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from responders.errors import RefusedError

TeamsShape = Literal["message", "card"]  # what the flow behind the webhook expects
Credential = Literal["managed-identity", "azure-cli"]
Hand = Literal["containment", "rebuild"]  # which of the app's two identities acts
Profile = Literal["full", "managed-identities-only"]  # what the identities were granted for
PUBLIC_ARM = "https://management.azure.com"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The FIREBREAK_* environment variables. A wrong one is refused by its name."""

    arm_endpoint: str
    tenant_id: str
    log_workspace_id: str
    teams_webhook_url: str = field(repr=False)  # a secret: whoever has it can post
    teams_webhook_shape: TeamsShape
    evidence: Path  # a folder; nothing is written there where `evidence_url` is set
    policy: Path
    ca_bundle: Path | None = None  # trusted on top of the system's authorities
    client_id: str | None = None  # of a user-assigned identity; None is the system-assigned one
    rebuild_client_id: str | None = None  # acts after a person's consent; None: the one above does
    profile: Profile = "full"
    evidence_url: str | None = None  # of a blob container
    credential: Credential = "managed-identity"  # azure-cli: whoever ran `az login`, on a laptop
    event_grid_topic: str | None = None  # where notices are published as events; None: nowhere
    api_audiences: tuple[str, ...] = ()  # of tokens that people and machines may call us with
    acting: bool = True  # the kill switch as an app setting: no deployment is needed to pull it

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Raises `RefusedError` that names the variable and what it should hold."""
        bundle = environ.get("FIREBREAK_CA_BUNDLE")
        evidence = environ.get("FIREBREAK_EVIDENCE", "").strip()
        container = _container("FIREBREAK_EVIDENCE", evidence) if "://" in evidence else None
        return cls(
            arm_endpoint=_origin("FIREBREAK_ARM_ENDPOINT", environ, default=PUBLIC_ARM),
            tenant_id=_guid("FIREBREAK_TENANT_ID", environ),
            log_workspace_id=_guid("FIREBREAK_LOG_WORKSPACE_ID", environ),
            teams_webhook_url=environ.get("FIREBREAK_TEAMS_WEBHOOK_URL", ""),
            teams_webhook_shape=cast(
                TeamsShape, _one_of("FIREBREAK_TEAMS_WEBHOOK_SHAPE", environ, get_args(TeamsShape))
            ),
            evidence=Path(evidence if evidence and not container else ".evidence"),
            evidence_url=container,
            policy=Path(environ.get("FIREBREAK_POLICY") or _beside_function_app("policy.toml")),
            ca_bundle=_file("FIREBREAK_CA_BUNDLE", bundle) if bundle else None,
            client_id=_own_id("FIREBREAK_CLIENT_ID", environ),
            rebuild_client_id=_own_id("FIREBREAK_REBUILD_CLIENT_ID", environ),
            profile=cast(Profile, _one_of("FIREBREAK_PROFILE", environ, get_args(Profile))),
            credential=cast(
                Credential, _one_of("FIREBREAK_CREDENTIAL", environ, get_args(Credential))
            ),
            event_grid_topic=_topic("FIREBREAK_EVENT_GRID_TOPIC", environ),
            api_audiences=_audiences("FIREBREAK_API_AUDIENCE", environ),
            acting=_switch("FIREBREAK_ACTING", environ),
        )

    @property
    def hands(self) -> tuple[Hand, ...]:
        """The identities that act apart. A person's sign-in on a laptop is one, whatever is deployed."""
        apart = self.rebuild_client_id not in {None, self.client_id}
        if apart and self.credential == "managed-identity":
            return ("containment", "rebuild")
        return ("containment",)

    @property
    def client_ids(self) -> frozenset[str]:
        """Of the app's identities, as far as they are named: neither may be an incident's principal."""
        return frozenset(one for one in (self.client_id, self.rebuild_client_id) if one)


def is_guid(text: str) -> bool:
    """True for the one spelling that Azure uses: 36 characters, hyphens, no braces."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def checked_guid(text: str, what: str) -> str:
    """The GUID in lower case. Raises `RefusedError`: nothing else may reach a URL or a query."""
    if not is_guid(text):
        raise RefusedError(f"{what} is not a GUID: {text[:60]!r}")
    return text.lower()


def is_web_origin(url: str) -> bool:
    """True for https://host[:port] and nothing after it; http only for this machine."""
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    return secure and bare and bool(parts.hostname) and "@" not in parts.netloc


def _guid(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not is_guid(value):
        found = "is not set" if not value else f"is not a GUID: {value[:60]!r}"
        raise RefusedError(f"setting {name} {found}; see docs/reference/settings.md")
    return value.lower()


def _own_id(name: str, environ: Mapping[str, str]) -> str | None:
    return _guid(name, environ) if environ.get(name) else None


def _origin(name: str, environ: Mapping[str, str], *, default: str) -> str:
    value = environ.get(name) or default
    if not is_web_origin(value):
        raise RefusedError(f"setting {name} must be https://host[:port], not {value[:80]!r}")
    return value.rstrip("/")


def _container(name: str, value: str) -> str:
    """https://account.blob.core.windows.net/container; a SAS in the query would be a secret in a setting."""
    parts = urlsplit(value)
    host = f"{parts.scheme}://{parts.netloc}"
    if not is_web_origin(host) or parts.query or parts.fragment or not parts.path.strip("/"):
        shown = value.partition("?")[0][:80]
        raise RefusedError(
            f"setting {name} must be a folder or https://account.blob.core.windows.net/container "
            f"without a SAS, not {shown!r}"
        )
    return value.rstrip("/")


def _topic(name: str, environ: Mapping[str, str]) -> str | None:
    """https://topic.region-1.eventgrid.azure.net/api/events, as the portal shows it. A key in it would be a secret."""
    value = environ.get(name, "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    host = f"{parts.scheme}://{parts.netloc}"
    whole = parts.path.endswith("/api/events") and not parts.query and not parts.fragment
    if not is_web_origin(host) or not whole:
        shown = value.partition("?")[0][:120]
        raise RefusedError(
            f"setting {name} must be the topic's endpoint, https://.../api/events and nothing after it, not {shown!r}"
        )
    return value


def _switch(name: str, environ: Mapping[str, str]) -> bool:
    """True or false and nothing else: a misspelt kill switch must not be taken for "on"."""
    value = environ.get(name, "true").strip().lower()
    if value not in {"true", "false"}:
        raise RefusedError(f"setting {name} must be true or false, not {value[:20]!r}")
    return value == "true"


def _audiences(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Names of our app registration: its client id, its application ID URI. None: no token is checked here."""
    named = [one.strip() for one in environ.get(name, "").split(",") if one.strip()]
    for one in named:
        if not (is_guid(one) or one.startswith(("api://", "https://"))):
            raise RefusedError(
                f"setting {name} must hold client ids or application ID URIs (api://...), separated by commas, "
                f"not {one[:80]!r}"
            )
    return tuple(one.lower() if is_guid(one) else one for one in named)


def _one_of(name: str, environ: Mapping[str, str], known: tuple[str, ...]) -> str:
    """One of these words, the first where nothing is set: a misspelt one must not be taken for it."""
    value = environ.get(name) or known[0]
    if value not in known:
        raise RefusedError(f"setting {name} must be {' or '.join(known)}, not {value[:40]!r}")
    return value


def _file(name: str, value: str) -> Path:
    path = Path(value)
    if not path.is_file():
        raise RefusedError(f"setting {name} names no file: {value[:120]!r}")
    return path


def _beside_function_app(name: str) -> str:
    return str(Path(__file__).resolve().parent.parent / name)
