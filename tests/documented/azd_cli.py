"""`azd` for the tests of the documentation: settings are those that infra/ reads, values those that it answers with.

Source   https://learn.microsoft.com/azure/developer/azure-developer-cli/reference
"""

import os
import re
import sys
from pathlib import Path

_CLONE = Path(__file__).parent.parent.parent


def settings() -> set[str]:
    """What `azd env set` may set: whatever the parameters read."""
    text = (_CLONE / "infra" / "main.bicepparam").read_text()
    return set(re.findall(r"readEnvironmentVariable\('(\w+)'", text))


def outputs() -> set[str]:
    """What `azd env get-value` knows after `azd up`."""
    return set(re.findall(r"(?m)^output (\w+) ", (_CLONE / "infra" / "main.bicep").read_text()))


def main(words: list[str]) -> int:
    """One command line: 0, or 1 for a name that infra/ does not know, or 2 for a command that there is not."""
    match words:
        case ["env", "set", name, value] if value:
            known = name in settings()
        case ["env", "get-value", name]:
            known = name in {*outputs(), *settings()}
            sys.stdout.write(os.environ.get(f"AZD_{name}", f"value-of-{name}") + "\n")
        case (
            ["env", "new", _] | ["up"] | ["deploy"] | ["provision"] | ["down"] | ["down", "--purge"]
        ):
            known = True
        case _:
            sys.stderr.write(f"ERROR: unknown command {' '.join(words)}\n")
            return 2
    if not known:
        sys.stderr.write(f"ERROR: infra/ knows no {words[-1]}\n")
        return 1
    with Path(os.environ["TYPED_LOG"]).open("a") as log:
        log.write(f"azd {' '.join(words[:2])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
