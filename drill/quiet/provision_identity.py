"""Identities from a repository: made in every cluster, unchanged by a second run, mended where they drift."""

from drill import minting
from drill.control import Control
from drill.options import DrillError, Json
from drill.quiet.day import Day, RunSeen

SUMMARY = "two documents applied, applied again, drifted, shown, mended; one that can't be made whole, undone"
OPTIONS: tuple[str, ...] = ()
POLICY = {"enable_clusters": "true"}
_CLIENT_ID = "azure.workload.identity/client-id"
_USE = "azure.workload.identity/use"


async def play(day: Day) -> None:
    """As a team would: documents in a repository, a plan that somebody reads, its application."""
    seed = day.described["seed"]
    names = sorted(seed["clusters"])[:3]
    off = names[-1]
    await day.control.turn(off, {"workload_identity": False})
    await _deploy(day.control, names)
    files = {"catalog.yaml": _catalog(seed, names), "receipts.yaml": _receipts(seed, names)}
    before = await day.control.state()

    planned = await day.run("provision_identity", "plan", {"declarations": files})
    _same(day, "plan", "changes nothing", (before, await day.control.state()))
    made = await day.run(
        "provision_identity",
        "apply",
        {"declarations": files},
        plan_hash=planned.status["plan_hash"],
    )
    day.equal("apply", "what was planned is done", made.outcome, "done")
    day.equal("apply", "and nothing else", made.document["changes"], planned.document["changes"])
    await _judge(day, made, names)

    again = await day.run("provision_identity", "apply", {"declarations": files})
    day.equal("again", "a second run changes nothing, and says so", again.outcome, "nothing_to_do")

    await _drift(day, made, names)
    drifted = await day.run("provision_identity", "plan", {"declarations": files})
    day.has_rules(drifted, ["drift-account", "drift-trust", "undeclared-trust"])
    mended = await day.run("provision_identity", "apply", {})  # what was applied last
    day.equal("drift", "is mended from what was applied last", mended.outcome, "done")
    left = await day.run("provision_identity", "plan", {"declarations": files})
    day.equal(
        "drift",
        "what nobody declared stays, and is named",
        sorted(left.rules()),
        ["undeclared-trust"],
    )

    await _owner(day, seed, names)
    await _undone(day, seed, names)


async def _deploy(control: Control, names: list[str]) -> None:
    """The team's workload is there before its identity: without the label, under a ServiceAccount of its own."""
    app = {"app": "catalog"}
    deployment = {
        "metadata": {"name": "catalog", "namespace": "store"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": app},
            "template": {
                "metadata": {"labels": app},
                "spec": {
                    "serviceAccountName": "catalog",
                    "containers": [{"name": "catalog", "image": "contoso.azurecr.io/catalog:4.2"}],
                },
            },
        },
    }
    account = {"metadata": {"name": "catalog", "namespace": "store"}}
    objects = {
        "namespaces": [{"metadata": {"name": "store"}}],
        "serviceaccounts": [account],
        "deployments": [deployment],
    }
    await control.seed({"clusters": dict.fromkeys(names, objects)})


def _catalog(seed: Json, names: list[str]) -> str:
    account = seed["storage"]["account_id"]
    group = account.partition("/providers/")[0]
    return f"""# The shop's catalog reads product pictures.
version: 1
name: catalog
kind: user_assigned_identity
resource_group: {group}
location: westeurope
tags: {{team: store}}
clusters: [{", ".join(names)}]
service_accounts:
  - namespace: store
    name: catalog
    workloads: [Deployment/catalog]
roles:
  - role: Storage Blob Data Reader
    scope: {account}
"""


def _receipts(seed: Json, names: list[str], role: str = "Storage Blob Data Reader") -> str:
    return f"""version: 1
name: receipts
kind: application
clusters: [{names[0]}]
service_accounts:
  - {{namespace: back-office, name: receipts, token_expiration_seconds: 7200}}
roles:
  - {{role: {role}, scope: {seed["storage"]["account_id"]}}}
"""


def _about(state: Json) -> list[str]:
    """What this playbook could have made, by its ids."""
    parts = ("applications", "servicePrincipals", "federatedCredentials", "roleAssignments")
    found = [f"{part} {one['id']}" for part in parts for one in state[part]]
    found += [one["id"] for one in state["resources"]]
    for name, cluster in state["clusters"].items():
        for kind in ("namespaces", "serviceaccounts"):
            about = [one["metadata"] for one in cluster[kind]]
            found += [f"{name} {kind} {one.get('namespace')}/{one['name']}" for one in about]
    return sorted(found)


def _same(day: Day, noun: str, fact: str, states: tuple[Json, Json]) -> None:
    """A line that shows the difference alone."""
    before, after = (set(_about(one)) for one in states)
    day.equal(noun, fact, sorted(before ^ after), [])


