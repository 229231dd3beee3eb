"""`make` for the tests of the documentation: by the tests' interpreter; what runs elsewhere is only expanded."""

import os
import re
import subprocess
import sys
from pathlib import Path

_CLONE = Path(__file__).parent.parent.parent
_OWN = ["-o", ".venv/.installed", f"BIN={Path(sys.executable).parent}"]


def expanded(words: list[str]) -> list[str]:
    """The lines that make would run. Raises `CalledProcessError` for a target that is not there."""
    run = subprocess.run(
        ["/usr/bin/env", "make", "-n", *_OWN, *words],
        cwd=_CLONE,
        env={**os.environ, "PATH": os.environ["PATH"].partition(":")[2]},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()


def main(words: list[str]) -> int:
    """One command line."""
    elsewhere = set(os.environ["MAKE_ELSEWHERE"].split())
    targets = [one for one in words if re.fullmatch(r"[a-z-]+", one)]
    with Path(os.environ["TYPED_LOG"]).open("a") as log:
        log.write(f"make {' '.join(words)}\n")
    if elsewhere & set(targets):
        return 0 if expanded(words) else 1
    surroundings = {**os.environ, "PATH": os.environ["PATH"].partition(":")[2]}
    return subprocess.run(
        ["/usr/bin/env", "make", *_OWN, *words], cwd=_CLONE, env=surroundings, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
