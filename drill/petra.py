"""Petra, who runs the platform: she types the commands that a report prints, to the letter.

az and kubectl are not here, so this sends what they would send, with her own rights and no others. A command that she
does not know is an error: a fix that nobody could carry out is none.

Source   https://learn.microsoft.com/cli/azure/identity/federated-credential
         https://learn.microsoft.com/cli/azure/ad/app/federated-credential
         https://kubernetes.io/docs/reference/kubectl/
"""

import json
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from drill.options import DrillError, Json
from drill.training_ground import TrainingGround

NAME = "petra"
KUBE = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the application that every AKS API server is
_PLURALS = {
    "deployment": ("/apis/apps/v1", "deployments"),
    "statefulset": ("/apis/apps/v1", "statefulsets"),
    "daemonset": ("/apis/apps/v1", "daemonsets"),
    "cronjob": ("/apis/batch/v1", "cronjobs"),
    "serviceaccount": ("/api/v1", "serviceaccounts"),
    "pod": ("/api/v1", "pods"),
}
_IDENTITY_VERSION, _ROLES_VERSION = "2024-11-30", "2022-04-01"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class Typed:
    """A command taken apart: its words, and its options by name."""

    words: list[str]
    options: dict[str, str]


@dataclass(frozen=True)
class Operator:
    """Somebody with a shell, and administrator's rights."""

    ground: TrainingGround

    @classmethod
    async def hired(cls, ground: TrainingGround) -> "Operator":
        """She has been there all along."""
        control, described = ground.control, ground.described
        (user,) = (await control.seed({"users": [{"name": NAME}]}))["users"]
        anything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
        kubernetes = {
            "clusterroles": [{"metadata": {"name": "platform"}, "rules": [anything]}],
            "clusterrolebindings": [_bound(user["upn"])],
        }
        owner = {
            "scope": f"/subscriptions/{described['subscription_id']}",
            "role": "Owner",
            "principalId": user["object_id"],
        }
        administrator = {"principalId": user["object_id"], "role": "Application Administrator"}
        await control.seed(
            {
                "roleAssignments": [owner],
                "directoryRoleAssignments": [administrator],
                "clusters": dict.fromkeys(described["seed"]["clusters"], kubernetes),
            }
        )
        return cls(ground)

    async def type(self, line: str) -> None:
        """Carry out every command of a line. Raises `DrillError` for one that fails, or that she does not know."""
        for command in line.split(" && "):
            words = shlex.split(command, comments=True)
            match words:
                case ["kubectl", "--context", cluster, "-n", namespace, *rest]:
                    await self._kubectl(cluster, namespace, rest)
                case ["az", "identity", "federated-credential", "create" | "update", *rest]:
                    await self._identity_trust(_typed(rest).options)
                case [
                    "az",
                    "ad",
                    "app",
                    "federated-credential",
                    "create" | "update" as verb,
                    *rest,
                ]:
                    await self._application_trust(verb, _typed(rest).options)
                case ["az", "ad", "sp", "update", "--id", object_id, "--set", switch]:
                    name, _, value = switch.partition("=")
                    body = {name: json.loads(value)}
                    await self._graph("PATCH", f"/v1.0/servicePrincipals/{object_id}", body)
                case ["az", "role", "assignment", "create", *rest]:
                    await self._role(_typed(rest).options)
                case _:
                    raise DrillError(f"nobody can type this: {command}")

    async def _kubectl(self, cluster: str, namespace: str, words: list[str]) -> None:
        match words:
            case ["annotate", "--overwrite", "serviceaccount", name, *notes]:
                await self._annotate(cluster, namespace, name, notes)
            case ["annotate", "serviceaccount", name, *notes]:
                await self._annotate(cluster, namespace, name, notes)
            case ["patch", kind, name, "--type", "merge", "-p", body]:
                where = _path(kind, name, namespace)
                await self._kube(cluster, "PATCH", where, json.loads(body), _MERGE)
            case ["rollout", "restart", which]:
                at = datetime.now(UTC).isoformat(timespec="milliseconds")
                note = {"kubectl.kubernetes.io/restartedAt": at}
                template: Json = {"metadata": {"annotations": note}}
                await self._patch(cluster, _named(which, namespace), template, _MERGE)
            case ["set", "env", which, "-c", container, variable] if variable.endswith("-"):
                gone = {"$patch": "delete", "name": variable[:-1]}
                template = {"spec": {"containers": [{"name": container, "env": [gone]}]}}
                await self._patch(cluster, _named(which, namespace), template, _STRATEGIC)
            case ["create", "serviceaccount", name]:
                new: Json = {"metadata": {"name": name}}
                await self._kube(cluster, "POST", _path("serviceaccount", "", namespace), new)
            case ["delete", "pod", name]:
                await self._kube(cluster, "DELETE", _path("pod", name, namespace), None)
            case _:
                raise DrillError(f"nobody can type this: kubectl {' '.join(words)}")

    async def _patch(self, cluster: str, where: str, template: Json, content_type: str) -> None:
        patch: Json = {"spec": {"template": template}}
        await self._kube(cluster, "PATCH", where, patch, content_type)

    async def _annotate(self, cluster: str, namespace: str, name: str, notes: list[str]) -> None:
        said: Json = {}
        for one in notes:
            key, equals, value = one.partition("=")
            said |= {key: value} if equals else {key.removesuffix("-"): None}
        patch = {"metadata": {"annotations": said}}
        where = _path("serviceaccount", name, namespace)
        await self._kube(cluster, "PATCH", where, patch, _MERGE)

    async def _identity_trust(self, options: dict[str, str]) -> None:
        identity = (
            f"/subscriptions/{options['subscription']}/resourceGroups/{options['resource-group']}"
            f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{options['identity-name']}"
        )
        properties = {name: options[name] for name in ("issuer", "subject")}
        body = {"properties": {**properties, "audiences": [options["audiences"]]}}
        where = f"{identity}/federatedIdentityCredentials/{options['name']}"
        await self._arm("PUT", f"{where}?api-version={_IDENTITY_VERSION}", body)

    async def _application_trust(self, verb: str, options: dict[str, str]) -> None:
        where = f"/v1.0/applications/{options['id']}/federatedIdentityCredentials"
        body = json.loads(options["parameters"])
        if verb == "create":
            await self._graph("POST", where, body)
        else:
            await self._graph("PATCH", f"{where}/{options['federated-credential-id']}", body)

    async def _role(self, options: dict[str, str]) -> None:
        scope, name = options["scope"], options["role"]
        listed = f"{scope}/providers/Microsoft.Authorization/roleDefinitions"
        query = f"api-version={_ROLES_VERSION}&$filter=roleName eq '{name}'"
        (role,) = (await self._arm("GET", f"{listed}?{query}", None))["value"]
        properties = {
            "roleDefinitionId": role["id"],
            "principalId": options["assignee-object-id"],
            "principalType": options["assignee-principal-type"],
        }
        guid = options["assignee-object-id"]  # any GUID does, and this one is new as a name
        where = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}"
        await self._arm("PUT", f"{where}?api-version={_ROLES_VERSION}", {"properties": properties})

    async def _arm(self, method: str, path: str, body: Json | None) -> Json:
        origin = self.ground.described["endpoints"]["arm"]
        return await self._send(method, origin + path, body, "https://management.azure.com")

    async def _graph(self, method: str, path: str, body: Json | None) -> Json:
        origin = self.ground.described["endpoints"]["graph"]
        return await self._send(method, origin + path, body, "https://graph.microsoft.com")

    async def _kube(
        self, cluster: str, method: str, path: str, body: Json | None, content_type: str = ""
    ) -> Json:
        origin = self.ground.described["seed"]["clusters"][cluster]["server"]
        return await self._send(method, origin + path, body, KUBE, content_type)

    async def _send(
        self, method: str, url: str, body: Json | None, audience: str, content_type: str = ""
    ) -> Json:
        token = await self.ground.control.sign_in(NAME, audience)
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = content_type or "application/json"
        content = None if body is None else json.dumps(body)
        answer = await self.ground.http.request(method, url, content=content, headers=headers)
        if not answer.is_success:
            raise DrillError(f"{method} {url}: {answer.status_code} {answer.text[:500]}")
        found: Json = {} if answer.status_code == httpx.codes.NO_CONTENT else answer.json()
        return found


def _typed(words: list[str]) -> Typed:
    """Words, and `--name value` pairs."""
    options: dict[str, str] = {}
    plain: list[str] = []
    waiting = iter(words)
    for one in waiting:
        if one.startswith("--"):
            options[one[2:]] = next(waiting, "")
        else:
            plain.append(one)
    return Typed(plain, options)


def _named(which: str, namespace: str) -> str:
    """Of "deployment/orders-api"."""
    kind, _, name = which.partition("/")
    return _path(kind, name, namespace)


def _path(kind: str, name: str, namespace: str) -> str:
    api, plural = _PLURALS[kind]
    return "/".join(filter(None, (f"{api}/namespaces/{namespace}/{plural}", name)))


def _bound(upn: str) -> Json:
    return {
        "metadata": {"name": "platform"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "platform",
        },
        "subjects": [
            {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": upn},
        ],
    }
