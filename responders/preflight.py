"""Responder: can Firebreak do in this cluster what an incident will ask of it, and will pods start.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    what identity_webhooks.py needs; every user may ask what it is allowed
Source   https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
         https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from responders import identity_webhooks
from responders.errors import NotFoundError, RefusedError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, StepResult
from responders.settings import Hand

# Everything under "Needs" in the responders that work in a cluster; a test compares.
NEEDED: dict[str, tuple[str, ...]] = {
    "serviceaccounts": ("get", "list", "create", "patch"),
    "serviceaccounts/token": ("create",),
    "pods": ("list", "delete"),
    "pods/log": ("get",),
    "deployments.apps": ("get", "list", "patch"),
    "statefulsets.apps": ("get", "list", "patch"),
    "daemonsets.apps": ("get", "list", "patch"),
    "replicasets.apps": ("get", "list", "patch"),
    "jobs.batch": ("get", "list", "patch"),
    "cronjobs.batch": ("get", "list", "patch"),
    "networkpolicies.networking.k8s.io": ("get", "list", "create", "delete"),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": ("list",),
    "endpointslices.discovery.k8s.io": ("list",),
    "roles.rbac.authorization.k8s.io": ("list",),
    "clusterroles.rbac.authorization.k8s.io": ("list",),
    "rolebindings.rbac.authorization.k8s.io": ("list",),
    "clusterrolebindings.rbac.authorization.k8s.io": ("list",),
}

# Whether these are allowed shows in what is done with them here, in the namespace where it counts.
_TRIED = {
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "endpointslices.discovery.k8s.io",
}

# Everything under "Wants": a survey that may not list these is still one, and says what it could not read.
WANTED: dict[str, tuple[str, ...]] = {
    "poddisruptionbudgets.policy": ("list",),
    "configmaps": ("list", "get", "patch"),
    "persistentvolumes": ("list",),
    "persistentvolumeclaims": ("list",),
    "storageclasses.storage.k8s.io": ("list",),
    "secretproviderclasses.secrets-store.csi.x-k8s.io": ("list", "get", "patch"),
    "triggerauthentications.keda.sh": ("list", "get", "patch"),
    "clustertriggerauthentications.keda.sh": ("list", "get", "patch"),
    "scaledobjects.keda.sh": ("list",),
    "scaledjobs.keda.sh": ("list",),
    "rollouts.argoproj.io": ("list", "get", "patch"),
    "rollouts.argoproj.io/status": ("patch",),
}

# Of GitOps controllers, where policy.toml [recovery] gitops is "suspend" and they own what is moved.
IF_SUSPENDED: dict[str, tuple[str, ...]] = {
    "kustomizations.kustomize.toolkit.fluxcd.io": ("get", "patch"),
    "helmreleases.helm.toolkit.fluxcd.io": ("get", "patch"),
    "applications.argoproj.io": ("get", "patch"),
}

_MADE = Path(__file__).parent / "permissions.json"  # of every responder's NEEDS; see permissions/

Question = tuple[str, str, str]  # verb, resource, and the namespace that it is asked of
_Rules = tuple[str, list[Json]]  # of a namespace


async def check(
    kube: Kube,
    namespaces: Sequence[str] = (),
    more: Sequence[Question] = (),
    *,
    acting: Kube | None = None,
) -> StepResult:
    """Done when every verb is allowed and the webhook is ready; refused with what is missing.

    With namespaces it is enough that a verb is allowed in each of these. `more` is what this plan needs beyond what
    every plan does. `acting` is the cluster as the identity sees it that changes something there, where that is another
    one than reads it: each is asked for its own.

    The webhook fails closed: while it is down, a restarted workload gets no pods at all.
    """
    needed = {name: verbs for name, verbs in NEEDED.items() if name not in _TRIED}
    if acting is None:
        parts = [_lacking(kube, needed, namespaces, more)]
    else:
        parts = [
            _lacking(kube, reads(needed), namespaces),
            _lacking(acting, changes(needed), namespaces, more),
        ]
    webhook, answers = await asyncio.gather(_webhook(kube), asyncio.gather(*parts))
    lacking = list(dict.fromkeys(one for answer in answers for one in answer))
    problems = []
    if lacking:
        problems.append(
            f"{kube.cluster}: not allowed: {', '.join(lacking)}: {how_to_allow(lacking)}"
        )
    if webhook:
        problems.append(webhook)
    if problems:
        items: list[Json] = [{"missing": one} for one in lacking]
        return {"status": "refused", "detail": ". ".join(problems), "items": items}
    return {
        "status": "done",
        "detail": f"{kube.cluster}: every verb is allowed, the webhook serves",
    }


async def _lacking(
    kube: Kube,
    wanted: Mapping[str, Sequence[str]],
    namespaces: Sequence[str],
    more: Sequence[Question] = (),
) -> list[str]:
    """As "verb resource", what this identity may not do."""
    questions = _questions(wanted)
    rules = await asyncio.gather(*(_rules_in(kube, one) for one in namespaces))
    answers = await asyncio.gather(
        *(_is_allowed_enough(kube, *question, rules) for question in questions),
        *(_is_allowed(kube, resource, verb, namespace) for verb, resource, namespace in more),
    )
    asked = [f"{verb} {resource}" for resource, verb in questions]
    asked += [f"{verb} {resource}" for verb, resource, _ in more]
    return [one for one, allowed in zip(asked, answers, strict=True) if not allowed]


def reads(wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Of these, what is asked of the identity that only looks, and proves."""
    return _asked_of("containment", wanted)


