"""Checks of what runs: the pods' label, their projected token, their variables, their age. Pure.

Source   https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
         https://azure.github.io/azure-workload-identity/docs/troubleshooting.html
"""

from playbooks.troubleshooting.model import Check, Facts, broken, counted, kubectl, ok, unknown
from playbooks.troubleshooting.pod_fixes import label, restart, restarts
from playbooks.troubleshooting.trust_checks import BINDING_AUDIENCE
from playbooks.troubleshooting.wiring import is_mounted, makers, running, wired, wires_itself
from responders.gitops import sentence
from responders.wired_pods import VARIABLES, ContainerSeen, PodSeen, TemplateSeen

_SHOWN = 5  # pods that are named


def pod_label(facts: Facts) -> Check:
    """The label that the webhook goes by is on the pods, and on what makes them."""
    name, pods, templates = "pod-label", running(facts), makers(facts)
    if not pods and not templates:
        return unknown(name, _nothing(facts))
    if pods and all(wires_itself(one) for one in pods):
        return ok(name, "the pods' own manifest wires them, without the webhook")
    bare = [one for one in templates if one["use_label"] != "true"]
    plain = [one["name"] for one in pods if one["use_label"] != "true"]
    account = facts["wiring"]["account"]
    evidence = ["what runs: " + ", ".join(plain[:_SHOWN])] if plain else []
    if account is not None and account["use_label"] is not None:
        evidence.append("the label is on the ServiceAccount, where it does nothing")
    evidence += [sentence(one["owner"]) for one in bare if one["owner"] is not None]
    if bare:
        names = ", ".join(f"{one['kind']}/{one['name']}" for one in bare)
        found = f'the pod template of {names} has no label azure.workload.identity/use: "true"'
        return broken(name, found, label(facts, bare), evidence=evidence)
    if plain:
        without = [one for one in pods if one["use_label"] != "true"]
        found = f'{_pods(len(plain))} no label azure.workload.identity/use: "true"'
        return broken(name, found, restarts(facts, without), evidence=evidence)
    return ok(
        name,
        f"{_pods(len(pods))} the label, and it is on {counted(len(templates), 'pod template')}",
    )


def token_volume(facts: Facts) -> Check:
    """A token for Entra is projected into every pod, by its audience: the path has moved, and may again."""
    name, pods = "token-volume", running(facts)
    if not pods:
        return unknown(name, _nothing(facts))
    for one in pods:
        wanted = BINDING_AUDIENCE if one["binds"] else facts["audience"]
        if not one["tokens"]:
            found = f"no ServiceAccount token for Entra is projected into pod {one['name']}: {_because(one)}"
            return broken(name, found, restart(facts, one))
        if wanted not in {token["audience"] for token in one["tokens"]}:
            has = ", ".join(sorted({token["audience"] for token in one["tokens"]}))
            found = f"the token of pod {one['name']} is for {has}, and Entra here takes {wanted}"
            return broken(name, found, _audience(one, wanted), evidence=[_maker(one)])
        volumes = {token["volume"] for token in one["tokens"]}
        if lost := [each["name"] for each in wired(one) if not volumes & each["mounts"].keys()]:
            found = f"{one['name']}: its token is not mounted in {', '.join(lost)}"
            return broken(name, found, restart(facts, one))
    lives = sorted({token["expires_s"] for one in pods for token in one["tokens"]})
    paths = sorted({token["path"] for one in pods for token in one["tokens"]})
    said = f"{_pods(len(pods))} a token for Entra, of {', '.join(f'{one} s' for one in lives)}"
    return ok(name, said, paths)


def environment(facts: Facts) -> Check:
    """The variables that libraries read are there, and nobody else set them."""
    name, pods = "environment", running(facts)
    if not pods:
        return unknown(name, _nothing(facts))
    for maker in makers(facts) if not all(wires_itself(one) for one in pods) else []:
        if wrong := _hard_coded(facts, maker):
            return wrong
    for one in pods:
        for each in wired(one):
            if wrong := _variables(facts, one, each):
                return wrong
    skipped = sorted(
        {each["name"] for one in pods for each in one["containers"] if each["skipped"]}
    )
    evidence = [f"the pods ask the webhook to pass {', '.join(skipped)} by"] if skipped else []
    return ok(name, f"{_pods(len(pods))} the webhook's variables", evidence)


def replica_age(facts: Facts) -> Check:
    """Every pod started after its ServiceAccount last changed: variables are set when a pod starts, and never again."""
    name, pods, account = "replica-age", running(facts), facts["wiring"]["account"]
    if not pods or account is None or not account["client_id"]:
        return unknown(
            name, _nothing(facts) if not pods else "the ServiceAccount names no client id"
        )
    wanted = account["client_id"].strip().lower()
    stale = [one for one in pods if client_ids(facts, one) - {wanted}]
    if stale:
        since = account["named_since"] or "a moment that the cluster does not tell"
        evidence = [
            f"{one['name']}, started {one['created']}, has {', '.join(sorted(client_ids(facts, one)))}"
            for one in stale[:_SHOWN]
        ]
        found = f"{_pods(len(stale))} a client id from before {since}"
        return broken(name, found, restarts(facts, stale), evidence=evidence)
    return ok(name, f"{_pods(len(pods))} the client id that the ServiceAccount names")


