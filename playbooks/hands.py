"""Which of the app's two identities carries out a step. Pure.

`containment` is always on: it reads, and takes away. `rebuild` makes, gives and moves, and is used by no step that a
person has not agreed to: see `mandates.py`. A step that is not named here is containment's, so what is forgotten fails
where it acts, and does not open anything.
"""

from typing import Final

from responders.settings import Hand

__all__ = ["REBUILD_STEPS", "Hand", "hand_of"]

# After a person's consent to the plan of an incident.
_RECOVERY: Final = frozenset(
    {
        "preflight_cluster",  # asks what it may do itself
        "suspend_owners",
        "resume_owners",
        "quarantine_workloads",
        "evict_workloads",
        "rotate_signing_keys",
        "restart_token_users",
        "create_identity",
        "federate_identity",
        "grant_roles",
        "give_permissions",
        "create_service_accounts",
        "lift_quarantine",
        "move_consumers",
        "move_workloads",
        "retire_service_accounts",
    }
)
# After people's order to give back what containment took.
_RESTORE: Final = frozenset(
    {
        "take_back_cluster",
        "restore_objects",
        "return_role_assignments",
        "return_memberships",
        "return_app_roles",
        "return_oauth_grants",
        "return_key_vault_policies",
        "return_owners",
        "return_trusts",
        "dismiss_risk",
        "reactivate_application",
        "enable_service_principal",
    }
)
# In runs of quiet days that were applied.
_QUIET: Final = frozenset(
    {
        "enable_cluster",
        "make_identity",
        "trust_accounts",
        "grant_declared_roles",
        "wire_accounts",
        "label_workloads",
        "undo_identity",
        "create_successors",
        "trust_successors",
        "move_to_successors",
        "move_back",
        "retire_predecessors",
        "untrust_predecessors",
        "undo_successors",
        "remove_the_rest",
        "rotate_cluster_keys",
        "restart_key_users",
        "mend_trusts",
        "restart_stale_pods",
    }
)
REBUILD_STEPS: Final = _RECOVERY | _RESTORE | _QUIET


def hand_of(step: str) -> Hand:
    """The identity that this step acts as, by its name as it is given to `perform`."""
    return "rebuild" if step in REBUILD_STEPS else "containment"
