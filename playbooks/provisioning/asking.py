"""What a person has to take upon themselves before an identity is touched. Pure."""

from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.model import IdentityState, Operation
from playbooks.runs.model import Confirmation


def about_itself(
    declared: Identity, state: IdentityState, operations: list[Operation]
) -> list[Confirmation]:
    """Whoever put it there, or has a way into it that nobody declares, gets whatever it is given."""
    found = state["found"]
    if found is None:
        return []
    said: list[Confirmation] = []
    if not state["known"]:
        said.append(
            {
                "key": f"adopt:{declared.name}:{found['app_id']}",
                "text": f"{found['display_name']} ({found['app_id']}) becomes {declared.name}. Firebreak did not make "
                f"it: {state['made']}. Whoever made it may hold a way into it",
            }
        )
    gives = any(one["kind"] == "grant" for one in operations)
    if gives and state["known"] and state["credentials"]:
        said.append(
            {
                "key": f"grants-beside-secrets:{declared.name}",
                "text": f"{declared.name} gets roles while it has {state['credentials']} secrets or keys: whoever "
                "holds one of them gets the roles too",
            }
        )
    return said


def about_removals(name: str, operations: list[Operation]) -> list[Confirmation]:
    """What is taken away may be somebody's."""
    doomed = [one for one in operations if one["kind"] in ("untrust", "revoke")]
    if not doomed:
        return []
    listed = "; ".join(f"{one['change']['object']}: {one['change']['before']}" for one in doomed)
    return [
        {"key": f"remove-undeclared:{name}", "text": f"{name} loses what nobody declares: {listed}"}
    ]
