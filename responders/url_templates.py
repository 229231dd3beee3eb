"""Paths of calls without what is particular in them: a name for a span, the same for every identity and cluster.

What is not known to be a word of an API is left out. So no id, no name that an attacker chose and no secret that
somebody put into a path gets into the name of a span.
"""

import re
from urllib.parse import urlsplit

UNKNOWN = "/{path}"
_ONE = "{id}"
_WORD = re.compile(r"\$?[A-Za-z][A-Za-z0-9.$]{0,60}")
_KEYED = re.compile(r"([A-Za-z]+)\((\w+)='[^']*'\)")  # servicePrincipals(appId='…')
# Collections of Graph, behind each of which an object is named.
# https://learn.microsoft.com/graph/api/overview
_GRAPH = frozenset(
    {
        "appManagementPolicies",
        "applications",
        "appRoleAssignedTo",
        "appRoleAssignments",
        "deletedItems",
        "directoryObjects",
        "directoryRoles",
        "federatedIdentityCredentials",
        "groups",
        "memberOf",
        "members",
        "oauth2PermissionGrants",
        "organization",
        "owners",
        "riskyServicePrincipals",
        "roleAssignments",
        "roleDefinitions",
        "servicePrincipals",
        "users",
    }
)
# What stands where an object would: a function or an action of the whole collection.
_OF_ALL = frozenset({"delta", "getByIds", "dismiss", "confirmCompromised", "validateProperties"})
_WHOLE = (
    (re.compile(r"/[^/]+/oauth2/v2\.0/token"), "/{tenant}/oauth2/v2.0/token"),
    (re.compile(r"/[^/]+/discovery/v2\.0/keys"), "/{tenant}/discovery/v2.0/keys"),
    (
        re.compile(r"/[^/]+/v2\.0/\.well-known/openid-configuration"),
        "/{tenant}/v2.0/.well-known/openid-configuration",
    ),
    (re.compile(r"/v1/workspaces/[^/]+/(query|search)"), r"/v1/workspaces/{id}/\1"),
    (re.compile(r"/v1/\$batch"), "/v1/$batch"),
    (re.compile(r"/metadata/endpoints"), "/metadata/endpoints"),
    (re.compile(r"/(version|healthz|livez|readyz)"), r"/\1"),
    (re.compile(r"/openid/v1/jwks"), "/openid/v1/jwks"),
)


def of(url: str) -> str:
    """The path of this URL as a template; `UNKNOWN` for a path that is of no API that is called here."""
    path = urlsplit(url).path
    for pattern, template in _WHOLE:
        if found := pattern.fullmatch(path):
            return found.expand(template)
    parts = path.strip("/").split("/")
    match parts:
        case ["subscriptions" | "providers", *_]:
            return "/" + "/".join(_arm(parts))
        case ["api", "v1", *rest]:
            return "/".join(("/api/v1", *_kubernetes(rest)))
        case ["apis", group, version, *rest] if _WORD.fullmatch(group) or "." in group:
            return "/".join((f"/apis/{group}/{version}", *_kubernetes(rest)))
        case ["v1.0" | "beta" as version, *rest]:
            return "/".join((f"/{version}", *_graph(rest)))
        case _:
            return UNKNOWN


def _arm(parts: list[str]) -> list[str]:
    """Types alternate with names; a provider's namespace is none.

    https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
    """
    found: list[str] = []
    name_next = False
    previous = ""
    for part in parts:
        if previous == "providers":
            found.append(_word(part))
            name_next = False
        else:
            found.append(_ONE if name_next else _word(part))
            name_next = not name_next and part != "providers"
        previous = part if found[-1] != _ONE else ""
    return found


def _kubernetes(parts: list[str]) -> list[str]:
    """[namespaces/{namespace}/]resource[/{name}[/subresource]]."""
    found: list[str] = []
    if len(parts) > 2 and parts[0] == "namespaces":
        found, parts = ["namespaces", "{namespace}"], parts[2:]
    names = (None, "{name}", None)
    for part, name in zip(parts, names, strict=False):
        found.append(name or _word(part))
    return found


def _graph(parts: list[str]) -> list[str]:
    found: list[str] = []
    for part in parts:
        keyed = _KEYED.fullmatch(part)
        behind = bool(found) and found[-1] in _GRAPH
        if keyed:
            found.append(f"{keyed[1]}({keyed[2]}={{id}})")
        elif behind and part not in _OF_ALL and not part.startswith(("$", "microsoft.graph.")):
            found.append(_ONE)
        else:
            found.append(_word(part))
    return found


def _word(part: str) -> str:
    return part if _WORD.fullmatch(part) else _ONE
