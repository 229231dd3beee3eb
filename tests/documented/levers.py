"""The reader of docs/reference/levers.md: one lever after the other, by hand, on identities that were made for it."""

from drill.options import Json
from tests.documented.blocks import Block
from tests.documented.readers import reads
from tests.documented.terminal import Desk

_STRANGER = "https://evil.example"
_HOME = "11111111-2222-4333-8444-555555555555"  # of another tenant's application
_LEVERS = (
    "disable",
    "deactivate",
    "trusts",
    "credentials",
    "principal credentials",
    "identity trusts",
    "roles",
    "app roles",
    "consents",
    "memberships",
    "vaults",
    "owners",
    "made principal",
    "directory roles",
    "risk",
    "tokens",
    "attachments",
)


@reads("docs/reference/levers.md")
async def levers(desk: Desk, *blocks: Block) -> None:
    """Every block, in the order of the page. What a lever takes away was planted, and is gone."""
    named = dict(zip(_LEVERS, blocks, strict=True))
    made = await _made(desk)
    app, bare, foreign, identity = made["app"], made["bare"], made["foreign"], made["identity"]
    principal, holder = str(app["object_id"]), str(app["application_object_id"])
    about = {"<object id>": principal}
    both = {"<application object id>": holder}
    client = {"<client id>": str(bare["app_id"])}
    await desk.types(named["disable"], {**about, **client})
    await desk.types(named["deactivate"], both)
    await desk.types(named["trusts"], {**both, "<id>": made["trust"]})
    keys = iter(made["keys"])
    await desk.types(
        named["credentials"],
        {
            **about,
            "<application object id>": [holder] * 4 + [bare["application_object_id"]] * 4,
            "<keyId>": [next(keys) for _ in range(6)],
        },
    )
    await desk.types(
        named["principal credentials"],
        {
            **both,
            "<object id>": [principal] * 4 + [foreign["object_id"]] * 4,
            "<keyId>": [next(keys) for _ in range(6)],
        },
    )
    resource = {"<resource id>": str(identity["resource_id"])}
    await desk.types(named["identity trusts"], {**resource, "<name>": "planted"})
    subscription = str(desk.ground.described["subscription_id"])
    roles = {**about, "<each>": subscription, "<id> ...": made["role"]}
    await desk.types(named["roles"], roles)
    await desk.types(named["app roles"], {**about, "<id>": made["app role"]})
    await desk.types(named["consents"], {**about, "<id>": made["consent"]})
    await desk.types(named["memberships"], {**about, "<group id>": made["group"]})
    await desk.types(named["vaults"], {**about, "<vault>": "kv-levers"})
    await desk.types(
        named["owners"],
        {
            "<application object id>": [holder] * 2 + [bare["application_object_id"]] * 2,
            "<object id>": [principal] * 2 + [foreign["object_id"]] * 2,
            "<id>": made["owner"],
        },
    )
    given = await _given_to_what_was_made(desk, str(bare["app_id"]), made["owner"])
    await desk.types(named["made principal"], {**client, "<each>": subscription, **given})
    await desk.types(named["directory roles"], {**about, "<id>": made["directory role"]})
    await desk.types(named["risk"], about)
    detach = {**resource, "<version for its type>": "2024-07-01", _AS_IT_IS: "None"}
    await desk.types(named["tokens"], {**detach, "<id>": made["machines"][0]})
    system = "<resource id>' --set"
    await desk.types(
        named["attachments"],
        {system: f"{made['site']}' --set", **detach, "<id>": made["machines"][1]},
    )
    await _nothing_is_left(desk, made)


async def _given_to_what_was_made(desk: Desk, app_id: str, owner: str) -> Json:
    """All that somebody can give to the service principal that the first lever made, as the page's blanks have it."""
    control = desk.ground.control
    principals = (await control.state())["servicePrincipals"]
    (made,) = (one["id"] for one in principals if one["appId"] == app_id)
    scope = desk.ground.described["seed"]["storage"]["account_id"]
    planted = await control.seed(
        {
            "roleAssignments": [
                {"scope": scope, "role": "Storage Blob Data Reader", "principalId": made}
            ],
            "appRoleAssignments": [{"principalId": made, "role": "User.Read.All"}],
            "oauth2PermissionGrants": [{"clientId": made, "scope": "User.Read"}],
            "groups": [{"displayName": "made-group", "members": [made]}],
            "vaults": [{"name": "kv-made", "readers": [made]}],
            "owners": [{"objectId": made, "ownerId": owner}],
            "passwordCredentials": [{"holderId": made, "displayName": "planted"}],
        }
    )
    first = {part: found[0] for part, found in planted.items() if part != "clusters"}
    permission, consent = first["appRoleAssignments"]["id"], first["oauth2PermissionGrants"]["id"]
    return {
        "<id> ...": first["roleAssignments"]["id"],
        "<id>": [permission, consent, owner],
        "<object id>": made,
        "<group id>": first["groups"]["object_id"],
        "<vault>": "kv-made",
        "<keyId>": first["passwordCredentials"]["key_id"],
    }


