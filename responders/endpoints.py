"""Where this cloud's services are, as Resource Manager says: any cloud is then configuration.

Source   https://learn.microsoft.com/azure/azure-resource-manager/management/control-plane-and-data-plane
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from responders.errors import ContractChangedError
from responders.settings import is_web_origin

API_VERSION = "2022-09-01"  # the one that the Azure CLI asks for


# By the host of the token endpoint, without "login.".
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_OF_CLOUD = {
    "microsoftonline.us": "USGov",
    "partner.microsoftonline.cn": "China",
    "chinacloudapi.cn": "China",
}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Origins without a trailing slash, and the OAuth scope that each wants."""

    arm: str
    arm_scope: str
    graph: str
    graph_scope: str
    login: str
    logs: str
    logs_scope: str
    vault_scope: str | None = None  # of key vaults; None where the cloud does not say

    @property
    def token_audience(self) -> str:
        """What a ServiceAccount token that is exchanged for one of Entra is for, in this cloud.

        https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-user-assigned-managed-identity
        """
        host = urlsplit(self.login).hostname or ""
        return f"api://AzureADTokenExchange{_OF_CLOUD.get(host.rpartition('login.')[2], '')}"


def metadata_url(arm: str) -> str:
    """The document that describes a cloud. It needs no token."""
    return f"{arm}/metadata/endpoints?api-version={API_VERSION}"


def parse(arm: str, document: Any) -> Endpoints:
    """Raises `ContractChangedError` unless every endpoint is there and is https."""
    match document:
        case {
            "authentication": {"loginEndpoint": str(login), "audiences": [str(audience), *_]},
            "microsoftGraphResourceId": str(graph),
            "logAnalyticsResourceId": str(logs),
        }:
            pass
        case _:
            raise ContractChangedError(
                f"{metadata_url(arm)} does not describe a cloud: {document!r:.300}"
            )
    for origin in (login, audience, graph, logs):
        if not is_web_origin(origin):
            raise ContractChangedError(
                f"{metadata_url(arm)} names {origin!r}, which is no https origin"
            )
    return Endpoints(
        arm=arm,
        arm_scope=_scope(audience),
        graph=graph.rstrip("/"),
        graph_scope=_scope(graph),
        login=login.rstrip("/"),
        logs=logs.rstrip("/"),
        logs_scope=_scope(logs),
        vault_scope=_vault_scope(document),
    )


def _vault_scope(document: Any) -> str | None:
    match document:
        case {"suffixes": {"keyVaultDns": str(suffix)}} if suffix:
            return f"https://{suffix.lstrip('.')}/.default"
        case _:
            return None


def _scope(resource: str) -> str:
    return f"{resource.rstrip('/')}/.default"
