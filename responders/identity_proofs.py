"""Responder: whether a ServiceAccount is the new identity: it gets a token, and the token opens something protected.

Stops    nothing
Leaves   a real token, where Entra says yes: it is dropped here and expires by itself
Undo     none needed
Needs    what token_exchange.py needs
Source   https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
         https://learn.microsoft.com/azure/role-based-access-control/troubleshooting

It asks through the responders of token exchange and of reads, which is why it may import them.
"""

from collections.abc import Sequence

from responders import resource_reads, token_exchange
from responders.cloud import Cloud
from responders.kube import Kube
from responders.model import StepResult
from responders.resource_reads import Read
from responders.token_exchange import Account
from responders.token_proofs import REFUSALS


async def prove(cloud: Cloud, kube: Kube, account: Account, reads: Sequence[Read]) -> StepResult:
    """Done when both hold; failed while not yet: trusts take minutes to be seen, roles up to ten.

    A resource whose network keeps Firebreak out is passed over, and said: the next one may do.
    """
    who = f"{account.namespace}/{account.name}"
    shut: list[str] = []
    for read in reads:
        verdict, said = await token_exchange.use(
            cloud,
            kube,
            account,
            read.scope,
            lambda token, read=read: resource_reads.attempt(cloud, read, token),  # type: ignore[misc]
        )
        if not verdict["accepted"]:
            return {"status": "failed", "detail": f"{who}: AADSTS{verdict['error_code']}"}
        if said == "yes":
            return {"status": "done", "detail": f"{who} gets a token and reads {read.what}"}
        if said == "not yet":
            late = f"{read.what} is refused to it: not yet, a role takes up to ten minutes"
            return {"status": "failed", "detail": f"{who} gets a token, but {late}"}
        shut.append(read.what)
    return await _by_token(cloud, kube, account, shut)


async def _by_token(cloud: Cloud, kube: Kube, account: Account, shut: list[str]) -> StepResult:
    """Where nothing can be read from here: what Entra says, and that it is all."""
    who = f"{account.namespace}/{account.name}"
    verdict = await token_exchange.probe(
        cloud, kube, account.namespace, account.name, account.client_id
    )
    if not verdict["accepted"]:
        return {"status": "failed", "detail": f"{who}: AADSTS{verdict['error_code']}"}
    why = "no protected resource to read"
    if shut:
        why = f"the network of {', '.join(shut)} keeps Firebreak out"
    return {"status": "done", "detail": f"{who} gets a token; {why}: proven by token only"}


async def refused(cloud: Cloud, kube: Kube, account: Account) -> StepResult:
    """Done where a ServiceAccount opens nothing any more; failed while it does, or while nothing clear is said."""
    verdict = await token_exchange.probe(
        cloud, kube, account.namespace, account.name, account.client_id
    )
    who = f"{account.namespace}/{account.name} for {account.client_id}"
    if verdict["accepted"]:
        return {"status": "failed", "detail": f"{who}: a token was issued"}
    if verdict["error_code"] not in REFUSALS:
        return {"status": "failed", "detail": f"{who}: AADSTS{verdict['error_code']} is no refusal"}
    return {"status": "done", "detail": f"{who}: AADSTS{verdict['error_code']}"}
