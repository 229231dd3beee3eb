"""`python -m sandbox --state DIR [--first-port N]`: serve the pretend cloud until SIGTERM."""

import argparse
import asyncio
import logging
from pathlib import Path

from sandbox.server import run


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for sandbox.json, CA")
    parser.add_argument("--first-port", type=int, default=0, help="default: any free ports")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(run(arguments.state.resolve(), arguments.first_port))


if __name__ == "__main__":
    main()
