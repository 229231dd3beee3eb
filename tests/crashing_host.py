"""`python -m tests.crashing_host`: the local host, killed with SIGKILL at every step and started again.

FIREBREAK_TEST_CRASH_POINTS names the points, taken in turn: "ran" kills after a step's effects and
before its completion is kept; "before" and "after" kill on the two sides of that. Arguments are the
host's own.
"""

import itertools
import os
import signal
import subprocess
import sys
import types

ENOUGH = 200  # kills; a run that needs more has lost its way


def main() -> int:
    """Restart until a run ends by itself. Kills are counted in the file that the environment names."""
    points = os.environ["FIREBREAK_TEST_CRASH_POINTS"].split(",")
    stride = int(os.environ["FIREBREAK_TEST_CRASH_STRIDE"])
    tally = os.environ["FIREBREAK_TEST_CRASH_TALLY"]
    child: subprocess.Popen[bytes] | None = None
    stopping = False

    def stop(_signal: int, _frame: types.FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child is not None:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    for number, point in zip(range(1, ENOUGH, stride), itertools.cycle(points), strict=False):
        command = [sys.executable, "-m", "host", *sys.argv[1:], "--crash-at", f"{point}:{number}+"]
        child = subprocess.Popen(command)
        code = child.wait()
        if stopping or code != -signal.SIGKILL:
            return 0 if stopping else code
        with open(tally, "a", encoding="utf-8") as kills:  # noqa: PTH123 - append, one line a kill
            kills.write(f"{point}:{number}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
