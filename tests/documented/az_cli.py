"""`az` for the tests of the documentation: as strict as the Azure CLI about what is typed, and the sandbox answers.

The words are parsed by the real CLI's own grammar (`az_grammar.json`). Then the operation is carried out by the calls
that the CLI sends, signed in as the person that `world.json` names. What the sandbox does not have is in
`PARSED_ONLY`, with the reason and what the CLI would have answered; anything else is an error.

Source   https://learn.microsoft.com/cli/azure/reference-index
"""

import argparse
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

_HERE = Path(__file__).parent
_ARM, _GRAPH = "https://management.azure.com", "https://graph.microsoft.com"
_IDENTITY_VERSION, _ROLES_VERSION, _VAULT_VERSION = "2024-11-30", "2022-04-01", "2023-07-01"
_OPTIONAL = {"--slot", "--subscription"}
_FORMATS = ["json", "jsonc", "none", "table", "tsv", "yaml", "yamlc"]
Json = Any

_NO_QUEUES = "the sandbox has no queues; tests/test_host_queues.py plays them"
_NO_SITES = "the sandbox has apps' identities, not their settings"
_NO_TOPICS = "the sandbox has one custom topic, and no management of topics"
_NO_TEMPLATES = "Azure compiles and deploys templates; tests/test_infra.py checks them"
_NO_POLICIES = "the sandbox has a retention policy, and no management of it"
_TOPIC = {
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid/topics/egt-firebreak",
    "endpoint": "https://egt-firebreak.test",
}
# Command -> why nothing is sent, and what the CLI answers. Each has to be in use, and their number is held by a test.
PARSED_ONLY: dict[str, tuple[str, Json]] = {
    "deployment mg create": (_NO_TEMPLATES, {}),
    "deployment sub create": (_NO_TEMPLATES, {}),
    "login": ("a person signs in in a browser; who is signed in here is said by world.json", []),
    "functionapp config appsettings set": (_NO_SITES, []),
    "webapp auth microsoft update": (_NO_SITES, {}),
    "webapp auth update": (_NO_SITES, {}),
    "eventgrid topic create": (_NO_TOPICS, _TOPIC),
    "eventgrid topic show": (_NO_TOPICS, _TOPIC),
    "eventgrid event-subscription create": (_NO_TOPICS, {}),
    "keyvault secret set": ("the sandbox's vaults are read, and never written", {}),
    "storage container immutability-policy show": (_NO_POLICIES, {"etag": '"8d0"'}),
    "storage container immutability-policy lock": (_NO_POLICIES, {}),
    "storage message peek": (_NO_QUEUES, []),
    "storage message put": (_NO_QUEUES, {}),
    "role definition delete": ("the sandbox has custom roles, and no writing of them", None),
    "keyvault list-deleted": ("the sandbox deletes no vault", []),
    "extension add": ("extensions come from Microsoft's own index", None),
}


class AzError(Exception):
    """What the CLI says on standard error before it ends with 1."""


class Parser(argparse.ArgumentParser):
    """Ends with 2 for whatever the real one would not take, too."""

    def error(self, message: str) -> NoReturn:
        """Say which command it was."""
        sys.exit(_ended(2, f"az {self.prog}: {message}"))


