"""Azure in its normal form: resources with all that hangs on them, and who may do what.

Dropped     names and ids of role assignments, when and by whom they were written; etags; what goes on in a cluster
            right now (`provisioningState`); properties without a value
"""

from sandbox.control.normal_form.shaping import as_set, by, stated, without
from sandbox.world import Json, World

_WRITTEN = {"createdOn", "createdBy", "updatedOn", "updatedBy"}
_PERMISSIONS = ("keys", "secrets", "certificates", "storage")


def parts(world: World) -> Json:
    """What Azure Resource Manager knows, by part. Federated credentials of identities are resources."""
    azure = world.azure
    return {
        "resources": by(map(_resource, azure.resources.values()), _id),
        "roleAssignments": by(
            (_role_assignment(each["properties"]) for each in azure.role_assignments.values()),
            lambda each: "|".join(each[name] for name in ("scope", "principalId", "role")),
        ),
        "customRoles": by(azure.role_definitions.values(), _id),
        "managementGroups": by(azure.management_groups.values(), _id),
    }


def _id(item: Json) -> str:
    return str(item["id"]).lower()


def _resource(item: Json) -> Json:
    shaped = without(item, {"eTag"})
    properties = dict(shaped.get("properties") or {})
    properties.pop("provisioningState", None)
    if "accessPolicies" in properties:
        policies = map(_policy, properties["accessPolicies"])
        properties["accessPolicies"] = by(
            policies, lambda each: f"{each['objectId']}/{each.get('applicationId') or ''}"
        )
    shaped["properties"] = properties
    attached = (shaped.get("identity") or {}).get("userAssignedIdentities")
    if attached:
        lowered = {key.lower(): value for key, value in attached.items()}
        shaped["identity"] = {**shaped["identity"], "userAssignedIdentities": lowered}
    return shaped


def _policy(policy: Json) -> Json:
    held = policy["permissions"]
    permissions = {
        kind: as_set(name.lower() for name in held[kind]) for kind in _PERMISSIONS if held.get(kind)
    }
    return {**policy, "permissions": permissions}


def _role_assignment(properties: Json) -> Json:
    shaped = stated(without(properties, {*_WRITTEN, "roleDefinitionId"}))
    return {
        **shaped,
        "scope": str(properties["scope"]).lower(),
        "role": str(properties["roleDefinitionId"]).rsplit("/", 1)[-1].lower(),
    }
