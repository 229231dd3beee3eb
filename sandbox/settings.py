"""What the sandbox tells the world about itself: `sandbox.json`, and the settings that point Firebreak at it."""

import hashlib
from pathlib import Path
from urllib.parse import urlencode

from sandbox.entra.resources import FIREBREAK
from sandbox.world import Json, World, stable_guid

API_VERSION = "2016-06-01"  # of Power Automate's request trigger, part of every workflow URL
WORKFLOW_ID = stable_guid("workflow/security-incidents").replace("-", "")
# The same channel's other flow: its only step is "Post card in a chat or channel", which takes the card itself.
CARD_WORKFLOW_ID = stable_guid("workflow/security-incident-cards").replace("-", "")


def pretend_secret(name: str) -> str:
    """A value that looks like a secret and is the same in every run, so that a reset changes nobody's settings."""
    return hashlib.sha256(f"firebreak sandbox: {name}".encode()).hexdigest()


def teams_webhook_url(world: World, workflow: str = WORKFLOW_ID) -> str:
    """The URL that a Teams workflow shows its owner; whoever has it can post."""
    query = urlencode(
        {
            "api-version": API_VERSION,
            "sp": "/triggers/manual/run",
            "sv": "1.0",
            "sig": pretend_secret("teams"),
        }
    )
    origin = world.endpoints["teams"]
    return f"{origin}/workflows/{workflow}/triggers/manual/paths/invoke?{query}"


def identity_header() -> str:
    """The secret that App Service puts beside the managed-identity endpoint, against request forgery."""
    return pretend_secret("identity header")


def environment(world: World, ca: Path) -> dict[str, str]:
    """The function app's settings for this sandbox."""
    return {
        "FIREBREAK_ARM_ENDPOINT": world.endpoints["arm"],
        "FIREBREAK_CA_BUNDLE": str(ca),
        "FIREBREAK_TENANT_ID": world.tenant_id,
        "FIREBREAK_LOG_WORKSPACE_ID": world.workspace_id,
        "FIREBREAK_CLIENT_ID": stable_guid("app/id-firebreak-containment"),
        "FIREBREAK_REBUILD_CLIENT_ID": stable_guid("app/id-firebreak-rebuild"),
        "FIREBREAK_API_AUDIENCE": f"{FIREBREAK},{stable_guid('app/firebreak-api')}",
        "FIREBREAK_TEAMS_WEBHOOK_URL": teams_webhook_url(world),
        "FIREBREAK_EVENT_GRID_TOPIC": f"{world.endpoints['eventgrid']}/topics/incidents/api/events",
        "IDENTITY_ENDPOINT": f"{world.endpoints['identity']}/msi/token",
        "IDENTITY_HEADER": identity_header(),
    }


def describe(world: World, ca: Path, seeded: Json, pid: int) -> Json:
    """The content of `sandbox.json`."""
    return {
        "pid": pid,
        "ca_bundle": str(ca),
        "endpoints": dict(world.endpoints),
        "tenant_id": world.tenant_id,
        "subscription_id": world.subscription_id,
        "workspace_id": world.workspace_id,
        "identity_header": identity_header(),
        "environment": environment(world, ca),
        "seed": seeded,
    }