_AS_IT_IS = "<as it is; None, if it has no other>"


async def _made(desk: Desk) -> Json:
    """Everything that a lever can take away, twice where two commands take it."""
    control, described = desk.ground.control, desk.ground.described
    principals = await control.seed(
        {
            "applications": [
                {"displayName": "lever-api"},
                {"displayName": "lever-bare", "servicePrincipalId": None},
            ],
            "servicePrincipals": [
                {"displayName": "lever-foreign", "appOwnerOrganizationId": _HOME}
            ],
            "userAssignedIdentities": [{"name": "lever-identity", "resourceGroup": "rg-orders"}],
        }
    )
    app, bare = principals["applications"]
    (foreign,), (identity,) = (
        principals["servicePrincipals"],
        principals["userAssignedIdentities"],
    )
    a, s, b, f = (
        app["application_object_id"],
        app["object_id"],
        bare["application_object_id"],
        foreign["object_id"],
    )
    owner = described["seed"]["users"]["dana"]["object_id"]
    scope = described["seed"]["storage"]["account_id"]
    attached = {"resourceGroup": "rg-orders", "userAssigned": [identity["resource_id"]]}
    planted = await control.seed(
        {
            "passwordCredentials": [
                {"holderId": one, "displayName": "by hand"} for one in (a, s, b, a, s, f)
            ],
            "keyCredentials": [
                {"holderId": one, "displayName": "CN=by-hand"} for one in (a, s, b, a, s, f)
            ],
            "federatedCredentials": [
                {"applicationId": a, "name": "planted", "issuer": _STRANGER, "subject": "s"}
            ],
            "identityCredentials": [
                {
                    "identityId": identity["resource_id"],
                    "name": "planted",
                    "issuer": _STRANGER,
                    "subject": "s",
                }
            ],
            "roleAssignments": [
                {"scope": scope, "role": "Storage Blob Data Reader", "principalId": s}
            ],
            "appRoleAssignments": [{"principalId": s, "role": "User.Read.All"}],
            "oauth2PermissionGrants": [{"clientId": s, "scope": "User.Read"}],
            "groups": [{"displayName": "lever-group", "members": [s]}],
            "vaults": [{"name": "kv-levers", "readers": [s]}],
            "owners": [{"objectId": one, "ownerId": owner} for one in (a, s, b, f)],
            "directoryRoleAssignments": [{"principalId": s, "role": "Directory Readers"}],
            "machines": [
                {"name": "vm-lever-1", "kind": "virtualMachine", **attached},
                {"name": "vm-lever-2", "kind": "virtualMachine", **attached},
                {
                    "name": "site-lever",
                    "kind": "site",
                    "resourceGroup": "rg-orders",
                    "systemAssigned": {},
                },
            ],
        }
    )
    secrets = [one["key_id"] for one in planted["passwordCredentials"]]
    certificates = [one["key_id"] for one in planted["keyCredentials"]]
    machines = [one["id"] for one in planted["machines"]]
    return {
        "app": app,
        "bare": bare,
        "foreign": foreign,
        "identity": identity,
        "keys": [key for pair in zip(secrets, certificates, strict=True) for key in pair],
        "trust": planted["federatedCredentials"][0]["id"],
        "role": planted["roleAssignments"][0]["id"],
        "app role": planted["appRoleAssignments"][0]["id"],
        "consent": planted["oauth2PermissionGrants"][0]["id"],
        "group": planted["groups"][0]["object_id"],
        "owner": owner,
        "directory role": planted["directoryRoleAssignments"][0]["id"],
        "machines": machines[:2],
        "site": machines[2],
    }


async def _nothing_is_left(desk: Desk, made: Json) -> None:
    """Behind all replicas."""
    state = await desk.ground.control.state()
    ours = {made[one][key] for one, key in _HOLDERS}
    for collection in ("applications", "servicePrincipals"):
        for one in (each for each in state[collection] if each["id"] in ours):
            assert one["passwordCredentials"] == [], one["displayName"]
            assert one["keyCredentials"] == [], one["displayName"]
    for name, collection in _COLLECTIONS:
        assert made[name] not in {one["id"] for one in state[collection]}, name
    assert state["groupMembers"][made["group"]] == []


_COLLECTIONS = (
    ("trust", "federatedCredentials"),
    ("role", "roleAssignments"),
    ("app role", "appRoleAssignments"),
    ("consent", "oauth2PermissionGrants"),
    ("directory role", "directoryRoleAssignments"),
)
_HOLDERS = (
    ("app", "application_object_id"),
    ("app", "object_id"),
    ("bare", "application_object_id"),
    ("foreign", "object_id"),
)
