"""From a world to what `/sandbox/seed` takes: everything that was there long before the attack."""

from fuzz.worlds import (
    ClusterGrant,
    Identity,
    Json,
    Role,
    Workload,
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
CLIENT_ID = "azure.workload.identity/client-id"
USE = "azure.workload.identity/use"


class Ground:
    """Addresses in a running sandbox, by what `sandbox.json` says."""

    def __init__(self, described: Json) -> None:
        """`described`: the content of sandbox.json."""
        self.described = described
        self.endpoints: dict[str, str] = described["endpoints"]
        self.subscription = f"/subscriptions/{described['subscription_id']}"
        self.group = f"{self.subscription}/resourceGroups/{_GROUP}"

    def store_id(self, name: str) -> str:
        """Resource id of a storage account."""
        return f"{self.group}/providers/{_STORE}/{name}"

    def vault_id(self, name: str) -> str:
        """Resource id of a key vault."""
        return f"{self.group}/providers/Microsoft.KeyVault/vaults/{name}"

    def identity_id(self, name: str) -> str:
        """Resource id of a user-assigned identity."""
        return f"{self.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"

    def blob_url(self, store: str) -> str:
        """The one blob of a store."""
        return f"{self.endpoints['storage']}/{store}/data/secret.csv"

    def secret_url(self, vault: str) -> str:
        """The one secret of a vault."""
        return f"{self.endpoints['keyvault']}/{vault}/secrets/password?api-version=7.4"

    def issuer(self, cluster: str) -> str:
        """A cluster's issuer, or that of somebody outside where there is no cluster."""
        if cluster:
            return str(self.described["seed"]["clusters"][cluster]["issuer"])
        return f"{self.endpoints['oidc']}/partner-ci/"

    def scope(self, at: str) -> str:
        """The scope that a role or a lock is at."""
        kind, _, name = at.partition(":")
        root = f"/providers/Microsoft.Management/managementGroups/{self.described['tenant_id']}"
        platform = "/providers/Microsoft.Management/managementGroups/mg-platform"
        fixed = {"subscription": self.subscription, "platform": platform, "root": root}
        if kind in fixed:
            return fixed[kind]
        named = {"store": self.store_id, "vault": self.vault_id, "identity": self.identity_id}
        return named[kind](name) if kind in named else f"{self.subscription}/resourceGroups/{name}"


def documents(world: World, ground: Ground) -> list[Json]:
    """What to seed, in order: principals and resources first, then what ties them together."""
    return [
        {
            "users": [
                {"name": one["name"], "id": made_id("person", one["name"])}
                for one in world["people"]
            ],
            **_principals(world),
            "storageAccounts": [{"name": name} for name in world["stores"]],
            "machines": _machines(world, ground),
        },
        {
            "vaults": [
                {"name": one["name"]}
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
            "clusters": _clusters(world, ground),
        },
    ]


def _principals(world: World) -> Json:
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
                managed.append(
                    {"name": name, "principalId": object_id(name), "clientId": client_id(name)}
                )
    return {
        "applications": applications,
        "servicePrincipals": foreign,
        "userAssignedIdentities": managed,
    }


def _machines(world: World, ground: Ground) -> list[Json]:
    found: dict[str, Json] = {}
    for one in world["identities"]:
        for name in one["machines"]:
            machine = found.setdefault(name, {"name": name, "kind": "virtualMachine"})
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


def _clusters(world: World, ground: Ground) -> Json:
    found: dict[str, Json] = {}
    for one in world["workloads"]:
        objects = found.setdefault(
            one["cluster"], {"namespaces": [], "serviceaccounts": [], one["kind"]: []}
        )
        _once(objects["namespaces"], {"metadata": {"name": one["namespace"]}})
        account = {"name": one["account"], "namespace": one["namespace"]}
        notes = {CLIENT_ID: client_id(one["identity"])}
        _once(objects["serviceaccounts"], {"metadata": {**account, "annotations": notes}})
        objects.setdefault(one["kind"], []).append(_workload(one, ground))
    for at, grant in enumerate(world["cluster_grants"]):
        objects = found.setdefault(grant["cluster"], {})
        role, binding = _grant(f"grant-{at}", grant, _holder_of(world, grant["to"]))
        objects.setdefault("clusterroles", []).append(role)
        plural = "rolebindings" if grant["namespace"] else "clusterrolebindings"
        objects.setdefault(plural, []).append(binding)
    return found


def _once(objects: list[Json], one: Json) -> None:
    if one not in objects:
        objects.append(one)


def _holder_of(world: World, name: str) -> str:
    people = {one["name"] for one in world["people"]}
    return made_id("person", name) if name in people else object_id(name)


def _grant(name: str, grant: ClusterGrant, holder: str) -> tuple[Json, Json]:
    rules = {
        "mint": [{"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}],
        "read": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    }
    group = "rbac.authorization.k8s.io"
    binding: Json = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": group, "kind": "User", "name": holder}],
    }
    if grant["namespace"]:
        binding["metadata"]["namespace"] = grant["namespace"]
    return {"metadata": {"name": name}, "rules": rules[grant["may"]]}, binding


def _workload(wanted: Workload, ground: Ground) -> Json:
    labels = {"app": wanted["name"]}
    container = {
        "name": "main",
        "image": f"contoso.azurecr.io/{wanted['name']}:1.0",
        "env": [{"name": "BLOB_URL", "value": ground.blob_url(wanted["reads"])}],
    }
    pod: Json = {
        "metadata": {"labels": {**labels, USE: "true"}},
        "spec": {"serviceAccountName": wanted["account"], "containers": [container]},
    }
    metadata = {"name": wanted["name"], "namespace": wanted["namespace"], "labels": labels}
    if wanted["kind"] == "pods":
        return {"metadata": {**metadata, "labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    spec: Json = {"selector": {"matchLabels": labels}, "template": pod}
    if wanted["kind"] != "daemonsets":
        spec["replicas"] = wanted["replicas"]
    if wanted["kind"] == "statefulsets":
        spec["serviceName"] = wanted["name"]
    return {"metadata": metadata, "spec": spec}
