"""`python -m twin export | check | schema`: read a principal into a file, look whether a file is one, print its schema.

It acts as whoever FIREBREAK_CREDENTIAL names, and reads only. Exit status: 0 done, 1 refused or not readable, which is
said with what to do next.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from playbooks import policy as policies
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.model import Hint
from responders.settings import Settings
from responders.untrusted import visible
from twin import document, export
from twin.document import Export

_PRIVATE = 0o600  # names of people, and a map of what an identity opens


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command."""
    wanted = _parser().parse_args(arguments)
    try:
        match wanted.command:
            case "export":
                _export(wanted)
            case "check":
                _show(document.read(wanted.file))
            case _:
                sys.stdout.write(json.dumps(document.schema(), indent=1, sort_keys=True) + "\n")
    except (ResponderError, policies.PolicyError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


def _export(wanted: argparse.Namespace) -> None:
    hint: Hint = {}
    if wanted.object_id:
        hint = {"object_id": wanted.object_id}
    elif wanted.app_id:
        hint = {"app_id": wanted.app_id}
    else:
        hint = {"resource_id": wanted.resource_id}
    found = asyncio.run(_taken(hint, pseudonymous=wanted.pseudonyms))
    # The folder may be anybody's: the file is the reader's alone, and nothing that is there is overwritten.
    opened = os.open(wanted.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(document.written(found))
    _show(found)
    _say(f"{wanted.out}: look through it before it goes anywhere")


async def _taken(hint: Hint, *, pseudonymous: bool) -> Export:
    policy = policies.load(Settings.from_environ().policy)
    cloud = await Cloud.connect()
    try:
        return await export.take(cloud, hint, policy, pseudonymous=pseudonymous)
    finally:
        await cloud.close()


def _show(found: Export) -> None:
    whom = found.principal
    _say(f"{whom.kind.replace('_', ' ')} {whom.display_name} ({whom.app_id}), {found.exported_at}")
    for one in found.review.contains:
        _say(f"  {one.count:>5}  {one.what}: {one.why}")
    for never in found.review.never:
        _say(f"         {never}")
    _say(f"  plan   {_planned(found)}")
    for gap in found.gaps:
        _say(f"  gap    {gap}")


def _planned(found: Export) -> str:
    if found.plan is None:
        return found.not_rebuilt or "none"
    clusters = [one for one in found.plan["clusters"] if one["acts"]]
    return (
        f"{found.plan['display_name']}, moved in {len(clusters)} of {len(found.clusters)} clusters"
    )


def _say(line: str) -> None:
    """Names in a tenant are whatever somebody wrote there."""
    sys.stdout.write(f"{visible(line)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m twin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    taking = commands.add_parser("export", help="read a principal into a new file")
    one = taking.add_mutually_exclusive_group(required=True)
    one.add_argument("--object-id", help="of the service principal")
    one.add_argument("--app-id", help="client id")
    one.add_argument("--resource-id", help="of a managed identity")
    taking.add_argument("--out", type=Path, required=True, help="a file that is not there yet")
    taking.add_argument("--pseudonyms", action="store_true", help="names of people are replaced")
    checking = commands.add_parser("check", help="whether a file is an export, and what is in it")
    checking.add_argument("file", type=Path)
    commands.add_parser("schema", help="the JSON Schema of the file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
