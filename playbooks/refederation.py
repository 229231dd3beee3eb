"""How the new identity's trusts are made safe against ServiceAccount tokens that were stolen before. Pure.

Entra checks signature and claims of a ServiceAccount token and never asks the API server, so a stolen one stays good
until it expires; a new identity that trusts the same issuer and subject is its holder's as well.
https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from collections.abc import Sequence
from datetime import timedelta

from playbooks.orders import Json
from playbooks.plan_model import ClusterPlan, Confirmation, Method, Plan, Refederation
from playbooks.vectors import Judgement
from responders.surveys import Survey

# What is projected where nobody says otherwise; AKS gives no token a longer life than a day.
# https://learn.microsoft.com/azure/aks/workload-identity-overview
_DEFAULT_S, LONGEST_S = 3600, 24 * 3600
ACCEPT_RISK = "accept-risk"
REQUESTED = "request-tokens"
_SHOWN = 10  # holders of a right that are named in one sentence

# https://learn.microsoft.com/azure/aks/use-oidc-issuer#rotate-the-oidc-key
_AKS_SAYS = (
    'AKS says: "Both old and new keys remain valid for 24 hours after rotation", and "to invalidate the old key '
    "immediately after key rotation, you must rotate the OIDC key twice and restart the pods using projected "
    'service account tokens"'
)
_EXPLAINED: dict[Method, str] = {
    "new_subject": "Every ServiceAccount gets a successor under a new name: a stolen token fits no trust of the new "
    "identity, at once and for good",
    "wait_out": "ServiceAccounts keep their names. The new identity trusts nobody until {longest} after the last pod "
    "was stopped, when the last token of before has expired; the workloads stand still for so long",
    "rotate_keys": "ServiceAccounts keep their names. Every cluster's signing keys are rotated twice, which ends all "
    "of its ServiceAccount tokens, and every workload there that uses such tokens is restarted. {aks}. When "
    "Entra forgets a key is not documented: the new identity trusts nobody before the published keys have aged out",
    "accept_risk": "ServiceAccounts keep their names, and nothing is done against stolen tokens: until {longest} "
    "after the last pod was stopped, whoever holds one can sign in as the new identity",
}


def keeps_subject(method: Method) -> bool:
    """Whether ServiceAccounts keep their names, so that a token from before names a trusted subject."""
    return method != "new_subject"


def method_of(policy: Json, judged: Judgement) -> Method:
    """What the policy says for this vector."""
    method: Method = policy["recovery"]["refederation"][judged["vector"]]
    return method


def choose(policy: Json, judged: Judgement, clusters: Sequence[ClusterPlan]) -> Refederation:
    """The method for this vector, and what it means for these clusters."""
    method = method_of(policy, judged)
    longest, why = _longest(judged, [one["survey"] for one in clusters if one["acts"]])
    explained = _EXPLAINED[method].format(longest=_hours(longest), aks=_AKS_SAYS)
    return {
        "vector": judged["vector"],
        "because": judged["because"],
        "method": method,
        "explained": f"{explained}. Longest life of a stolen token: {_hours(longest)}, {why}. "
        f"{_who_mints([one['survey'] for one in clusters if one['acts']])}",
        "longest_token_s": longest,
    }


def confirmations(chosen: Refederation, clusters: Sequence[ClusterPlan]) -> list[Confirmation]:
    """What a consent has to name one by one, or it is none."""
    acting = [one for one in clusters if one["acts"]]
    wanted = _requesters([one["survey"] for one in acting])
    if chosen["method"] == "rotate_keys":
        wanted += [_restart_of(one) for one in acting]
    if chosen["method"] == "accept_risk":
        wanted += [_risk(chosen, acting)]
    return wanted


def _requesters(surveys: Sequence[Survey]) -> list[Confirmation]:
    """No method keeps out whoever may request a token at any time: that this is nobody bad is a person's word."""
    open_to = [one for one in surveys if one.get("minters") is None or one.get("minters")]
    if not open_to:
        return []
    return [
        {
            "key": REQUESTED,
            "sentence": "Risk accepted: whoever may request tokens for these ServiceAccounts can sign in as the new "
            f"identity at any time, whatever is done about stolen ones. {_who_mints(open_to)}",
        }
    ]


