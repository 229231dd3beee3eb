"""From a world to what `/sandbox/seed` takes: everything that was there long before the attack."""

from fuzz.cluster_seeds import clusters
from fuzz.grounds import Ground
from fuzz.worlds import (
    Identity,
    Json,
    Role,
    World,
    application_id,
    client_id,
    made_id,
    object_id,
)

_ELSEWHERE = "00000000-0000-4000-8000-00000000e15e"  # the tenant of foreign applications
_STORE = "Microsoft.Storage/storageAccounts"
_READ_BLOB = f"{_STORE}/blobServices/containers/blobs/read"
_GROUP = "rg-orders"


def documents(world: World, ground: Ground) -> list[Json]:
    """What to seed, in order: principals and resources first, then what ties them together."""
    return [
        *_subscriptions(world),
        {
            "users": [
                {"name": one["name"], "id": made_id("person", one["name"])}
                for one in world["people"]
            ],
            **_principals(world, ground),
            "storageAccounts": [{"name": name, **ground.place(name)} for name in world["stores"]],
            "machines": _machines(world, ground),
        },
        {
            "vaults": [
                {"name": one["name"], **ground.place(one["name"])}
                | (
                    {}
                    if one["readers"] is None
                    else {"readers": _object_ids(world, one["readers"])}
                )
                for one in world["vaults"]
            ],
            "groups": _groups(world),
            **_holdings(world, ground),
            "identityCredentials": [
                {"identityId": ground.identity_id(one["name"]), **trust}
                for one in world["identities"]
                if one["kind"] == "user_assigned_identity"
                for trust in _trusts(one, ground)
            ],
            "roleAssignments": _assignments(world, ground),
            "locks": [
                {"scope": ground.scope(one["at"]), "name": f"lock-{n}", "level": one["level"]}
                for n, one in enumerate(world["locks"])
            ],
            "identityBindings": [
                {"cluster": one["cluster"], "identityId": ground.identity_id(one["identity"])}
                for one in world["bindings"]
            ],
            "clusters": clusters(world, ground),
        },
    ]


def _subscriptions(world: World) -> list[Json]:
    made = [
        {"displayName": name, "id": made_id("subscription", name)}
        for name in world["subscriptions"]
    ]
    groups = [{"name": _GROUP, "subscriptionId": one["id"]} for one in made]
    return [{"subscriptions": made, "resourceGroups": groups}] if made else []


def _principals(world: World, ground: Ground) -> Json:
    applications, foreign, managed = [], [], []
    for one in world["identities"]:
        name = one["name"]
        match one["kind"]:
            case "application" | "application_without_principal":
                lacking = one["kind"] == "application_without_principal"
                applications.append(
                    {
                        "displayName": name,
                        "id": application_id(name),
                        "appId": client_id(name),
                        "signInAudience": "AzureADMyOrg",
                        "servicePrincipalId": None if lacking else object_id(name),
                    }
                )
            case "foreign_application":
                foreign.append(
                    {
                        "displayName": name,
                        "id": object_id(name),
                        "appId": client_id(name),
                        "appOwnerOrganizationId": _ELSEWHERE,
                    }
                )
            case "user_assigned_identity":
                ids = {"principalId": object_id(name), "clientId": client_id(name)}
                managed.append({"name": name, **ids, **ground.place(name)})
    return {
        "applications": applications,
        "servicePrincipals": foreign,
        "userAssignedIdentities": managed,
    }


def _machines(world: World, ground: Ground) -> list[Json]:
    found: dict[str, Json] = {}
    for one in world["identities"]:
        for name in one["machines"]:
            plain = {"name": name, "kind": "virtualMachine", **ground.place(name)}
            machine = found.setdefault(name, plain)
            if one["kind"] == "system_assigned_identity":
                ids = {"principalId": object_id(one["name"]), "clientId": client_id(one["name"])}
                machine["systemAssigned"] = ids
            else:
                machine.setdefault("userAssigned", []).append(ground.identity_id(one["name"]))
    return list(found.values())


