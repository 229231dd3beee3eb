"""Responder: whether a ServiceAccount is the new identity: it gets a token, and the token opens something protected.

Stops    nothing
Leaves   a real token, where Entra says yes: it is dropped here and expires by itself
Undo     none needed
Needs    serviceaccounts/token: create
Source   https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
         https://learn.microsoft.com/azure/role-based-access-control/troubleshooting

It asks through the responders of token exchange and of reads, which is why it may import them.
"""

from responders import resource_reads, token_exchange
from responders.cloud import Cloud
from responders.kube import Kube
from responders.model import StepResult
from responders.resource_reads import Read
from responders.token_exchange import Account

_OK = 200
_NOT_YET = {401, 403}


async def prove(cloud: Cloud, kube: Kube, account: Account, read: Read | None) -> StepResult:
    """Done when both hold; failed while not yet: trusts take minutes to be seen, roles up to ten."""
    who = f"{account.namespace}/{account.name}"
    if read is None:
        verdict = await token_exchange.probe(
            cloud, kube, account.namespace, account.name, account.client_id
        )
        status: int | None = None
    else:
        verdict, status = await token_exchange.use(
            cloud,
            kube,
            account,
            read.scope,
            lambda token: resource_reads.attempt(cloud, read, token),
        )
    if not verdict["accepted"]:
        return {"status": "failed", "detail": f"{who}: AADSTS{verdict['error_code']}"}
    if read is None:
        nothing = "no protected resource to read: proven by token only"
        return {"status": "done", "detail": f"{who} gets a token; {nothing}"}
    if status == _OK:
        return {"status": "done", "detail": f"{who} gets a token and reads {read.what}"}
    said = f"{who} gets a token, but {read.what} answers {status}"
    if status in _NOT_YET:
        return {"status": "failed", "detail": f"{said}: not yet, a role takes up to ten minutes"}
    return {"status": "failed", "detail": f"{said}: that is neither a yes nor a no"}
