"""Runs the app's code through azure-functions' own converters, where Microsoft's worker library is absent.

The conversions are the same; the worker's checks at load (annotations, parameters without a binding) are missing.
"""

import asyncio
import functools
import importlib
import inspect
import traceback
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from host import functions
from host.errors import AppError
from host.functions import Function
from host.protos import Message, RpcHttp, TypedData
from host.worker import Metadata, Outcome


class RegistryRuntime:
    """The runtime over `azure.functions.get_binding_registry`."""

    def __init__(self) -> None:
        self._code: dict[str, Any] = {}
        # Not asyncio's own pool: at its end the loop would wait for a function that never returns.
        self._pool = ThreadPoolExecutor()

    async def load(self, folder: Path) -> list[Function]:
        """Import function_app.py and list the functions."""
        import azure.functions as func  # noqa: PLC0415 - the app decides which version, at its import

        try:
            module = importlib.import_module("function_app")
        except Exception as broken:
            raise AppError(f"{folder} doesn't load: {traceback.format_exc()}") from broken
        apps = [v for v in vars(module).values() if isinstance(v, func.FunctionRegister)]
        if len(apps) != 1:
            raise AppError(
                f"{folder}/function_app.py must define one function app, not {len(apps)}"
            )
        registry: Any = func
        self._converters = registry.get_binding_registry()
        self._meta = importlib.import_module("azure.functions.meta")
        loaded = []
        for indexed in apps[0].get_functions():
            name, function_id = str(indexed.get_function_name()), str(uuid.uuid4())
            if not functions.is_disabled(name):
                self._code[function_id] = indexed.get_user_function()
                retried = bool(indexed.get_settings_dict("retry_policy"))
                raw = indexed.get_raw_bindings()
                loaded.append(functions.parse(name, function_id, raw, retried=retried))
        return loaded

    async def call(
        self,
        function: Function,
        inputs: Mapping[str, TypedData],
        traceparent: str,
        metadata: Metadata,
    ) -> Outcome:
        """Run one function; any exception of its own is its failure."""
        del traceparent  # the worker library hands it to `context`, which isn't offered here
        code = self._code[function.function_id]
        try:
            said = {
                name: self._meta.Datum(
                    getattr(one, one.WhichOneof("data") or "json"), one.WhichOneof("data")
                )
                for name, one in metadata.items()
            }
            arguments = {
                name: self._decoded(function, name, data, said) for name, data in inputs.items()
            }
            outputs = {name: _Out() for name in function.outputs}
            arguments |= outputs
            if inspect.iscoroutinefunction(code):
                result = await code(**arguments)
            else:
                call = functools.partial(code, **arguments)
                result = await asyncio.get_running_loop().run_in_executor(self._pool, call)
            written = {
                name: self._output(one.get())
                for name, one in outputs.items()
                if one.get() is not None
            }
            return Outcome(value=self._encoded(function, result), outputs=written)
        except Exception as raised:  # noqa: BLE001 - the app's failure is data to its host
            return Outcome(error=f"{type(raised).__name__}: {raised}", stack=traceback.format_exc())

    def _output(self, value: Any) -> TypedData:
        datum = self._converters.get("queue").encode(value, expected_type=None)
        return TypedData(**{datum.type: datum.value})

    def _decoded(
        self, function: Function, name: str, data: TypedData, metadata: Mapping[str, Any]
    ) -> Any:
        if name in function.client_parameters:
            return data.string
        kind = data.WhichOneof("data")
        value = _datums(self._meta, data.http) if kind == "http" else getattr(data, kind or "json")
        converter = self._converters.get(function.kind)
        return converter.decode(self._meta.Datum(value, kind), trigger_metadata=metadata)

    def _encoded(self, function: Function, result: Any) -> TypedData | None:
        if function.kind in ("timerTrigger", "eventGridTrigger", "queueTrigger"):
            return None
        kind = "http" if function.kind == "httpTrigger" else function.kind
        if result is None and kind == "http":
            return None
        datum = self._converters.get(kind).encode(result, expected_type=None)
        if datum.type != "http":
            return TypedData(**{datum.type: datum.value})
        body = datum.value["body"]
        return TypedData(
            http=RpcHttp(
                status_code=datum.value["status_code"].value,
                headers={name: value.value for name, value in datum.value["headers"].items()},
                cookies=None,
                body=TypedData(**{body.type: body.value}),
            )
        )


class _Out:
    """An output as a function sees it: `func.Out`."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        """The value to send when the function has ended."""
        self._value = value

    def get(self) -> Any:
        """The value so far."""
        return self._value


def _datums(meta: Any, http: Message) -> dict[str, Any]:
    def texts(values: Mapping[str, str]) -> dict[str, Any]:
        return {name: meta.Datum(value, "string") for name, value in values.items()}

    return {
        "method": meta.Datum(http.method, "string"),
        "url": meta.Datum(http.url, "string"),
        "headers": texts(http.headers),
        "query": texts(http.query),
        "params": texts(http.params),
        "body": meta.Datum(http.body.bytes, "bytes"),
    }
