"""What the Azure CLI takes: the options of each command that our pages name, read from the CLI itself.

    PYTHONPATH=. <azure-cli's python> -m tests.documented.az_grammar > tests/documented/az_grammar.json

The CLI is a gigabyte, so the tests hold this much of it. What extensions add stands here, from their source.

Source   https://github.com/Azure/azure-cli; the version stands in the file
         https://github.com/Azure/azure-cli-extensions/blob/main/src/authV2/azext_authV2/_params.py
         https://github.com/Azure/azure-cli-extensions/blob/main/src/resource-graph/azext_resourcegraph/_params.py
"""

import argparse
import contextlib
import importlib
import io
import json
import re
import sys
from typing import Any

from tests.documented.blocks import SCRIPTS, blocks, pages, spoken

_COMMAND = re.compile(r"(?<![\w/.-])az((?: [a-z][a-z0-9-]*)+)")
_SITE = (("--name", "-n", True), ("--resource-group", "-g", True), ("--slot", "-s", False))
_STATES = ["false", "true"]
# What every command takes stands in az_cli.py; what no person types is left out.
_EVERYWHERE = ("--help", "-h", "--output", "--query", "--verbose", "--debug", "--only-show-errors")
_INSIDE = ("--_", "--cmd")


def named() -> set[str]:
    """Whatever may be a command of az on a page; some words too long where prose follows."""
    texts = [one.text for page in pages() for one in blocks(page)]
    texts += [said for page in pages() for _, said in spoken(page)]
    texts += [path.read_text() for path in SCRIPTS]
    return {match[1].strip() for text in texts for match in _COMMAND.finditer(text)}


def _option(*flags: str, **more: Any) -> dict[str, Any]:
    return {"flags": sorted(flags), **{key: value for key, value in more.items() if value}}


def _sites() -> list[dict[str, Any]]:
    sites = [_option(long, short, required=needed, part=needed) for long, short, needed in _SITE]
    return [*sites, _option("--subscription")]


def extensions() -> dict[str, Any]:
    """Command -> its extension and its options."""
    auth = [
        *_sites(),
        _option("--enabled", nargs="?", choices=_STATES),
        _option(
            "--unauthenticated-client-action",
            "--action",
            choices=["AllowAnonymous", "RedirectToLoginPage", "RejectWith401", "RejectWith404"],
        ),
        _option("--redirect-provider"),
        _option("--require-https", nargs="?", choices=_STATES),
    ]
    microsoft = [
        *_sites(),
        _option("--client-id"),
        _option("--client-secret-setting-name", "--secret-setting"),
        _option("--issuer"),
        _option("--tenant-id"),
        _option("--allowed-token-audiences", "--allowed-audiences"),  # one text, with commas
        _option("--yes", "-y", action="store_true"),
    ]
    query = [
        _option("--graph-query", "--q", "-q", required=True),
        _option("--first"),
        _option("--skip"),
        _option("--skip-token"),
        _option("--subscriptions", "-s", nargs="*"),
        _option("--management-groups", nargs="*"),
        _option("--allow-partial-scopes", "-a", nargs="?", choices=_STATES),
    ]
    return {
        "webapp auth update": {"extension": "authV2", "options": auth},
        "webapp auth microsoft update": {"extension": "authV2", "options": microsoft},
        "graph query": {"extension": "resource-graph", "options": query},
    }


def read(wanted: set[str]) -> dict[str, Any]:
    """Command -> options, for each that the CLI has: from the parser that it builds to show its own help."""
    core: Any = importlib.import_module("azure.cli.core")
    events: Any = importlib.import_module("knack.events")
    found: dict[str, Any] = {}
    cli = core.get_default_cli()

    def keep(_: Any, cmd_tbl: Any, parser: Any, **__: Any) -> None:
        for name in set(cmd_tbl) & prefixes:
            options = _options(_of(parser, name.split()), _parts(cmd_tbl[name]))
            found[name] = {"extension": None, "options": options}

    cli.register_event(events.EVENT_INVOKER_CMD_TBL_LOADED, keep)
    for words in sorted(wanted):
        parts = words.split()
        # What follows a command's name may be a value.
        prefixes = {" ".join(parts[:count]) for count in range(1, len(parts) + 1)}
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            cli.invoke([*parts, "--help"])
    return found


def _of(parser: Any, words: list[str]) -> Any:
    """The parser of one command, through those of its groups."""
    for word in words:
        (groups,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
        parser = groups.choices[word]
    return parser


def _parts(command: Any) -> set[str]:
    """Options that stand for a part of a resource id, for which `--ids` may stand."""
    settings = [one.type.settings for one in command.arguments.values()]
    given = [one.get("options_list") or [] for one in settings if one.get("id_part")]
    return {str(flag) for flags in given for flag in flags}


def _options(parser: Any, parts: set[str]) -> list[dict[str, Any]]:
    options = []
    for one in parser._actions:
        flags = [str(getattr(flag, "target", flag)) for flag in one.option_strings]
        if not flags or flags[0] in _EVERYWHERE or flags[0].startswith(_INSIDE):
            continue
        takes_nothing = one.nargs == 0
        options.append(
            _option(
                *flags,
                action="store_true" if takes_nothing else None,
                choices=sorted(map(str, one.choices)) if one.choices else None,
                nargs=None if takes_nothing else one.nargs,
                part=bool(parts & set(flags)),
                required=one.required,
            )
        )
    return options


def main() -> None:
    """Write all of it to standard output."""
    version = importlib.import_module("azure.cli.core").__version__
    commands = {**read(named()), **extensions()}
    lines = [
        f"{json.dumps(name)}: {json.dumps(commands[name], sort_keys=True)}"
        for name in sorted(commands)
    ]
    joined = ",\n".join(lines)
    sys.stdout.write(f'{{"version": "{version}", "commands": {{\n{joined}\n}}}}\n')


if __name__ == "__main__":
    main()