async def _judge(day: Day, made: RunSeen, names: list[str]) -> None:
    """By the sandbox's own state, and by what a pod gets."""
    state = await day.control.state()
    ids = _identities(made)
    issuers = {name: _issuer(state, name) for name in names}
    trusts = {
        (one["properties"]["issuer"], one["properties"]["subject"])
        for one in state["resources"]
        if one["id"].startswith(f"{ids['catalog']['resource_id']}/federatedIdentityCredentials/")
    }
    wanted = {(issuer, "system:serviceaccount:store:catalog") for issuer in issuers.values()}
    day.equal("trusts", "one for each cluster, to the letter of its issuer", trusts, wanted)
    app_id = ids["catalog"]["app_id"]
    for name in names:
        found = state["clusters"][name]
        account = _named(found["serviceaccounts"], "store", "catalog")
        day.equal(name, "the ServiceAccount names it", _note(account, _CLIENT_ID), app_id)
        pods = [
            one
            for one in found["pods"]
            if one["metadata"].get("labels", {}).get("app") == "catalog"
        ]
        says = {_variable(one, "AZURE_CLIENT_ID") for one in pods}
        day.equal(name, "every pod runs with it", says, {app_id})
        labels = account["metadata"].get("labels") or {}
        day.equal(name, "the label is on pods, not on the ServiceAccount", labels.get(_USE), None)
    given = [
        one["properties"]["scope"].rpartition("/")[2]
        for one in state["roleAssignments"]
        if one["properties"]["principalId"]
        in (ids["catalog"]["object_id"], ids["receipts"]["object_id"])
    ]
    day.equal("roles", "each has its one role, where it is declared", given, ["stordersprod"] * 2)


async def _drift(day: Day, made: RunSeen, names: list[str]) -> None:
    """Somebody points a ServiceAccount elsewhere, deletes a trust, and adds one of their own."""
    identity = _identities(made)["catalog"]["resource_id"]
    state = await day.control.state()
    prefix = f"{identity}/federatedIdentityCredentials/"
    first = sorted(one["id"] for one in state["resources"] if one["id"].startswith(prefix))[0]
    await _arm(day, "DELETE", first)
    stranger = {
        "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:somebody/else:ref:refs/heads/main",
        "audiences": ["api://AzureADTokenExchange"],
    }
    await _arm(day, "PUT", f"{prefix}helper", {"properties": stranger})
    patch = {"metadata": {"annotations": {_CLIENT_ID: "11111111-2222-4333-8444-555555555555"}}}
    await _kube(day, names[0], "store", "catalog", patch)


async def _owner(day: Day, seed: Json, names: list[str]) -> None:
    """A role by which its holder comes by everything is given to nobody in passing."""
    files = {"receipts.yaml": _receipts(seed, names, "Owner")}
    asked = await day.run("provision_identity", "plan", {"declarations": files})
    keys = [one["key"] for one in asked.document["confirmations"]]
    day.fact(
        "rights",
        "an owner-level role has to be wanted by name",
        holds=len(keys) == 1 and keys[0].startswith("owner-level:receipts:"),
        expected="owner-level:receipts:…",
        actual=keys,
    )
    refused = await day.run("provision_identity", "apply", {"declarations": files})
    day.equal("rights", "without that nothing is done", refused.outcome, "refused")


async def _undone(day: Day, seed: Json, names: list[str]) -> None:
    """Azure refuses its role when its application and its trust are there: so both go again."""
    denied = {"error": {"code": "AuthorizationFailed", "message": "not allowed, for this play"}}
    fault = {"kind": "status", "service": "arm", "method": "PUT", "path": "roleAssignments"}
    await day.control.set_faults([{**fault, "status": 403, "times": 100, "body": denied}])
    before = await day.control.state()
    files = {"reports.yaml": _receipts(seed, names).replace("receipts", "reports")}
    failed = await day.run("provision_identity", "apply", {"declarations": files})
    await day.control.clear_faults()
    day.equal("undo", "what is refused a role has failed", failed.outcome, "failed")
    _same(day, "undo", "and is undone", (before, await day.control.state()))


def _identities(made: RunSeen) -> dict[str, Json]:
    return {one["name"]: one["identity"] for one in made.document["data"]["identities"]}


def _issuer(state: Json, name: str) -> str:
    [found] = [
        one
        for one in state["resources"]
        if one["name"] == name and one["type"].lower().endswith("/managedclusters")
    ]
    return str(found["properties"]["oidcIssuerProfile"].get("issuerURL"))


def _named(found: list[Json], namespace: str, name: str) -> Json:
    where = (namespace, name)
    return next(
        one for one in found if (one["metadata"]["namespace"], one["metadata"]["name"]) == where
    )


def _note(found: Json, name: str) -> object:
    return (found["metadata"].get("annotations") or {}).get(name)


def _variable(pod: Json, name: str) -> object:
    variables = pod["spec"]["containers"][0].get("env") or []
    return next((one.get("value") for one in variables if one["name"] == name), None)


async def _arm(day: Day, method: str, path: str, body: Json | None = None) -> None:
    """As somebody with rights there: the sandbox's one identity that has them."""
    token = await minting.token_for(day.ground, "https://management.azure.com")
    url = f"{day.described['endpoints']['arm']}{path}?api-version=2024-11-30"
    headers = {"Authorization": f"Bearer {token}"}
    answer = await day.ground.http.request(method, url, json=body, headers=headers)
    if not answer.is_success:
        raise DrillError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")


async def _kube(day: Day, cluster: str, namespace: str, account: str, patch: Json) -> None:
    origin = day.described["endpoints"][f"kube-{cluster}"]
    url = f"{origin}/api/v1/namespaces/{namespace}/serviceaccounts/{account}"
    headers = {
        "Authorization": f"Bearer {await minting.cluster_token(day.ground)}",
        "Content-Type": "application/merge-patch+json",
    }
    answer = await day.ground.http.patch(url, json=patch, headers=headers)
    if not answer.is_success:
        raise DrillError(f"PATCH {url}: {answer.status_code} {answer.text[:300]}")
