"""`python -m sandbox --state DIR [--first-port N] [--clusters N] [--world NAME | --twin FILE]`: serve.

With `--permissions FILE` Firebreak's own identities get what this file says.
"""

import argparse
import asyncio
import logging
from pathlib import Path

from sandbox.granted import FILE, FULL, read
from sandbox.seed import names
from sandbox.seed.twins import reading
from sandbox.seed.worlds import PLAIN, WORLDS
from sandbox.server import run


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for sandbox.json, CA")
    parser.add_argument("--first-port", type=int, default=0, help="default: any free ports")
    clusters = "how many AKS clusters there are"
    parser.add_argument("--clusters", type=_number, default=names.DEFAULT_CLUSTERS, help=clusters)
    parser.add_argument("--world", choices=WORLDS, default=PLAIN, help="what it begins with")
    twin = "an export of a principal: the world is made of it"
    parser.add_argument("--twin", type=Path, help=twin)
    parser.add_argument(
        "--permissions", type=Path, default=FILE, help="what Firebreak's identities are given"
    )
    parser.add_argument("--profile", default=FULL, help="of the permission file")
    arguments = parser.parse_args()
    try:
        granted = read(arguments.permissions, arguments.profile)
    except (OSError, ValueError, KeyError) as wrong:
        parser.error(f"--permissions: {wrong}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    folder: Path = arguments.state.resolve()
    try:
        world = arguments.world if arguments.twin is None else reading.read(arguments.twin)
    except ValueError as wrong:
        parser.exit(2, f"{wrong}\n")
    asyncio.run(run(folder, arguments.first_port, arguments.clusters, world, granted))


def _number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: one cluster at least")
    return int(text)


if __name__ == "__main__":
    main()
