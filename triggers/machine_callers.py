"""How a machine that sends signals is known: by a function key, which the platform checks, or by an Entra token.

A key lies in many configurations, so what comes with one contains at most; a token says who sent it.
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
"""

import azure.functions as func

from responders.model import Authenticated
from triggers import people
from triggers.people import NotAllowedError, NotSignedInError

# "AzNS AAD Webhook": what Azure Monitor's action groups sign in as, in every tenant, and the role that Microsoft's
# script gives it on the API of the webhook.
ACTION_GROUPS = "461e8683-5575-4561-ac7f-899cc907d62a"
ACTION_GROUPS_ROLE = "ActionGroupsSecureWebhook"


async def known_by(req: func.HttpRequest, *, by_key: bool, action_groups: bool) -> Authenticated:
    """A token where one was sent and is good, else a key where the platform has checked one.

    A token that is sent beside a key has to be good, too. `action_groups`: whether Azure Monitor is a sender here.
    Raises `NotSignedInError`, `NotAllowedError`, or `ResponderError` where nobody can say.
    """
    if by_key and not _has_token(req):
        return "key"
    sender = await people.caller(req)
    if not sender.is_application:
        raise NotAllowedError(
            f"{sender.name} is a person: POST api/incidents is the way for people"
        )
    if action_groups and sender.app_id == ACTION_GROUPS and ACTION_GROUPS_ROLE in sender.roles:
        return "token"
    if people.RESPOND in sender.roles:
        return "token"
    role = f"{ACTION_GROUPS_ROLE} or {people.RESPOND}" if action_groups else people.RESPOND
    raise NotAllowedError(f"{sender.name} does not hold the app role {role}")


def _has_token(req: func.HttpRequest) -> bool:
    return str(req.headers.get("Authorization", "")).lower().startswith("bearer ")


__all__ = ["ACTION_GROUPS", "NotAllowedError", "NotSignedInError", "known_by"]
