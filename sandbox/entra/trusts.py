"""Federated credentials as the token endpoint knows them: those of an application, and those of a managed identity.

An application's are in the directory, a user-assigned identity's in Azure Resource Manager; both reach it late.

Choice      the sign-in log names an identity's credential by a GUID that ARM does not show, as Entra's own id of it;
            Microsoft documents no link
Source      https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.entra import claims_matching, managed_principals
from sandbox.world import Json, World, stable_guid

_TYPE = "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials"


@dataclass(frozen=True)
class Trust:
    """Whom outside a client believes. One of subject and expression is given."""

    credential_id: str
    issuer: str
    subject: str | None
    expression: str | None
    audiences: frozenset[str]

    def fits(self, claims: Json) -> bool:
        """Whether the subject, or the expression, is right about these claims."""
        if self.expression is not None:
            return claims_matching.parse(self.expression)(claims)
        return bool(self.subject == str(claims.get("sub", "")))


def of_client(world: World, principal: Json, moment: datetime) -> list[Trust]:
    """The trusts of this principal's client, as of this moment."""
    identity = managed_principals.resource_of(principal)
    if identity:
        return _of_identity(world, identity, moment)
    return _of_application(world, principal["appId"], moment)


def _of_application(world: World, client_id: str, moment: datetime) -> list[Trust]:
    mine = world.directory.applications.values(lambda each: bool(each["appId"] == client_id))
    ids = [each["id"] for each in mine]
    found = world.directory.federated_credentials.views_by("application", ids, moment)
    return [_trust(each["id"], each) for each in found]


def _of_identity(world: World, identity: str, moment: datetime) -> list[Trust]:
    below = f"{identity}/".lower()
    found = world.azure.resources.values_as_of(
        moment,
        lambda each: each["type"].lower() == _TYPE and each["id"].lower().startswith(below),
    )
    return [
        _trust(stable_guid(f"credential/{each['id'].lower()}"), each["properties"])
        for each in found
    ]


def _trust(credential_id: str, kept: Json) -> Trust:
    expression = kept.get("claimsMatchingExpression") or {}
    return Trust(
        credential_id,
        kept["issuer"],
        kept.get("subject"),
        expression.get("value"),
        frozenset(kept["audiences"]),
    )
