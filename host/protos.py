"""Stand-ins for the protobuf messages that Microsoft's worker library exchanges with a host.

The library takes its message classes from the host, so plain objects will do: they keep their keywords as attributes.
"""

from typing import TYPE_CHECKING, Any


class Message:
    """Any message: the keywords it was made with are its fields."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    if TYPE_CHECKING:  # the fields are whatever the message was made with

        def __getattr__(self, name: str) -> Any:
            """Any field."""

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802 - protobuf's own name
        """The one field that is set, of the two messages that the library asks."""
        if group == "rpc_data":
            return "data"
        return next(iter(self.__dict__), None)


class TypedData(Message):
    """One value: `string`, `json`, `bytes`, `collection_string` or `http`."""


class ParameterBinding(Message):
    """A named value on its way in or out."""


class StatusResult(Message):
    """How an invocation ended."""

    Success = 1
    Failure = 0


class BindingInfo(Message):
    """A binding as the library announces it; directions as in azure-functions' own enum."""

    out = 1
    inout = 2
    undefined = None


class RpcHttpCookie(Message):
    """A Set-Cookie of a response."""

    class SameSite:
        """The attribute's values."""

        Lax = "Lax"
        Strict = "Strict"
        ExplicitNone = "None"


setattr(RpcHttpCookie.SameSite, "None", None)


class Timestamp(Message):
    """Seconds since the epoch."""


class RpcHttp(Message):
    """An HTTP response."""


WorkerInitResponse = WorkerMetadata = FunctionMetadataResponse = InvocationResponse = Message
RpcException = RpcFunctionMetadata = RpcRetryOptions = Message
NullableString = NullableBool = NullableDouble = NullableTimestamp = Message
