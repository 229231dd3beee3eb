"""HTTP as the web server has it, turned into what the worker and the Durable API take, and back."""

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from host.durable.api import ApiCall
from host.protos import TypedData

# The platform's own limit. https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
_LONGEST_BODY = 100 * 1024 * 1024


class BodyTooLongError(Exception):
    """More than the platform takes."""


async def api_call(request: Request, raw_path: str) -> ApiCall:
    """A request to the Durable API, with its path below the root taken apart."""
    return ApiCall(
        method=request.method,
        segments=[unquote(part) for part in raw_path.strip("/").split("/") if part],
        query=dict(request.query_params),
        body=await read_body(request),
        content_type=request.headers.get("content-type", ""),
        traceparent=request.headers.get("traceparent"),
        origin=f"{request.url.scheme}://{request.url.netloc}",
    )


async def read_body(request: Request) -> bytes:
    """The whole body. Raises `BodyTooLongError` before more than the limit is in memory."""
    if int(request.headers.get("content-length") or 0) > _LONGEST_BODY:
        raise BodyTooLongError
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > _LONGEST_BODY:
            raise BodyTooLongError
        parts.append(part)
    return b"".join(parts)


def headers_of(request: Request) -> dict[str, str]:
    """The headers with repeated ones in one line, as the worker protocol carries them."""
    joined: dict[str, str] = {}
    for name, value in request.headers.items():
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def response_to(value: TypedData | None) -> Response:
    """What the function returned, as HTTP."""
    kind = value.WhichOneof("data") if value else None
    if value is None or kind is None:
        return Response(status_code=204)
    if kind != "http":
        return Response(_content(value), media_type="text/plain")
    http = value.http
    response = Response(_content(http.body), int(http.status_code))
    for name, text in http.headers.items():
        response.headers[name] = text
    for cookie in http.cookies or ():
        _set_cookie(response, cookie)
    return response


def _content(value: TypedData) -> bytes:
    content: Any = getattr(value, value.WhichOneof("data") or "bytes", b"")
    return content if isinstance(content, bytes) else str(content).encode()


def _set_cookie(response: Response, cookie: Any) -> None:
    response.set_cookie(
        cookie.name,
        cookie.value,
        path=cookie.path.value if cookie.path else "/",
        domain=cookie.domain.value if cookie.domain else None,
        secure=bool(cookie.secure and cookie.secure.value),
        httponly=bool(cookie.http_only and cookie.http_only.value),
        samesite=cookie.same_site.lower() if cookie.same_site else None,
    )
