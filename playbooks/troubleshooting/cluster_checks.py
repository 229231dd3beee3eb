"""Checks of the cluster: its switches, its webhook, its issuer's keys. Pure.

Source   https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster
         https://learn.microsoft.com/azure/aks/use-oidc-issuer
"""

from playbooks.troubleshooting.model import Check, Facts, broken, ok, unknown


def switches(facts: Facts) -> Check:
    """OIDC issuer and workload identity are on."""
    cluster = facts["cluster"]
    name, update = cluster["name"], f"az aks update --ids {cluster['resource_id']}"
    if not cluster["issuer_url"]:
        fix = f"{update} --enable-oidc-issuer --enable-workload-identity"
        return broken("cluster", f"{name} has no OIDC issuer, so nothing can trust its tokens", fix)
    if facts["injects"] is None:
        why = facts["unread"].get("the cluster", "it was not read")
        return unknown("cluster", f"whether {name} has workload identity switched on: {why}")
    if not facts["injects"]:
        found = f"{name} has workload identity switched off, so no pod gets an identity"
        return broken("cluster", found, f"{update} --enable-workload-identity")
    return ok(
        "cluster", f"{name} has its OIDC issuer and workload identity on", [cluster["issuer_url"]]
    )


def webhook(facts: Facts) -> Check:
    """The webhook is registered and answers."""
    problem = facts["webhook"]
    if problem is None:
        return unknown("webhook", facts["unread"].get("the webhook", "it was not read"))
    if not problem:
        return ok(
            "webhook", "the workload identity webhook is registered, and a pod of it is ready"
        )
    found, _, look = problem.rpartition(": ")
    refused = [said for one in facts["wiring"]["templates"] for said in one["refusals"]]
    where = f"kubectl --context {facts['cluster']['name']} -n kube-system"
    fix = (
        f"az aks update --ids {facts['cluster']['resource_id']} --enable-workload-identity"
        if "is registered, so" in found or "CA bundle" in found
        else f"{where} rollout restart deployment/azure-wi-webhook-controller-manager"
    )
    return broken("webhook", found or problem, fix, evidence=[look, *refused])


def issuer_keys(facts: Facts) -> Check:
    """Entra can read the issuer's documents, and they have the keys that sign."""
    cluster = facts["cluster"]
    if not cluster["issuer_url"]:
        return unknown("issuer-keys", f"{cluster['name']} has no OIDC issuer")
    if facts["keys"] is None:
        why = facts["unread"].get("the issuer's keys", "they were not read")
        look = f"curl {cluster['issuer_url']}.well-known/openid-configuration"
        return unknown("issuer-keys", f"the issuer's keys could not be compared: {why}", look)
    if facts["keys"]:
        return broken(
            "issuer-keys",
            f"the issuer's documents are not those of {cluster['name']}'s API server: {facts['keys']}",
            f"az aks update --ids {cluster['resource_id']}  # reconciles it; else a support request",
            evidence=["a rotation takes a while to be published"],
        )
    return ok("issuer-keys", "the issuer publishes the keys that the API server signs with")
