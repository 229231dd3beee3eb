"""`pods/exec`: a command in a container, over a WebSocket whose whole conversation is known when it begins.

Faithful    who may, which container, the switch of protocols, channels of v4 and v5, the exit; `env`, and `cat` of a
            file that holds a projected token, which is what somebody comes for
Left out    input, terminals, SPDY, every other command: it succeeds and prints nothing
Source      https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#execaction-v1-core
            https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go
"""

import base64
import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import Response

from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.statuses import bad_request, internal
from sandbox.web import Call
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _ERROR = 1, 3
_BINARY, _CLOSE = 0x82, 0x88
_SHORT, _MEDIUM = 126, 1 << 16  # lengths up to which a frame's header has no, or two, more bytes


def answer(cluster: "Cluster", pod: Json, call: Call, headers: dict[str, str]) -> Response:
    """101 with all that the command prints. Raises `StatusError` 400, 500."""
    if call.headers.get("upgrade", "").lower() != "websocket":
        raise bad_request("Upgrade request required")
    command = [value for name, value in _query(call) if name == "command"]
    if not command:
        raise bad_request("you must specify at least 1 command for the container")
    container = _container(pod, call.query.get("container", ""))
    if not ownership.is_ready(pod):
        raise internal(f'error executing command in container: container "{container}" not running')
    offered = call.headers.get("sec-websocket-protocol", "").split(",")
    chosen = next((each for each in _PROTOCOLS if each in map(str.strip, offered)), "")
    key = call.headers.get("sec-websocket-key", "")
    digest = hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()
    success = json.dumps({"metadata": {}, "status": "Success"}).encode()
    body = _frame(_STDOUT, _printed(cluster, pod, command).encode()) + _frame(_ERROR, success)
    body += bytes((_CLOSE, 2)) + (1000).to_bytes(2, "big")
    upgraded = {
        **headers,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
        "Content-Length": str(len(body)),  # so that the server sends the frames as they are
    }
    if chosen:
        upgraded["Sec-WebSocket-Protocol"] = chosen
    return Response(body, 101, upgraded)


def _query(call: Call) -> list[tuple[str, str]]:
    """All parameters: `command` comes once for each word."""
    return parse_qsl(call.raw_query, keep_blank_values=True)


def _container(pod: Json, wanted: str) -> str:
    names = [str(each["name"]) for each in pod["spec"]["containers"]]
    if wanted and wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {pod['metadata']['name']}")
    return wanted or names[0]


def _printed(cluster: "Cluster", pod: Json, command: list[str]) -> str:
    words = command[2].split() if command[:2] == ["sh", "-c"] and len(command) > 2 else command
    environment = cluster.environments.of(pod)
    if words[0] in ("env", "printenv"):
        return "".join(f"{name}={value}\n" for name, value in environment.items())
    if words[0] == "cat" and len(words) > 1:
        path = environment.get(words[1].lstrip("$"), words[1]) if words[1][:1] == "$" else words[1]
        return cluster.tokens.at(pod, path) or ""
    return ""


def _frame(channel: int, payload: bytes) -> bytes:
    data = bytes((channel,)) + payload
    if len(data) < _SHORT:
        return bytes((_BINARY, len(data))) + data
    if len(data) < _MEDIUM:
        return bytes((_BINARY, _SHORT)) + len(data).to_bytes(2, "big") + data
    return bytes((_BINARY, 127)) + len(data).to_bytes(8, "big") + data
