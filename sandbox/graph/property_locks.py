"""The app instance property lock: credentials of a service principal that only its application may change.

Faithful    the application's `servicePrincipalLockConfiguration` counts in its home tenant too; `isEnabled` with
            `allProperties`, or with one of the single switches; a secret is of the usage Verify
Choice      "locks the ability to add or update": taking a credential away is not named, and stays possible
Left out    applications of other tenants, whose locks nobody here can read
Source      https://learn.microsoft.com/entra/identity-platform/howto-configure-app-instance-property-locks
            https://learn.microsoft.com/graph/api/resources/serviceprincipallockconfiguration
            https://github.com/Azure/azure-cli/issues/28734 (the code and the words of the refusal)
"""

from sandbox.graph import directory
from sandbox.graph.errors import bad_request
from sandbox.world import Json, World

_SWITCHES = {"Verify": "credentialsWithUsageVerify", "Sign": "credentialsWithUsageSign"}


def check(world: World, before: Json, after: Json) -> None:
    """Compare a service principal with what it is to become. Raises 400 for what its application locks."""
    lock = _lock_of(world, str(after["appId"]))
    for name in ("passwordCredentials", "keyCredentials"):
        for credential in after[name]:
            usage = credential.get("usage", "Verify")
            if credential not in before[name] and _is_on(lock, _SWITCHES[usage]):
                raise _locked(name)
    name = "tokenEncryptionKeyId"
    if before.get(name) != after.get(name) and _is_on(lock, name):
        raise _locked(name)


def _lock_of(world: World, app_id: str) -> Json:
    application = directory.by_app_id(world.directory.applications, app_id) or {}
    return application.get("servicePrincipalLockConfiguration") or {}


def _is_on(lock: Json, switch: str) -> bool:
    return bool(lock.get("isEnabled") and (lock.get("allProperties") or lock.get(switch)))


def _locked(name: str) -> Exception:
    return bad_request(f"Property {name} is invalid.", "CannotUpdateLockedServicePrincipalProperty")
