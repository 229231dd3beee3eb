"""The audit: it finds what was planted, where it lies; what is mended is gone; nothing is touched."""

from drill.options import Json
from drill.quiet.day import Day, RunSeen

SUMMARY = "a tenant grows careless, is audited, is mended in one place, and is audited again"
OPTIONS: tuple[str, ...] = ()
# What a trust of another company's cluster looks like.
_FOREIGN = (
    "https://westeurope.oic.prod-aks.azure.com/0c0ffee0-0000-4000-8000-000000000001"
    "/c0000000-0000-4000-8000-000000000001/"
)
_NOBODY = "0badc0de-0000-4000-8000-000000000001"
_GRAPH = "https://graph.microsoft.com"
_LONG_AGO_DAYS = 89  # the logs go back so far: what is not in them was not used
_SIGN_INS = ("AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")


async def play(day: Day) -> None:
    """A plan, an audit, a mended trust, and an audit again."""
    ids = await _grow_careless(day)
    before = await day.control.normal_state()

    planned = await day.run("audit_identities", "plan")
    audited = await day.run("audit_identities", "apply")

    after = await day.control.normal_state()
    day.equal("tenant", "two audits have changed nothing in it", after, before)
    day.equal("plan", "finds the same as the audit", _keys(planned), _keys(audited))
    for rule, subject in _expected(day, ids).items():
        found = audited.rules().get(rule, [])
        day.fact("finding", rule, holds=subject in found, expected=subject, actual=found)
    criticals = [one for one in audited.document["findings"] if one["severity"] == "critical"]
    mine = {_expected(day, ids)[rule] for rule in ("trust-foreign-tenant", "role-owner-level")}
    day.equal(
        "finding", "critical are those two, and no other", {c["subject"] for c in criticals}, mine
    )
    fixes = [one for one in audited.document["findings"] if not one["fix"]]
    day.equal("finding", "every one has its fix", fixes, [])
    _read_all(day, audited)

    await _mend(day, ids)
    again = await day.run("audit_identities", "apply")
    gone = sorted({one["rule"] for one in again.difference["gone"]})
    # Without a trust nobody signs in as the application through one: it is not a workload's any more.
    mended = ["identity-unused", "trust-foreign-tenant"]
    day.equal("mended", "what was mended is gone, and nothing else", gone, mended)
    day.equal("mended", "nothing is new", again.difference["new"], [])
    await day.people_heard("told of each audit, not of the plan", 2)


async def _grow_careless(day: Day) -> Json:
    """Plant what an audit is for; the ids of it."""
    seeded = day.described["seed"]
    planted = await day.control.seed(
        {
            "applications": [{"displayName": "legacy-sync"}, {"displayName": "partner-feed"}],
            "clusters": {"aks-weu": _objects()},
        }
    )
    made, partner = planted["applications"]
    application = made["application_object_id"]
    partner_id = partner["application_object_id"]
    account, dana = "system:serviceaccount:shop:gone", seeded["users"]["dana"]["object_id"]
    more = await day.control.seed(
        {
            "passwordCredentials": [{"holderId": made["object_id"], "displayName": "hidden"}],
            "federatedCredentials": [
                {"applicationId": holder, "name": name, "issuer": issuer, "subject": account}
                for holder, name, issuer in (
                    (partner_id, "partner", _FOREIGN),
                    (application, "unknown", "https://ci.example.org/"),
                    (application, "gone", seeded["clusters"]["aks-weu"]["issuer"]),
                )
            ],
            "roleAssignments": [
                {
                    "scope": seeded["storage"]["account_id"].split("/resourceGroups/")[0],
                    "role": "Owner",
                    "principalId": made["object_id"],
                }
            ],
            "owners": [{"objectId": partner_id, "ownerId": dana}],
            "logRows": _history(seeded["orders_api"]["object_id"]),
        }
    )
    trusts = [one["id"] for one in more["federatedCredentials"]]
    return {
        **made,
        "partner": partner_id,
        "secret": more["passwordCredentials"][0]["key_id"],
        "trusts": trusts,
        "role": more["roleAssignments"][0]["id"],
    }


def _history(used: str) -> list[Json]:
    """Logs that go back far enough; only one application was signed in as lately."""
    rows: list[Json] = []
    for table in _SIGN_INS:
        row = {"ServicePrincipalId": _NOBODY, "ResultType": "0"}
        rows.append({"table": table, "daysAgo": _LONG_AGO_DAYS, "row": row})
    row = {"ServicePrincipalId": used, "ResultType": "0"}
    rows.append({"table": _SIGN_INS[0], "daysAgo": 2, "row": row})
    rows.append({"table": "AzureActivity", "daysAgo": _LONG_AGO_DAYS, "row": {"Caller": _NOBODY}})
    return rows


def _objects() -> Json:
    """A ServiceAccount that names nobody, and a workload that signs in the old way."""
    secret = {"secretKeyRef": {"name": "legacy-sp", "key": "secret"}}
    env = [{"name": "AZURE_CLIENT_SECRET", "valueFrom": secret}]
    labels = {"app": "legacy"}
    return {
        "serviceaccounts": [
            {
                "metadata": {
                    "name": "lonely",
                    "namespace": "shop",
                    "annotations": {"azure.workload.identity/client-id": _NOBODY},
                }
            }
        ],
        "deployments": [
            {
                "metadata": {"name": "legacy", "namespace": "shop"},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [{"name": "app", "image": "app:1", "env": env}]},
                    },
                },
            }
        ],
    }


def _expected(day: Day, ids: Json) -> dict[str, str]:
    """Rule -> on what it has to be found."""
    cluster = str(day.described["seed"]["clusters"]["aks-weu"]["resource_id"]).lower()
    application = str(ids["application_object_id"])
    holders = (ids["partner"], application, application)
    foreign, unknown, gone = (
        f"{holder}/federatedidentitycredentials/{one}"
        for holder, one in zip(holders, ids["trusts"], strict=True)
    )
    return {
        "trust-foreign-tenant": foreign,
        "trust-unknown-issuer": unknown,
        "trust-no-account": gone,
        "credential-on-principal": f"{application}/credentials/{ids['secret']}",
        "credential-old": f"{application}/credentials/{ids['secret']}",
        "owner-missing": application,
        "role-owner-level": str(ids["role"]).lower(),
        "role-unused": str(ids["role"]).lower(),
        "identity-unused": application,
        "account-unknown-client": f"{cluster}/namespaces/shop/serviceaccounts/lonely",
        "account-without-pods": f"{cluster}/namespaces/shop/serviceaccounts/lonely",
        "secret-mounted": f"{cluster}/namespaces/shop/deployments/legacy",
    }


def _read_all(day: Day, audited: RunSeen) -> None:
    """What was read, by the audit's own count, and what it could not read."""
    read = audited.document["data"]["read"]
    day.equal("reading", "every cluster", read["clusters"], len(day.described["seed"]["clusters"]))
    day.equal("reading", "nothing was left unread", audited.document["unread"], [])


async def _mend(day: Day, ids: Json) -> None:
    """Take the foreign trust away, as its fix says, by the sandbox's own Graph."""
    endpoint = day.described["endpoints"]["graph"]
    token = await day.control.sign_in("dana", _GRAPH)  # who owns it
    trust = f"federatedIdentityCredentials/{ids['trusts'][0]}"
    path = f"/v1.0/applications/{ids['partner']}/{trust}"
    answer = await day.control.http.delete(
        f"{endpoint}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    answer.raise_for_status()


def _keys(seen: RunSeen) -> list[tuple[str, str]]:
    return sorted((one["rule"], one["subject"]) for one in seen.document["findings"])