def _nothing(facts: Facts) -> str:
    """Why there is no pod to look at."""
    unread = facts["wiring"]["unread"]
    if why := unread.get("its pods"):
        return f"its pods could not be read: {why}"
    refused = [said for one in facts["wiring"]["templates"] for said in one["refusals"]]
    if refused:
        return f"no pod comes up: {refused[0]}"
    return f"nothing runs as {facts['wiring']['namespace']}/{facts['wiring']['name']}"


def _because(pod: PodSeen) -> str:
    if pod["use_label"] != "true":
        return "the webhook passes it by, since it has no label"
    return "it has the label, so the webhook was not there when it started"


def _audience(pod: PodSeen, wanted: str) -> str:
    """Whoever wrote that volume has to mend it: nothing of it is the webhook's."""
    maker = pod["made_by"] or f"Pod/{pod['name']}"
    return (
        f"set audience: {wanted} in the projected volume of {maker}, or take the volume out of the manifest and let "
        "the webhook project it"
    )


def _maker(pod: PodSeen) -> str:
    return f"{pod['name']} is of {pod['made_by']}" if pod["made_by"] else "it is a bare pod"


def client_ids(facts: Facts, pod: PodSeen) -> set[str]:
    """Those that it was started with, by its ServiceAccount; what its template says itself is another check's."""
    own = [
        one["named"] for one in makers(facts) if f"{one['kind']}/{one['name']}" == pod["made_by"]
    ]
    said = (
        one["variables"].get("AZURE_CLIENT_ID")
        for one in wired(pod)
        if not any(one["name"] in named for named in own)
    )
    return {one.strip().lower() for one in said if one}


def _pods(count: int) -> str:
    return "1 pod has" if count == 1 else f"{count} pods have"


def _hard_coded(facts: Facts, template: TemplateSeen) -> Check | None:
    """A client id in the template wins over the ServiceAccount's: the webhook overwrites nothing."""
    account = facts["wiring"]["account"]
    wanted = ((account and account["client_id"]) or "").strip().lower()
    wrong = {name: said for name, said in template["named"].items() if said.lower() != wanted}
    if not wrong:
        return None
    container, said = next(iter(wrong.items()))
    maker = f"{template['kind']}/{template['name']}"
    what = said or "a value that it takes from elsewhere"
    evidence = [sentence(template["owner"])] if template["owner"] is not None else []
    return broken(
        "environment",
        f"{maker} sets AZURE_CLIENT_ID to {what} in container {container}, which the webhook does not overwrite",
        f"{kubectl(facts)} set env {maker.lower()} -c {container} AZURE_CLIENT_ID-",
        evidence=evidence,
    )


def _variables(facts: Facts, pod: PodSeen, container: ContainerSeen) -> Check | None:
    """What is wrong with the variables of one container."""
    where, said = f"{pod['name']}/{container['name']}", container["variables"]
    if missing := [one for one in VARIABLES if one not in said]:
        found = f"{where} has no {', '.join(missing)}: {_because(pod)}"
        return broken("environment", found, restart(facts, pod))
    tenant, authority = said["AZURE_TENANT_ID"], said["AZURE_AUTHORITY_HOST"]
    if tenant is not None and tenant.lower() != facts["tenant_id"].lower():
        found = f"{where} asks tenant {tenant[:80]}, and the identity is in {facts['tenant_id']}"
        return broken("environment", found, restart(facts, pod))
    if authority is not None and authority.rstrip("/") != facts["authority"].rstrip("/"):
        found = f"{where} asks {authority[:80]}, and this cloud's authority is {facts['authority']}"
        return broken("environment", found, restart(facts, pod))
    file = said["AZURE_FEDERATED_TOKEN_FILE"]
    if file is not None and pod["tokens"] and not is_mounted(pod, container, file):
        found = f"{where} reads its token from {file[:200]}, where none is mounted"
        return broken("environment", found, restart(facts, pod))
    if container["has_secret"]:
        return broken(
            "environment",
            f"{where} has AZURE_CLIENT_SECRET too, which DefaultAzureCredential uses before workload identity",
            f"{kubectl(facts)} set env {(pod['made_by'] or 'pod/' + pod['name']).lower()} -c {container['name']} "
            "AZURE_CLIENT_SECRET-",
            evidence=[
                "https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains"
            ],
            severity="medium",
        )
    return None
