"""What the documentation has people type works: every block is typed, every command in a sentence is one that there is.

`firebreak`, `make`, `curl` and `jq` are the real ones; `az` is parsed by the real CLI's grammar and carried out in the
sandbox (`tests/documented/az_cli.py`), `azd` is held against infra/. What a page needs: `tests/documented/readers.py`.
"""

import html
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import typer.main
from typer.core import TyperGroup

from cli import __main__
from drill.quiet.__main__ import names
from drill.training_ground import Layout, opened
from tests.documented import az_cli, levers
from tests.documented.blocks import ROOT, SCRIPTS, blocks, fences, pages, spoken
from tests.documented.readers import READERS
from tests.documented.terminal import ELSEWHERE, Desk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_ON_ONE_DESK = pytest.mark.asyncio(loop_scope="module")
assert levers.__name__, "its reader is among READERS once it is imported"
# Pages that need a drill's results before them: typed by the exhaustive tests below, from the first line to the last.
_AFTER_A_DRILL = frozenset({"docs/tutorial.md"})
# Pages that start an app of their own, whose commands other pages and tests/test_cli_on_host.py type as well.
_LONG = frozenset({"docs/how-to/break-glass.md", "docs/how-to/check-a-deployment.md"})
_TYPED = [
    page.relative_to(ROOT).as_posix()
    for page in pages()
    if blocks(page) and page.relative_to(ROOT).as_posix() not in _AFTER_A_DRILL
]
_MARKED = [
    pytest.param(page, marks=pytest.mark.exhaustive if page in _LONG else ()) for page in _TYPED
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder = tmp_path_factory.mktemp("documented")
    layout = Layout(folder=folder / "ground", host_environment={})
    layout.folder.mkdir()
    async with opened(layout) as ground:
        await ground.control.no_delays()
        yield await Desk.furnished(ground, folder)


@_ON_ONE_DESK
@pytest.mark.parametrize("page", _MARKED)
async def test_whatever_a_page_has_people_type_does_what_the_page_says(
    desk: Desk, page: str
) -> None:
    found = blocks(ROOT / page)
    if page in READERS:
        await READERS[page](desk, *found)
        return
    for one in found:
        await desk.types(one)


# --- what is not typed, by name ---------------------------------------------------------------------------------------

_PARSED_ONLY = (
    17  # a command more that the sandbox does not carry out is decided here, with its reason there
)


def _texts() -> str:
    typed = [one.text for page in pages() for one in blocks(page)]
    return "\n".join([*typed, *(path.read_text() for path in SCRIPTS)])


def test_what_is_only_parsed_is_named_and_in_use() -> None:
    texts = " ".join(_texts().split())

    assert len(az_cli.PARSED_ONLY) == _PARSED_ONLY
    assert [one for one in az_cli.PARSED_ONLY if f"az {one}" not in texts] == []
    assert [one for one in az_cli.OPERATIONS if f"az {one}" not in texts] == []
    assert not set(az_cli.PARSED_ONLY) & set(az_cli.OPERATIONS)
    assert all(len(reason) > 20 for reason, _ in az_cli.PARSED_ONLY.values())


def test_every_page_with_a_reader_has_something_to_type() -> None:
    assert set(READERS) <= set(_TYPED)


def test_what_make_runs_elsewhere_is_run_where_it_says() -> None:
    named = set(re.findall(r"^make ([a-z-]+)", "\n".join(_make_lines()), re.M))

    assert set(ELSEWHERE) <= named
    for where in ELSEWHERE.values():
        for path in re.findall(r"tests/\S+\.py", where):
            assert list(ROOT.glob(path.rstrip(";,"))), path


def _made(words: str) -> list[str]:
    """What make would run for these words of a page, less the interpreter."""
    run = subprocess.run(
        ["make", "-n", "-o", ".venv/.installed", *shlex.split(words, comments=True)[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"{words}: {run.stderr}"
    return run.stdout.splitlines()


def _make_lines() -> list[str]:
    joined = re.sub(r"\$\([^)]*\)", "x", _texts())
    typed = [line for line in joined.splitlines() if line.startswith("make ")]
    said = [words for page in pages() for _, words in spoken(page) if words.startswith("make ")]
    return sorted({re.sub(r"<[^>]*>|…", "x", one) for one in (*typed, *said)})


def test_every_make_on_a_page_is_a_target_with_options_that_its_program_takes() -> None:
    helps: dict[str, str] = {}
    for words in _make_lines():
        for line in _made(words):
            if (match := re.search(r"python -m ([\w.]+)(.*)", line)) is None:
                continue
            module, rest = match[1], match[2]
            options = re.findall(r"(?<=\s)--[a-z-]+", rest)
            if not options or module.startswith(("pytest", "pip")):
                continue
            if module not in helps:
                helps[module] = _help(module)
            for option in options:
                assert option in helps[module], f"{words}: {module} has no {option}"


def _help(module: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


def _commands() -> dict[str, set[str]]:
    """Command of the command line -> its options; "" has those before the command."""
    group = typer.main.get_command(__main__.firebreak)
    assert isinstance(group, TyperGroup)
    found = {name: _flags(one) for name, one in group.commands.items()}
    before = {flag for one in group.params for flag in (*one.opts, *one.secondary_opts)}
    return {**found, "": before}


def _flags(command: Any) -> set[str]:
    """Its own; of a command with commands in it, theirs."""
    inner = command.commands.values() if isinstance(command, TyperGroup) else ()
    own = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    return own.union(*(_flags(one) for one in inner))


def _mentioned(said: str) -> set[str]:
    """Options in a sentence's command; `--enable-…` is half of one."""
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*(?![\w-]|…)", re.sub(r"'[^']*'", "x", said)))


def test_every_command_in_a_sentence_is_one_that_there_is() -> None:
    firebreak = _commands()
    everywhere = {"--output", "-o", "--query", "--only-show-errors"}
    for page, line, said in _sentences():
        tool, *words = said.split()
        where = f"{page}:{line}: {said}"
        if tool == "firebreak":
            names = [
                one for one in words if re.fullmatch(r"[a-z-]+[a-z]", one) and one in firebreak
            ]
            assert names or "--local" in words, where
            known = firebreak[names[0]] if names else set()
            assert _mentioned(said) <= known | firebreak[""], where
        elif tool == "az":
            name, _ = az_cli.split([one for one in words if one[0] not in "-<[…"][:6])
            known = {flag for one in az_cli.grammar()[name]["options"] for flag in one["flags"]}
            assert _mentioned(said) <= known | everywhere, where
        elif tool == "azd":
            assert words[0] in {"up", "deploy", "down", "env", "provision"}, where


def _sentences() -> list[tuple[str, int, str]]:
    return [(page.name, line, said) for page in pages() for line, said in spoken(page)]


def test_every_kubectl_in_a_sentence_is_a_command_of_kubectl() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here")
    said = {words for _, _, words in _sentences() if words.startswith("kubectl ")}
    verbs = {tuple(re.findall(r"(?<= )[a-z]+(?![\w…])", one)[:2]) for one in said}
    for verb in sorted(verbs):
        words = verb if verb[0] in {"set", "rollout", "config"} else verb[:1]
        run = subprocess.run(["kubectl", *words, "--help"], capture_output=True, check=False)
        assert run.returncode == 0, verb


# --- what a page shows of a play --------------------------------------------------------------------------------------

_PLAYED = re.compile(r"`make run PLAYBOOK=(\w+)`")
_FACT = re.compile(r"^  (?:[✓✗]) (.{14})(\S.*)$", re.M)


def shown() -> dict[str, str]:
    """Playbook -> what its page shows of `make run`."""
    found: dict[str, str] = {}
    for page in pages():
        text = page.read_text()
        for start, language, inside in fences(text):
            if not language and "facts hold." in inside:
                found[_PLAYED.findall(text[:start])[-1]] = inside
    return found


def facts(text: str) -> list[tuple[str, str]]:
    """(noun, fact), each with its noun; a page may shorten the list by a line of dots."""
    found, noun = [], ""
    for said, fact in _FACT.findall(text):
        noun = said.strip() or noun
        found.append((noun, fact.strip()))
    return found


def _plays(name: str, folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "drill.quiet", name, "--folder", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    page, played = shown()[name], facts(run.stdout)
    assert run.returncode == 0, run.stdout
    remaining = iter(played)
    missing = [one for one in facts(page) if one not in remaining]
    assert missing == [], f"the page of {name} shows what is not said any more"
    if not re.search(r"^ +…$", page.partition("✓")[2], re.M):
        assert facts(page) == played, f"the page of {name} does not show all of it"
    assert f"All {len(played)} facts hold." in page, f"{name} has {len(played)} facts"


def test_every_playbook_of_quiet_days_shows_on_its_page_what_a_play_says() -> None:
    assert set(shown()) == set(names())


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", names())
def test_every_play_says_what_its_page_shows(name: str, tmp_path: Path) -> None:
    _plays(name, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
@_ON_ONE_DESK
async def test_the_tutorial_is_typed_from_its_first_line_to_its_last(desk: Desk) -> None:
    first, look, less, grep, serve, interactive, scenario, verify = blocks(
        ROOT / "docs" / "tutorial.md"
    )
    really = {"MAKE_ELSEWHERE": " ".join(sorted(set(ELSEWHERE) - {"drill"}))}
    said = await desk.types(first, given=really)
    assert "facts hold" in said.out
    listed = (await desk.types(look)).out.split()
    assert {"verdict.json", "incident-report.md", "evidence", "traffic.jsonl", "host.log"} <= set(
        listed
    )
    assert "may be planted" in (await desk.types(less)).out
    steps = [json.loads(line) for line in (await desk.types(grep)).out.splitlines()]
    assert {one.get("event") for one in steps} >= {"intent", "outcome"}
    verdict = json.loads((desk.folder / ".drill" / "latest" / "verdict.json").read_text())
    _the_picture_shows([one["fact"] for one in verdict["facts"]])
    assert "intact" in (await desk.types(verify, given=really)).out
    await desk.types(serve)
    # Answered with no, as the page wants it: make says 2 where a program ends with 1.
    no = replace(interactive, text=f"echo n | {interactive.text}")
    assert "not hold" in (await desk.types(no, given=really, status=2)).out
    assert "facts hold" in (await desk.types(scenario, given=really)).out


def _the_picture_shows(told: list[str]) -> None:
    """The README opens with the picture of a drill: `make drill ARGS="--svg docs/images/drill.svg"` takes it anew."""
    picture = (ROOT / "docs" / "images" / "drill.svg").read_text()
    text = html.unescape(re.sub(r"<[^>]+>", "", picture)).replace("\xa0", " ")
    assert [one for one in told if one not in text] == []
    assert f"All {len(told)} facts hold." in text
