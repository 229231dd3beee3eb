"""`python -m tests.crashing_host`: the local host, killed with SIGKILL at every step and started again.

FIREBREAK_TEST_CRASH_POINTS names the points, taken in turn: "ran" kills after a step's effects and
before its completion is kept; "before" and "after" kill on the two sides of that. Arguments are the
host's own.

Each host is a fork of this process, which has loaded the SDKs and nothing of ours: what a start costs is loading them.
"""

import importlib
import itertools
import os
import signal
import sys
import types
from typing import NoReturn

ENOUGH = 500  # kills; a run that needs more has lost its way
_SDKS = (
    "aiohttp",
    "azure.durable_functions",
    "azure.functions",
    "azure.identity.aio",
    "azure.mgmt.authorization.v2022_04_01.aio",
    "azure.mgmt.containerservice.aio",
    "azure.mgmt.monitor.aio",
    "azure.mgmt.resource.subscriptions.aio",
    "azure.monitor.query.aio",
    "azure.storage.blob",
    "azure_functions_runtime",
    "httpx",
    "kiota_authentication_azure.azure_identity_authentication_provider",
    "kubernetes.client",
    "msgraph_core",
    "structlog",
    "uvicorn",
    "yaml",
)


def main() -> int:
    """Restart until a run ends by itself. Kills are counted in the file that the environment names."""
    points = os.environ["FIREBREAK_TEST_CRASH_POINTS"].split(",")
    stride = int(os.environ["FIREBREAK_TEST_CRASH_STRIDE"])
    tally = os.environ["FIREBREAK_TEST_CRASH_TALLY"]
    child = 0
    stopping = False

    def stop(_signal: int, _frame: types.FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child:
            os.kill(child, signal.SIGTERM)

    for name in _SDKS:
        importlib.import_module(name)
    signal.signal(signal.SIGTERM, stop)
    for number, point in zip(range(1, ENOUGH, stride), itertools.cycle(points), strict=False):
        child = os.fork()
        if child == 0:
            _serve([*sys.argv[1:], "--crash-at", f"{point}:{number}+"])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        child = 0
        if stopping or code != -signal.SIGKILL:
            return 0 if stopping else code
        with open(tally, "a", encoding="utf-8") as kills:  # noqa: PTH123 - append, one line a kill
            kills.write(f"{point}:{number}\n")
    return 1


def _serve(arguments: list[str]) -> NoReturn:
    """What `python -m host` does."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from host.__main__ import main as serve  # noqa: PLC0415 - each host loads our code anew

    status = 1
    try:
        status = serve(arguments)
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    raise SystemExit(main())
