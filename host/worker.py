"""Runs the app's code through Microsoft's worker library, the one Azure itself uses.

`azure-functions-runtime` is what a Python 3.13 app runs on in Azure: its indexing, its checks at load and its
conversions apply here unchanged. https://github.com/Azure/azure-functions-python-worker
"""

import asyncio
import contextvars
import importlib.util
import secrets
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from host import functions, log, protos
from host.errors import AppError
from host.functions import Function
from host.protos import ParameterBinding, TypedData


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended: with a value (perhaps None) or with an error."""

    value: TypedData | None = None
    outputs: Mapping[str, TypedData] = field(default_factory=dict)  # by argument
    error: str | None = None  # "ValueError: …"
    stack: str = ""


# What a trigger says beside its data: of a queue message its id, its dequeue count and so on.
Metadata = Mapping[str, TypedData]


class Runtime(Protocol):
    """Loads an app and calls its functions; this module's or `registry_runtime`'s."""

    async def load(self, folder: Path) -> list[Function]:
        """Import function_app.py and list its functions."""

    async def call(
        self,
        function: Function,
        inputs: Mapping[str, TypedData],
        traceparent: str,
        metadata: Metadata,
    ) -> Outcome:
        """Run one function to its end; its exceptions are outcomes."""


class WorkerLibrary:
    """The runtime over `azure_functions_runtime`."""

    async def load(self, folder: Path) -> list[Function]:
        """Import function_app.py, let the library check it, and list the functions."""
        import azure_functions_runtime as library  # noqa: PLC0415 - optional, see `open_runtime`

        self._library = library
        library.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
        answer = await library.worker_init_request(_request(worker_init_request=init))
        if answer.result.status != protos.StatusResult.Success:
            problem = answer.result.exception
            raise AppError(f"{folder} doesn't load: {problem.message}\n{problem.stack_trace}")
        metadata = (await library.functions_metadata_request(None)).function_metadata_results
        if metadata is None:
            raise AppError(f"{folder} has no function_app.py")
        return [
            functions.parse(
                m.name, m.function_id, m.raw_bindings, retried=m.retry_options is not None
            )
            for m in metadata
            if not functions.is_disabled(m.name)
        ]

    async def call(
        self,
        function: Function,
        inputs: Mapping[str, TypedData],
        traceparent: str,
        metadata: Metadata,
    ) -> Outcome:
        """Run one function; the library turns its exceptions into failures."""
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),
            function_id=function.function_id,
            input_data=[ParameterBinding(name=n, data=data) for n, data in inputs.items()],
            trigger_metadata=metadata,
            trace_context=SimpleNamespace(trace_parent=traceparent, trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        answer = await self._library.invocation_request(_request(invocation_request=invocation))
        if answer.result.status != protos.StatusResult.Success:
            problem = answer.result.exception
            return Outcome(error=problem.message, stack=problem.stack_trace)
        written = {one.name: one.data for one in answer.output_data or ()}
        return Outcome(value=answer.return_value, outputs=written)


class OutputError(Exception):
    """What a function put into an output can't be sent."""


Send = Callable[[str, TypedData], None]


def _nowhere(queue: str, _: TypedData) -> None:
    raise OutputError(f"there is no queue {queue}")


class Worker:
    """The loaded app: its functions by name, and how to call one."""

    def __init__(self, runtime: Runtime, timeout: timedelta | None) -> None:
        self._runtime = runtime
        self._timeout_s = timeout.total_seconds() if timeout else None
        self.functions: list[Function] = []
        self.client_binding = ""  # what a durable client is built from; set once ports are known
        self.send: Send = _nowhere  # where outputs go; set once there are queues

    async def load(self, folder: Path) -> None:
        """Import the app. Raises `AppError`, with the reason, where it can't be served."""
        sys.path.insert(0, str(folder))
        self.functions = await self._runtime.load(folder)
        log.info("app loaded", functions={f.name: f.kind for f in self.functions})

    def find(self, kind: str, name: str) -> Function | None:
        """The function of that kind and name; Functions compares names without case."""
        wanted = name.lower()
        return next((f for f in self.of(kind) if f.name.lower() == wanted), None)

    def of(self, kind: str) -> list[Function]:
        """All functions with that trigger."""
        return [f for f in self.functions if f.kind == kind]

    async def call(
        self,
        function: Function,
        data: TypedData,
        traceparent: str | None = None,
        metadata: Metadata | None = None,
    ) -> Outcome:
        """Run a function in an empty context, within host.json's `functionTimeout`.

        What it put into its outputs is sent before it counts as ended, as in Azure: an output that can't be sent
        is the function's failure.
        """
        outcome = await self._call(function, data, traceparent, metadata or {})
        if outcome.error is None:
            try:
                for name, value in outcome.outputs.items():
                    self.send(function.outputs[name], value)
            except OutputError as refused:
                return Outcome(error=f"{type(refused).__name__}: {refused}")
        return outcome

    async def _call(
        self, function: Function, data: TypedData, traceparent: str | None, metadata: Metadata
    ) -> Outcome:
        inputs = {
            name: TypedData(string=self.client_binding) for name in function.client_parameters
        }
        inputs[function.parameter] = data
        running = asyncio.get_running_loop().create_task(
            self._runtime.call(function, inputs, traceparent or new_traceparent(), metadata),
            # What the app puts into its context (structlog's contextvars) must not reach whoever
            # this task starts next: in Azure too, each invocation begins with an empty context.
            context=contextvars.Context(),
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                return await running
        except TimeoutError:
            log.error("function timed out", function=function.name, timeout_s=self._timeout_s)
            return Outcome(
                error=f"Timeout value of {self._timeout_s} s exceeded by function {function.name}"
            )


def new_traceparent(trace_id: str | None = None) -> str:
    """A W3C trace context, in the given trace or a new one.

    https://www.w3.org/TR/trace-context/
    """
    return f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def open_runtime() -> Runtime:
    """Microsoft's worker library where it is installed, else azure-functions' own converters."""
    if importlib.util.find_spec("azure_functions_runtime") is None:
        from host.registry_runtime import RegistryRuntime  # noqa: PLC0415 - the exception path

        log.warning("azure-functions-runtime isn't installed: the app is checked less strictly")
        return RegistryRuntime()
    return WorkerLibrary()


def _request(**kinds: Any) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**kinds), properties={"host": "127.0.0.1", "protos": protos}
    )
