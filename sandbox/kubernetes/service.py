"""The Kubernetes API server of each cluster; `call.service` is "kube-<cluster>".

Simulates   Kubernetes 1.34: core, apps, autoscaling, batch, networking, policy, rbac, storage, authentication,
            authorization, custom resources, (OIDC) discovery
Faithful    status bodies, patch types, selectors, pages, watches, field validation, dry run, apply, tokens, RBAC
Left out    attach, port-forward, YAML bodies, most of protobuf, pods that really run
Source      https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import asyncio
import uuid
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from sandbox.granted import named
from sandbox.kubernetes import answers, audit, identity, non_resources, rbac, requests, resources
from sandbox.kubernetes.identity import ANONYMOUS, User
from sandbox.kubernetes.rbac import Attributes
from sandbox.kubernetes.requests import Request
from sandbox.kubernetes.served import BUILT_IN_GROUPS
from sandbox.kubernetes.statuses import StatusError, no_such_resource
from sandbox.web import Call
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_FUTURE_WAIT_S = 3.0  # how long the server hopes for a resourceVersion that does not exist yet


async def serve(world: World, call: Call) -> Response:
    """Authenticate, authorize, answer, and write the audit log, in this order."""
    cluster = world.clusters[call.service.removeprefix("kube-")]
    audit_id = call.headers.get("audit-id") or str(uuid.uuid4())
    began = world.clock.now()
    request = requests.read(cluster, call)
    user, reason = ANONYMOUS, None
    try:
        user = _impersonated(cluster, identity.identify(cluster, call), call)
        reason = rbac.decide(cluster, user, request.wanted)
        if reason is None:
            raise rbac.refusal(user, request.wanted)
        _note(cluster, user, request.wanted)
        response = await _answer(cluster, request, user, audit_id)
    except StatusError as error:
        if error.code == 504:
            await asyncio.sleep(_FUTURE_WAIT_S)
        response = answers.refusal(error, call, audit_id)
    audit.record(cluster, request, user, response, audit_id=audit_id, began=began, reason=reason)
    return response


def _note(cluster: "Cluster", user: User, wanted: Attributes) -> None:
    """What let it through, where that is no role that every user has."""
    if not cluster.world.used.is_watched(user.name):
        return
    if rbac.decide(cluster, User("", groups=user.groups), wanted) is None:
        what = named(wanted.verb, wanted.full_resource or wanted.path, wanted.group)
        cluster.world.used.note(user.name, "cluster", {what})


async def _answer(cluster: "Cluster", request: Request, user: User, audit_id: str) -> Response:
    if not request.wanted.resource:
        return non_resources.answer(cluster, request.call, audit_id)
    if request.kind is None:
        if request.wanted.group in BUILT_IN_GROUPS:
            raise no_such_resource()
        return PlainTextResponse("404 page not found\n", 404, answers.headers(audit_id))
    return resources.answer(cluster, request.kind, request, user, audit_id)


def _impersonated(cluster: "Cluster", user: User, call: Call) -> User:
    """`kubectl --as`: whoever may impersonate this user becomes it. Raises `StatusError` 403."""
    name = call.headers.get("impersonate-user")
    if not name:
        return user
    if name.startswith("system:serviceaccount:"):
        namespace, account = name.split(":")[2:4]
        wanted = Attributes("impersonate", "", "serviceaccounts", "", namespace, account)
        groups: tuple[str, ...] = (
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            identity.AUTHENTICATED,
        )
    else:
        wanted = Attributes("impersonate", "", "users", name=name)
        asked = call.headers.get("impersonate-group")
        groups = (*([asked] if asked else []), identity.AUTHENTICATED)
        if asked:
            rbac.check(cluster, user, Attributes("impersonate", "", "groups", name=asked))
    rbac.check(cluster, user, wanted)
    return User(name, groups=groups)