def _object_ids(world: World, names: list[str]) -> list[str]:
    known = {one["name"] for one in world["identities"]}
    return [object_id(name) for name in names if name in known]


def _groups(world: World) -> list[Json]:
    members: dict[str, list[str]] = {}
    for one in world["identities"]:
        for role in one["roles"]:
            if role["through"]:
                ids = members.setdefault(role["through"], [])
                ids += [object_id(one["name"])] if object_id(one["name"]) not in ids else []
    return [
        {"displayName": name, "id": made_id("group", name), "members": ids}
        for name, ids in members.items()
    ]


def _holdings(world: World, ground: Ground) -> Json:
    """Credentials, owners and permissions of every identity."""
    parts: Json = {
        "owners": [],
        "passwordCredentials": [],
        "keyCredentials": [],
        "federatedCredentials": [],
        "appRoleAssignments": [],
        "oauth2PermissionGrants": [],
        "directoryRoleAssignments": [],
    }
    for one in world["identities"]:
        name, principal = one["name"], object_id(one["name"])
        holders = {"application": application_id(name), "principal": principal}
        for part, held in (("passwordCredentials", "secrets"), ("keyCredentials", "certificates")):
            for at, holder in enumerate(one[held]):  # type: ignore[literal-required]  # one of two keys
                wish = {"holderId": holders[holder], "displayName": f"{name}-{held}-{at}"}
                wish["keyId"] = made_id(held, f"{name}/{at}")
                parts[part].append(wish)
        has = [object_id(name)] if one["kind"] != "application_without_principal" else []
        if one["kind"].startswith("application"):
            has.append(application_id(name))
            trusts = [{"applicationId": application_id(name), **t} for t in _trusts(one, ground)]
            parts["federatedCredentials"] += trusts
        for owner in one["owners"]:
            person = made_id("person", owner)
            parts["owners"] += [{"objectId": each, "ownerId": person} for each in has]
        for role in one["app_roles"]:
            parts["appRoleAssignments"].append({"principalId": principal, "role": role})
        for scope in one["consents"]:
            parts["oauth2PermissionGrants"].append({"clientId": principal, "scope": scope})
        for role in one["directory_roles"]:
            parts["directoryRoleAssignments"].append({"principalId": principal, "role": role})
    for somebody in world["people"]:
        holder_id = made_id("person", somebody["name"])
        for named in somebody["directory_roles"]:
            parts["directoryRoleAssignments"].append({"principalId": holder_id, "role": named})
    return parts


def _trusts(one: Identity, ground: Ground) -> list[Json]:
    return [
        {
            "name": f"trust-{at}",
            "issuer": ground.issuer(trust["cluster"]),
            "subject": subject(trust["namespace"], trust["account"])
            if trust["cluster"]
            else f"repo:contoso/{trust['account']}:ref:refs/heads/main",
        }
        for at, trust in enumerate(one["trusts"])
    ]


def subject(namespace: str, account: str) -> str:
    """How a ServiceAccount is called in its tokens."""
    return f"system:serviceaccount:{namespace}:{account}"


def _assignments(world: World, ground: Ground) -> list[Json]:
    found: dict[str, Json] = {}
    for one in world["identities"]:
        for role in one["roles"]:
            holder = (
                made_id("group", role["through"]) if role["through"] else object_id(one["name"])
            )
            wish = _assignment(role, holder, ground)
            found[wish["name"]] = wish
    for person in world["people"]:
        for role in person["roles"]:
            wish = _assignment(role, made_id("person", person["name"]), ground)
            found[wish["name"]] = wish
    return list(found.values())


def _assignment(role: Role, holder: str, ground: Ground) -> Json:
    wish: Json = {
        "scope": ground.scope(role["at"]),
        "role": role["role"],
        "principalId": holder,
        "name": made_id("assignment", f"{holder}/{role['role']}/{role['at']}"),
    }
    if role["only_store"]:
        wish["condition"] = (
            f"((!(ActionMatches{{'{_READ_BLOB}'}})) OR "
            f"(@Resource[{_STORE}:name] StringEquals '{role['only_store']}'))"
        )
    return wish