def lines(plan: Plan, consent: Json | None = None) -> list[str]:
    """For a card and the report: how they got in, what is done about it, what it leaves, and who took that on."""
    chosen = plan["refederation"]
    return [
        f"Vector: {chosen['vector']}: {chosen['because']}",
        f"Re-federation: {chosen['method']}: {chosen['explained']}",
        *(
            f"{_taken_on(one['key'], consent or {})}: {one['sentence']}"
            for one in plan["confirmations"]
        ),
    ]


def _taken_on(key: str, consent: Json) -> str:
    if consent.get("decision") == "grant" and key in consent.get("confirmed", []):
        return f"Confirmed by {consent.get('approver', {}).get('name', 'a person')}"
    return f"To confirm ({key})"


def _restart_of(cluster: ClusterPlan) -> Confirmation:
    name = cluster["survey"]["cluster"]["name"]
    return {
        "key": f"rotate-keys-{name}",
        "sentence": f"Cluster {name}: its signing keys are rotated twice. Every ServiceAccount token there, also of "
        "other teams, is refused by Entra from then on, and every workload whose pods use such tokens is restarted",
    }


def _risk(chosen: Refederation, clusters: Sequence[ClusterPlan]) -> Confirmation:
    subjects = ", ".join(
        f"{one['cluster']} {one['namespace']}/{one['name']}"
        for part in clusters
        for one in part["service_accounts"]
    )
    return {
        "key": ACCEPT_RISK,
        "sentence": f"Risk accepted: whoever holds a token of {subjects} from before the eviction can sign in as the "
        f"new identity until it expires, at most {_hours(chosen['longest_token_s'])} after the last pod was stopped",
    }


def _longest(judged: Judgement, surveys: Sequence[Survey]) -> tuple[int, str]:
    """Seconds, and why. Where tokens can be requested, it is the longest that can be asked for."""
    if judged["requested"]:
        return LONGEST_S, f"the longest that can be requested, because {judged['requested']}"
    for survey in surveys:
        if (minters := survey.get("minters")) is None:
            name = survey["cluster"]["name"]
            return LONGEST_S, f"because who may request tokens in {name} is not known"
        if minters:
            return LONGEST_S, "the longest that can be requested, because others may request tokens"
    lives = [
        one.get("longest_token_s", _DEFAULT_S) for part in surveys for one in part["workloads"]
    ]
    return min(max(lives, default=_DEFAULT_S), LONGEST_S), "as projected into its pods"


def _who_mints(surveys: Sequence[Survey]) -> str:
    """Who may still request tokens: no method shuts those out, their rights are a person's to take."""
    known = [
        f"{survey['cluster']['name']}: {named(one)}"
        for survey in surveys
        for one in survey.get("minters") or []
    ]
    unknown = [one["cluster"]["name"] for one in surveys if one.get("minters") is None]
    said = []
    if known:
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        said.append(
            f"It leaves whoever may request tokens for these ServiceAccounts, or comes by them otherwise: "
            f"{'; '.join(known[:_SHOWN])}{more}"
        )
    if unknown:
        said.append(f"Who may request tokens is not known in {', '.join(unknown)}")
    return ". ".join(said) or "Nobody else may request tokens for these ServiceAccounts"


def named(holder: Json) -> str:
    """Who it is, by which right, and what that right lets them do."""
    how = f" ({holder['how']})" if holder.get("how") else ""
    return f"{holder['who']} by {holder['binding']}{how}"


def _hours(seconds: int) -> str:
    return (
        str(timedelta(seconds=seconds)).removeprefix("0:").removesuffix(":00")
        if seconds % 3600
        else (f"{seconds // 3600} h")
    )