class Cloud:
    """Calls as the person who is signed in, at the sandbox."""

    def __init__(self, world: Json) -> None:
        self.world = world
        self._trust = ssl.create_default_context(cafile=world["ca"])
        self._tokens: dict[str, str] = {}

    def token(self, audience: str) -> str:
        """An access token for this audience."""
        if audience not in self._tokens:
            is_ours = audience == self.world["audience"]
            wish = {"user": self.world["responder" if is_ours else "user"], "audience": audience}
            url = f"{self.world['endpoints']['control']}/sandbox/sign-in"
            said = self._sent("POST", url, json.dumps(wish), {"Content-Type": "application/json"})
            self._tokens[audience] = json.loads(said)["access_token"]
        return self._tokens[audience]

    def call(self, method: str, url: str, body: str = "", **headers: str) -> Json:
        """What the real endpoint's stand-in answers: JSON, or None for no content."""
        for service, origin in (("arm", _ARM), ("graph", _GRAPH)):
            if url.startswith(f"{origin}/"):
                where = self.world["endpoints"][service] + url.removeprefix(origin)
                sent = {"Authorization": f"Bearer {self.token(origin)}", **headers}
                if body:
                    sent.setdefault("Content-Type", "application/json")
                said = self._sent(method, where, body, sent)
                return json.loads(said) if said else None
        raise AzError(f"{url} is neither Azure Resource Manager nor Microsoft Graph")

    def blob(self, path: str) -> bytes:
        """A GET of the evidence account."""
        signed = {
            "Authorization": f"Bearer {self.token('https://storage.azure.com')}",
            "x-ms-version": "2023-11-03",
        }
        return self._sent("GET", self.world["endpoints"]["storage"] + path, "", signed)

    def arm(self, method: str, path: str, version: str, body: Json = None) -> Json:
        """A call to Azure Resource Manager."""
        joint = "&" if "?" in path else "?"
        content = "" if body is None else json.dumps(body)
        return self.call(method, f"{_ARM}{path}{joint}api-version={version}", content)

    def graph(self, method: str, path: str, body: Json = None) -> Json:
        """A call to Microsoft Graph."""
        return self.call(method, f"{_GRAPH}/v1.0{path}", "" if body is None else json.dumps(body))

    def holder(self, collection: str, known: str) -> str:
        """An application's or a service principal's object id, by that or by its client id, as the CLI finds it."""
        found = self.graph("GET", f"/{collection}?$filter=appId%20eq%20'{known}'")["value"]
        return str(found[0]["id"]) if found else known

    def _sent(self, method: str, url: str, body: str, headers: dict[str, str]) -> bytes:
        wanted = urllib.parse.quote(url, safe=":/?&=%$,@'()+*;!~#[]")
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own address
            wanted, body.encode() if body else None, headers, method=method.upper()
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trust)
        )
        try:
            with opener.open(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as wrong:
            said = wrong.read().decode(errors="replace")[:500]
            raise AzError(f"{method.upper()} {url}: {wrong.code} {said}") from wrong


# --- what the commands do ---------------------------------------------------------------------------------------------


def _rest(cloud: Cloud, a: Json) -> Json:
    headers = dict(one.split("=", 1) for one in a.headers or [])
    body = a.body or ""
    if body.startswith("@"):
        body = Path(body[1:]).read_text()
    if body:
        _parsed_body(body)
    return cloud.call(a.method or "get", a.url, body, **headers)


def _parsed_body(body: str) -> Json:
    try:
        return json.loads(body)
    except ValueError as wrong:
        raise AzError(f"the body is no JSON: {wrong}: {body}") from wrong


def _app_create(cloud: Cloud, a: Json) -> Json:
    made = {
        "displayName": a.display_name,
        "signInAudience": a.sign_in_audience,
        "web": {
            "redirectUris": a.web_redirect_uris or [],
            "implicitGrantSettings": {
                "enableIdTokenIssuance": a.enable_id_token_issuance == "true"
            },
        },
        "api": {"requestedAccessTokenVersion": int(a.requested_access_token_version)},
    }
    return cloud.graph("POST", "/applications", made)


def _app_update(cloud: Cloud, a: Json) -> Json:
    changed: Json = {}
    if a.identifier_uris:
        changed["identifierUris"] = a.identifier_uris
    if a.app_roles:
        changed["appRoles"] = _from_file(a.app_roles)
    return cloud.graph("PATCH", f"/applications/{cloud.holder('applications', a.id)}", changed)


def _app_list(cloud: Cloud, a: Json) -> Json:
    wanted = f"?$filter=startswith(displayName,'{a.display_name}')" if a.display_name else ""
    return cloud.graph("GET", f"/applications{wanted}")["value"]


def _app_show(cloud: Cloud, a: Json) -> Json:
    return cloud.graph("GET", f"/applications/{cloud.holder('applications', a.id)}")


def _app_delete(cloud: Cloud, a: Json) -> Json:
    return cloud.graph("DELETE", f"/applications/{cloud.holder('applications', a.id)}")


def _sp_create(cloud: Cloud, a: Json) -> Json:
    return cloud.graph("POST", "/servicePrincipals", {"appId": a.id})


def _sp_show(cloud: Cloud, a: Json) -> Json:
    return cloud.graph("GET", f"/servicePrincipals/{cloud.holder('servicePrincipals', a.id)}")


def _sp_update(cloud: Cloud, a: Json) -> Json:
    changed = {}
    for one in a.set:
        name, _, value = one.partition("=")
        changed[name] = json.loads(value)
    where = f"/servicePrincipals/{cloud.holder('servicePrincipals', a.id)}"
    return cloud.graph("PATCH", where, changed)


def _trusts(cloud: Cloud, a: Json) -> Json:
    where = f"/applications/{cloud.holder('applications', a.id)}/federatedIdentityCredentials"
    return cloud.graph("GET", where)["value"]


def _trust_delete(cloud: Cloud, a: Json) -> Json:
    where = f"/applications/{cloud.holder('applications', a.id)}/federatedIdentityCredentials"
    return cloud.graph("DELETE", f"{where}/{a.federated_credential_id}")


def _credentials(collection: str) -> Callable[[Cloud, Json], Json]:
    def listed(cloud: Cloud, a: Json) -> Json:
        found = cloud.graph("GET", f"/{collection}/{cloud.holder(collection, a.id)}")
        return found["keyCredentials" if a.cert else "passwordCredentials"]

    return listed


def _credential_delete(collection: str) -> Callable[[Cloud, Json], Json]:
    def deleted(cloud: Cloud, a: Json) -> Json:
        where = f"/{collection}/{cloud.holder(collection, a.id)}"
        found = cloud.graph("GET", where)["keyCredentials" if a.cert else "passwordCredentials"]
        if a.key_id not in {one["keyId"] for one in found}:
            raise AzError(f"no credential {a.key_id}")
        if not a.cert:
            return cloud.graph("POST", f"{where}/removePassword", {"keyId": a.key_id})
        left = [one for one in found if one["keyId"] != a.key_id]
        return cloud.graph("PATCH", where, {"keyCredentials": left})

    return deleted


def _member_remove(cloud: Cloud, a: Json) -> Json:
    return cloud.graph("DELETE", f"/groups/{a.group}/members/{a.member_id}/$ref")


_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"


def _assignments(cloud: Cloud, a: Json) -> Json:
    subscription = a.subscription or cloud.world["subscription"]
    assignee = cloud.holder("servicePrincipals", a.assignee)
    wanted = f"?$filter=assignedTo('{assignee}')"
    where = f"/subscriptions/{subscription}{_ASSIGNMENTS}{wanted}"
    return cloud.arm("GET", where, _ROLES_VERSION)["value"]


def _assignment_create(cloud: Cloud, a: Json) -> Json:
    listed = f"{a.scope}/providers/Microsoft.Authorization/roleDefinitions"
    named = f"{listed}?$filter=roleName%20eq%20'{urllib.parse.quote(a.role)}'"
    roles = cloud.arm("GET", named, _ROLES_VERSION)["value"]
    if len(roles) != 1:
        raise AzError(f"Role '{a.role}' doesn't exist.")
    properties = {
        "roleDefinitionId": roles[0]["id"],
        "principalId": a.assignee_object_id,
        "principalType": a.assignee_principal_type,
    }
    where = f"{a.scope}{_ASSIGNMENTS}/{uuid.uuid4()}"
    return cloud.arm("PUT", where, _ROLES_VERSION, {"properties": properties})


def _assignment_delete(cloud: Cloud, a: Json) -> Json:
    for one in a.ids:
        cloud.arm("DELETE", one, _ROLES_VERSION)
    return None


def _definitions(cloud: Cloud, a: Json) -> Json:
    """The CLI lifts what lies under `properties`."""
    wanted = "?$filter=type%20eq%20'CustomRole'" if a.custom_role_only == "true" else ""
    where = f"/subscriptions/{cloud.world['subscription']}/providers/Microsoft.Authorization"
    found = cloud.arm("GET", f"{where}/roleDefinitions{wanted}", _ROLES_VERSION)["value"]
    return [{**one, **one["properties"]} for one in found]


def _identities(cloud: Cloud, a: Json) -> Json:
    where = (
        f"/subscriptions/{cloud.world['subscription']}/resourceGroups/{a.resource_group}"
        "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    )
    found = cloud.arm("GET", where, _IDENTITY_VERSION)["value"]
    return [{**one, **one["properties"]} for one in found]


def _identity_trusts(a: Json, cloud: Cloud) -> str:
    return (
        f"/subscriptions/{a.subscription or cloud.world['subscription']}/resourceGroups/{a.resource_group}"
        f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{a.identity_name}"
        "/federatedIdentityCredentials"
    )


def _identity_trust_list(cloud: Cloud, a: Json) -> Json:
    return cloud.arm("GET", _identity_trusts(a, cloud), _IDENTITY_VERSION)["value"]


def _identity_trust_delete(cloud: Cloud, a: Json) -> Json:
    where = f"{_identity_trusts(a, cloud)}/{a.name}"
    found = cloud.arm("GET", where, _IDENTITY_VERSION)
    return cloud.arm("DELETE", str(found["id"]), _IDENTITY_VERSION)


def _graph_query(cloud: Cloud, a: Json) -> Json:
    wanted = {"query": a.graph_query, "subscriptions": a.subscriptions or []}
    where = "/providers/Microsoft.ResourceGraph/resources"
    return cloud.arm("POST", where, "2024-04-01", wanted)


def _policy_delete(cloud: Cloud, a: Json) -> Json:
    query = (
        f"resources | where type =~ 'microsoft.keyvault/vaults' and name =~ '{a.name}' | project id"
    )
    body = {"query": query, "subscriptions": []}
    where = "/providers/Microsoft.ResourceGraph/resources"
    (vault,) = cloud.arm("POST", where, "2024-04-01", body)["data"]
    held = cloud.arm("GET", vault["id"], _VAULT_VERSION)["properties"]["accessPolicies"]
    gone = [one for one in held if one["objectId"] == a.object_id]
    if not gone:
        raise AzError("No matching policies found")
    removed = {"properties": {"accessPolicies": gone}}
    return cloud.arm("PUT", f"{vault['id']}/accessPolicies/remove", _VAULT_VERSION, removed)


def _resource_update(cloud: Cloud, a: Json) -> Json:
    """The CLI puts the whole resource back; to change `identity` alone the provider takes a PATCH, too."""
    changed: Json = {}
    for one in a.set:
        path, _, value = one.partition("=")
        outer, _, inner = path.partition(".")
        changed.setdefault(outer, {})[inner] = value
    for one in a.ids:
        if "/Microsoft.EventGrid/" in one:
            continue  # as `_NO_TOPICS` says
        version = "2023-12-01" if "/Microsoft.Web/" in one else "2024-07-01"
        cloud.arm("PATCH", one, version, changed)
    return {}


def _token(cloud: Cloud, a: Json) -> Json:
    audience = a.resource or (a.scope or [_ARM])[0].removesuffix("/.default")
    return {"accessToken": cloud.token(audience), "expires_on": 4102444800, "tokenType": "Bearer"}


def _cloud(_: Cloud, __: Json) -> Json:
    return {"endpoints": {"microsoftGraphResourceId": f"{_GRAPH}/", "resourceManager": f"{_ARM}/"}}


def _settings(cloud: Cloud, _: Json) -> Json:
    """What a deployed app would be told: it is where the settings of the local one come from."""
    return [
        {"name": name, "slotSetting": False, "value": value}
        for name, value in cloud.world["settings"].items()
    ]


def _download(cloud: Cloud, a: Json) -> Json:
    """Every blob whose name fits the pattern, in folders as they lie there."""
    below = a.pattern.partition("*")[0]
    query = urllib.parse.urlencode({"restype": "container", "comp": "list", "prefix": below})
    listed = cloud.blob(f"/{a.account_name}/{a.source}?{query}").decode()
    names = re.findall(r"<Name>([^<]+)</Name>", listed)
    for name in names:
        target = Path(a.destination) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(cloud.blob(f"/{a.account_name}/{a.source}/{name}"))
    return names


OPERATIONS: dict[str, Callable[[Cloud, Json], Json]] = {
    "rest": _rest,
    "ad app create": _app_create,
    "ad app update": _app_update,
    "ad app list": _app_list,
    "ad app show": _app_show,
    "ad app delete": _app_delete,
    "ad app federated-credential list": _trusts,
    "ad app federated-credential delete": _trust_delete,
    "ad app credential list": _credentials("applications"),
    "ad app credential delete": _credential_delete("applications"),
    "ad sp create": _sp_create,
    "ad sp show": _sp_show,
    "ad sp update": _sp_update,
    "ad sp credential list": _credentials("servicePrincipals"),
    "ad sp credential delete": _credential_delete("servicePrincipals"),
    "ad group member remove": _member_remove,
    "role assignment list": _assignments,
    "role assignment create": _assignment_create,
    "role assignment delete": _assignment_delete,
    "role definition list": _definitions,
    "identity list": _identities,
    "identity federated-credential list": _identity_trust_list,
    "identity federated-credential delete": _identity_trust_delete,
    "graph query": _graph_query,
    "keyvault delete-policy": _policy_delete,
    "resource update": _resource_update,
    "account get-access-token": _token,
    "cloud show": _cloud,
    "functionapp config appsettings list": _settings,
    "storage blob download-batch": _download,
}


# --- how it is typed --------------------------------------------------------------------------------------------------


def grammar() -> dict[str, Json]:
    """Command -> its extension and its options, of the real CLI."""
    found: dict[str, Json] = json.loads((_HERE / "az_grammar.json").read_text())["commands"]
    return found


def split(words: list[str]) -> tuple[str, list[str]]:
    """The command that the words begin with, and the rest of them. Raises `AzError` for one that is none."""
    known = grammar()
    for count in range(len(words), 0, -1):
        name = " ".join(words[:count])
        if name in known:
            return name, words[count:]
    raise AzError(f"'{' '.join(words[:4])}' is misspelled, or not recognized by the system.")


def parser(name: str) -> Parser:
    """Of one command, with what every command takes."""
    made = Parser(prog=name, allow_abbrev=False, add_help=False)
    made.add_argument("--output", "-o", choices=_FORMATS)
    made.add_argument("--query")
    for flag in ("--only-show-errors", "--verbose", "--debug"):
        made.add_argument(flag, action="store_true")
    made.set_defaults(subscription=None)
    for one in grammar()[name]["options"]:
        _add(made, one)
    return made


def _add(made: Parser, one: Json) -> None:
    flags = one["flags"]
    more: Json = {"dest": _destination(flags)}
    if one.get("action") == "store_true":
        made.add_argument(*flags, action="store_true", **more)
        return
    more |= {"nargs": one["nargs"]} if one.get("nargs") else {}
    if one.get("choices"):
        lowered = {str(each).lower(): str(each) for each in one["choices"]}
        more |= {"type": lambda said: lowered.get(said.lower(), said), "choices": one["choices"]}
    made.add_argument(*flags, required=one.get("required", False), **more)


def _destination(flags: list[str]) -> str:
    return ("--url" if "--url" in flags else max(flags, key=len)).strip("-").replace("-", "_")


def parsed(words: list[str]) -> tuple[str, argparse.Namespace]:
    """A command and its arguments, or the end with 2."""
    name, rest = split(words)
    arguments = parser(name).parse_args(rest)
    parts = [one["flags"] for one in grammar()[name]["options"] if one.get("part")]
    given = vars(arguments)
    if "ids" in given and parts and not given["ids"] and name != "role assignment delete":
        missing = [
            one for one in parts if not _OPTIONAL & set(one) and not given[_destination(one)]
        ]
        if missing:
            sys.exit(_ended(2, f"az {name}: {missing} or --ids are required"))
    return name, arguments


def _shown(answer: Json, arguments: argparse.Namespace) -> Iterator[str]:
    found = _queried(arguments.query, answer) if arguments.query else answer
    if found is None or arguments.output == "none":
        return
    if arguments.output == "tsv":
        for one in found if isinstance(found, list) else [found]:
            yield "\t".join(map(str, one)) if isinstance(one, list) else str(one)
    else:
        yield json.dumps(found, indent=2)


def _queried(query: str, answer: Json) -> Json:
    import jmespath  # noqa: PLC0415 - most commands need it not, and each is a process of its own

    return jmespath.search(query, answer)


def _from_file(said: str) -> Json:
    return json.loads(Path(said[1:]).read_text() if said.startswith("@") else said)


def _ended(status: int, said: str) -> int:
    sys.stderr.write(f"ERROR: {said}\n")
    return status


def main(words: list[str]) -> int:
    """One command line."""
    world = json.loads(Path(os.environ["AZ_WORLD"]).read_text())
    try:
        name, arguments = parsed(words)
        if name in PARSED_ONLY:
            answer = PARSED_ONLY[name][1]
        elif name in OPERATIONS:
            answer = OPERATIONS[name](Cloud(world), arguments)
        else:
            raise AzError(
                f"nobody said yet what {name} does in the sandbox: tests/documented/az_cli.py"
            )
    except AzError as wrong:
        return _ended(1, str(wrong))
    with Path(world["log"]).open("a") as log:
        log.write(f"{name}\n")
    sys.stdout.writelines(f"{line}\n" for line in _shown(answer, arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
