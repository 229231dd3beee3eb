"""What is left of the compromised identity, lever by lever: disabled hides a lever that was forgotten."""

from drill import unmoved
from drill.scene import Scene
from drill.states import accounts_naming, credentials_of, grants_of, only, trusts_of
from drill.verdict.facts import Check, Finding, none_of


def _disabled(scene: Scene) -> Finding:
    principal = only(scene.after["servicePrincipals"], "id", scene.victim.object_id)
    enabled = principal["accountEnabled"]
    return Finding(enabled is False, f"accountEnabled is {enabled}")


def _deactivated(scene: Scene) -> Finding:
    application = only(scene.after["applications"], "id", scene.victim.application_object_id)
    disabled = application.get("isDisabled")
    return Finding(disabled is True, f"isDisabled is {disabled}")


def _trusts(scene: Scene) -> Finding:
    left = trusts_of(scene.after, scene.victim.application_object_id)
    return none_of([f"{trust['name']} ({trust['issuer']})" for trust in left])


def _on_application(scene: Scene) -> Finding:
    application = only(scene.after["applications"], "id", scene.victim.application_object_id)
    return none_of(credentials_of(application))


def _on_principal(scene: Scene) -> Finding:
    principal = only(scene.after["servicePrincipals"], "id", scene.victim.object_id)
    return none_of(credentials_of(principal))


def _grants(scene: Scene) -> Finding:
    left = grants_of(scene.after, scene.victim.object_id)
    return none_of([f"{definition} at {scope}" for scope, definition in sorted(left)])


def _accounts(scene: Scene) -> Finding:
    out = unmoved.out(scene)
    naming = [
        f"{cluster}/{account['metadata']['namespace']}/{account['metadata']['name']}"
        for cluster, objects in scene.after["clusters"].items()
        if cluster not in out
        for account in accounts_naming(objects, scene.victim.app_id)
    ]
    return none_of(naming)


DISABLED = Check("the old service principal is disabled", "accountEnabled is False", _disabled)
DEACTIVATED = Check("the old application is deactivated", "isDisabled is True", _deactivated)
NO_ACCOUNT = Check("no ServiceAccount names the old client id", "none", _accounts)
CHECKS = (
    DISABLED,
    DEACTIVATED,
    Check("the old application trusts no issuer", "none", _trusts),
    Check("the old application has no secret and no key", "none", _on_application),
    Check("the old service principal has no secret and no key", "none", _on_principal),
    Check("the old service principal has no role anywhere", "none", _grants),
    NO_ACCOUNT,
)