def changes(wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Of these, what is asked of the identity that acts, which looks before it changes something."""
    return _asked_of("rebuild", wanted)


def _asked_of(hand: Hand, wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    needed = _needed_by(hand)
    found = {
        name: tuple(one for one in verbs if one in needed.get(name, ()))
        for name, verbs in wanted.items()
    }
    return {name: verbs for name, verbs in found.items() if verbs}


@cache
def _needed_by(hand: Hand) -> dict[str, set[str]]:
    """By resource, the verbs that this identity is granted where a deployment goes by what is written."""
    found: dict[str, set[str]] = {}
    for rule in json.loads(_MADE.read_text(encoding="utf-8"))["hands"][hand]["cluster"]:
        for path in rule["nonResourceURLs"]:
            found.setdefault(path, set()).update(rule["verbs"])
        for resource in rule["resources"]:
            plural, slash, subresource = resource.partition("/")
            group = "".join(f".{one}" for one in rule["apiGroups"] if one)
            found.setdefault(f"{plural}{group}{slash}{subresource}", set()).update(rule["verbs"])
    return found


async def denied(kube: Kube, questions: Sequence[Question]) -> str:
    """Which of these Firebreak may not do, with the commands that allow it; "" where it may do all."""
    answers = await asyncio.gather(
        *(_is_allowed(kube, resource, verb, namespace) for verb, resource, namespace in questions)
    )
    lacking = [
        f"{verb} {resource}"
        for (verb, resource, _), allowed in zip(questions, answers, strict=True)
        if not allowed
    ]
    if not lacking:
        return ""
    lacking = list(dict.fromkeys(lacking))
    return f"{kube.cluster}: not allowed: {', '.join(lacking)}: {how_to_allow(lacking)}"


async def webhook_problem(kube: Kube) -> str:
    """Why pods of this cluster would get no identity, or would not start; "" where they would."""
    return await _webhook(kube)


async def missing(kube: Kube, wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """Of these resources and verbs what we may not do everywhere in the cluster, as "verb resource"."""
    questions = _questions(wanted)
    answers = await asyncio.gather(*(_is_allowed(kube, *question) for question in questions))
    return [
        f"{verb} {resource}"
        for (resource, verb), allowed in zip(questions, answers, strict=True)
        if not allowed
    ]


def how_to_allow(missing: Sequence[str]) -> str:
    """One command per verb, for a cluster administrator."""
    by_verb: dict[str, list[str]] = {}
    for one in missing:
        verb, _, resource = one.partition(" ")
        by_verb.setdefault(verb, []).append(resource)
    roles = [
        f"kubectl create clusterrole firebreak-{verb} --verb={verb} --resource={','.join(nouns)}"
        for verb, nouns in by_verb.items()
    ]
    bind = "and bind each to Firebreak's object id: kubectl create clusterrolebinding --user=..."
    return f"{'; '.join(roles)}; {bind}"


def _questions(wanted: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [(resource, verb) for resource, verbs in wanted.items() for verb in verbs]


async def _is_allowed_enough(kube: Kube, resource: str, verb: str, rules: Sequence[_Rules]) -> bool:
    """In each namespace that was named, by its rules or by one more question; else everywhere.

    A rule that is listed is a right. One that is not proves nothing: authorizers other than RBAC may keep theirs.
    """
    if not rules or resource.startswith("cluster"):
        return await _is_allowed(kube, resource, verb)
    open_in = [
        one for one, listed in rules if not any(_permits(rule, resource, verb) for rule in listed)
    ]
    if not open_in or await _is_allowed(kube, resource, verb):
        return True
    answers = await asyncio.gather(*(_is_allowed(kube, resource, verb, one) for one in open_in))
    return all(answers)


async def rules_in(kube: Kube, namespace: str) -> list[Json]:
    """What the API server lists of our rights there: a binding of the cluster's shows in every namespace."""
    return (await _rules_in(kube, namespace))[1]


async def _rules_in(kube: Kube, namespace: str) -> _Rules:
    """What we may do there, as far as the API server can list it: one question instead of thirty."""
    review: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = await kube.ask(path_of("selfsubjectrulesreviews"), review)
    return namespace, answer["status"].get("resourceRules") or []


def _permits(rule: Json, resource: str, verb: str) -> bool:
    """Whether a rule gives the verb on every object.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
    """
    noun, _, subresource = resource.partition("/")
    plural, _, group = noun.partition(".")
    names = {"*", f"{plural}/{subresource}" if subresource else plural}
    names |= {f"*/{subresource}"} if subresource else set()
    return (
        not rule.get("resourceNames")
        and bool({verb, "*"} & set(rule.get("verbs") or []))
        and bool({group, "*"} & set(rule.get("apiGroups") or []))
        and bool(names & set(rule.get("resources") or []))
    )


async def _is_allowed(kube: Kube, resource: str, verb: str, namespace: str = "") -> bool:
    """One review."""
    review: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": _attributes(resource, verb, namespace),
    }
    answer = await kube.ask(path_of("selfsubjectaccessreviews"), review)
    return bool(answer["status"].get("allowed"))


def _attributes(resource: str, verb: str, namespace: str) -> Json:
    if resource.startswith("/"):
        return {"nonResourceAttributes": {"path": resource, "verb": verb}}
    noun, _, subresource = resource.partition("/")
    plural, _, group = noun.partition(".")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
    attributes["namespace"] = namespace
    return {"resourceAttributes": {name: value for name, value in attributes.items() if value}}


async def _webhook(kube: Kube) -> str:
    """What is wrong with it, where that may be asked."""
    try:
        return await identity_webhooks.problem(kube)
    except (NotFoundError, RefusedError) as error:
        return f"{kube.cluster}: whether the workload identity webhook serves is not known: {error}"
