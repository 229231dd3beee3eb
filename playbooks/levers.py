"""Which levers are pulled for which kind of principal: all of a row side by side, after the snapshot.

What stops new tokens at once and can be undone (`FIRST`) doesn't wait for the snapshot. What containment is not proven
by (`BESIDE`) is pulled beside the proof, which doesn't wait for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from playbooks.steps import containment as first
from playbooks.steps import levers as steps
from responders.model import PrincipalKind

Step = Any  # an activity, as `function_app` registers it

_DISABLED_FIRST = (first.disable_service_principal,)
FIRST: Mapping[PrincipalKind, Sequence[Step]] = {
    "application": _DISABLED_FIRST,
    "application_without_principal": _DISABLED_FIRST,
    "foreign_application": _DISABLED_FIRST,
    # Graph documents no way to disable a managed identity.
    # https://learn.microsoft.com/graph/api/resources/serviceprincipal (servicePrincipalType)
    "user_assigned_identity": (),
    "system_assigned_identity": (),
}

_OF_ANY_PRINCIPAL = (
    steps.remove_role_assignments,
    steps.remove_app_roles,
    steps.remove_oauth_grants,
    steps.remove_memberships,
    steps.remove_key_vault_policies,
)
_OF_A_REGISTRATION = (
    steps.deactivate_application,
    steps.remove_federated_credentials,
    steps.remove_application_credentials,
    steps.remove_owners,
)
LEVERS: Mapping[PrincipalKind, Sequence[Step]] = {
    "application": (
        *_OF_A_REGISTRATION,
        steps.remove_service_principal_credentials,
        *_OF_ANY_PRINCIPAL,
    ),
    "application_without_principal": (*_OF_A_REGISTRATION, steps.clear_made_principal),
    "foreign_application": (
        steps.remove_service_principal_credentials,
        steps.remove_owners,
        *_OF_ANY_PRINCIPAL,
    ),
    "user_assigned_identity": (steps.remove_identity_trusts, *_OF_ANY_PRINCIPAL),
    "system_assigned_identity": _OF_ANY_PRINCIPAL,
}
_REPORTED = (steps.report_directory_roles,)
BESIDE: Mapping[PrincipalKind, Sequence[Step]] = {
    "application": (*_REPORTED, steps.confirm_compromised),
    "application_without_principal": (),
    "foreign_application": (*_REPORTED, steps.confirm_compromised),
    "user_assigned_identity": (*_REPORTED, steps.revoke_tokens, steps.report_attachments),
    "system_assigned_identity": (*_REPORTED, steps.report_attachments),
}
