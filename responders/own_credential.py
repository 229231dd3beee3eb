"""Who the app is when it calls: its managed identities, or on a responder's machine whoever ran `az login`.

https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
"""

from typing import TYPE_CHECKING

from responders.settings import Hand, Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

# The Azure CLI starts a Python of its own for each token, on a machine that may be busy.
_CLI_S = 30


def asynchronous(
    settings: Settings, hand: Hand = "containment"
) -> "ManagedIdentityCredential | AzureCliCredential":
    """For the clients of an event loop. No chain: a credential that was not meant must never be tried."""
    from azure.identity import aio  # noqa: PLC0415  loaded with the first call, not with the app

    if settings.credential == "azure-cli":
        return aio.AzureCliCredential(tenant_id=settings.tenant_id, process_timeout=_CLI_S)
    own = settings.rebuild_client_id if hand == "rebuild" else settings.client_id
    return aio.ManagedIdentityCredential(client_id=own)


def synchronous(settings: Settings) -> "TokenCredential":
    """For the storage SDK, which is called from threads: the evidence is containment's, whoever acts."""
    from azure import identity  # noqa: PLC0415

    if settings.credential == "azure-cli":
        return identity.AzureCliCredential(tenant_id=settings.tenant_id, process_timeout=_CLI_S)
    return identity.ManagedIdentityCredential(client_id=settings.client_id)
