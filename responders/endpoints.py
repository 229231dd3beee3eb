"""Where this cloud's services are, as Resource Manager says: any cloud is then configuration.

Source   https://learn.microsoft.com/azure/azure-resource-manager/management/control-plane-and-data-plane
"""

from dataclasses import dataclass
from typing import Any

from responders.errors import ContractChangedError
from responders.settings import is_web_origin

API_VERSION = "2022-09-01"  # the one that the Azure CLI asks for


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
    )


def _scope(resource: str) -> str:
    return f"{resource.rstrip('/')}/.default"
