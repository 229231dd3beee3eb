"""`python -m drill`: attack a simulated tenant, let Firebreak contain and rebuild, and judge the result.

With `--scenario` another attack and containment alone, or, for recover-…, another way to recover; with `--trigger`
another sender of the signal; with `--twin` a real principal's incident in the world of its export. Exit status: 0
every fact of every verdict holds, 1 one does not, 2 a drill could not be carried out.
"""

import argparse
import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from drill import sandbox_options
from drill.contain import run_scenario
from drill.false_alarm import FALSE_ALARMS, run_false_alarm
from drill.granted import merged
from drill.options import DrillError, Json, Options
from drill.recover import run_recovery
from drill.rehearsal import agree, run_drill
from drill.results import Outcome, fresh, new_folder
from drill.scenarios import SCENARIOS
from drill.scenarios.recoveries import RECOVERIES
from drill.screens import Screen
from drill.sending import TRIGGERS
from drill.training_ground import TrainingGround
from drill.twins.panel import findings
from drill.twins.playing import run_twin

_DRILL = "drill"  # without --scenario: attack, containment and rebuild


def main() -> int:
    """Read the command line, run, and tell by the exit status how it went."""
    arguments = _parser().parse_args()
    # Without a terminal there is no width to obey; lines should not be broken at rich's default of 80.
    width = None if sys.stdout.isatty() else 120
    console = Console(quiet=arguments.json, highlight=False, width=width)
    try:
        outcomes = asyncio.run(_run(arguments, console))
    except DrillError as error:
        Console(stderr=True, highlight=False).print(
            f"The drill could not be carried out. {error}", markup=False
        )
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped; sandbox and host are down.")
        return 130
    if arguments.json:
        for outcome in outcomes:
            sys.stdout.write((outcome.folder / "verdict.json").read_text())
    return 0 if all(outcome.verdict["passed"] for outcome in outcomes) else 1


async def _run(arguments: argparse.Namespace, console: Console) -> list[Outcome]:
    task = asyncio.current_task()
    if task is not None:
        # Of SIGINT too: asyncio leaves it alone where it is ignored, as a shell has it for what runs in the background.
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    screen = Screen(console)
    options = Options(
        folder=arguments.folder,
        interactive=arguments.interactive,
        timeout_s=arguments.timeout,
        keep=arguments.keep,
        picture=arguments.svg,
        sandbox_options=sandbox_options.of(arguments),
        trigger=arguments.trigger if arguments.trigger != "all" else TRIGGERS[0],
    )

    if arguments.twin is not None:
        try:
            return [await _twin(arguments, options, screen)]
        finally:
            screen.close()

    if arguments.scenario is not None or arguments.trigger == "all":
        try:
            return await _each(arguments.scenario, arguments.trigger, options, screen)
        finally:
            screen.close()

    async def show(outcome: Outcome, ground: TrainingGround) -> None:
        screen.verdict(outcome.verdict)
        screen.results(outcome)
        if options.picture is not None:
            screen.save_picture(options.picture)
            console.print(f"  picture  {options.picture}")
        if options.keep:
            console.print(
                f"  Left up: {ground.host.ready['url']}, {ground.folder}. Ctrl-C ends it."
            )
            await asyncio.Event().wait()

    try:
        return [
            await run_drill(
                options, screen, decide=_ask if options.interactive else agree, afterwards=show
            )
        ]
    finally:
        screen.close()


async def _twin(arguments: argparse.Namespace, options: Options, screen: Screen) -> Outcome:
    """A real principal's incident, in the world of its export."""
    folder = fresh(options.folder) if options.folder else new_folder()
    decide = _ask if options.interactive else agree
    rehearsed = await run_twin(
        arguments.twin, arguments.mode, options, screen, folder, decide=decide
    )
    screen.verdict(rehearsed.outcome.verdict)
    screen.found(findings(rehearsed.found))
    screen.results(rehearsed.outcome)
    if options.picture is not None:
        screen.save_picture(options.picture)
    return rehearsed.outcome


async def _each(
    scenario: str | None, trigger: str, options: Options, screen: Screen
) -> list[Outcome]:
    """One after another, each with a sandbox and a host of its own; one table at the end."""
    folder = fresh(options.folder) if options.folder else new_folder()
    names = (*SCENARIOS, *RECOVERIES, *FALSE_ALARMS) if scenario == "all" else (scenario,)
    triggers = TRIGGERS if trigger == "all" else (trigger,)
    pairs = [(name, sender) for name in names for sender in triggers]
    outcomes: dict[str, Outcome] = {}
    for name, sender in pairs:
        title = " by ".join([name or _DRILL, sender] if trigger == "all" else [name or _DRILL])
        below = folder / title.replace(" ", "-") if len(pairs) > 1 else folder
        below.mkdir(exist_ok=True)
        screen.begin()
        chosen = replace(options, trigger=sender, folder=below)
        outcomes[title] = await _carried_out(name, chosen, screen, below)
        screen.verdict(outcomes[title].verdict)
        screen.results(outcomes[title])
    if len(pairs) > 1:
        screen.heading("All scenarios" if scenario == "all" else "All triggers", str(len(outcomes)))
        screen.scenarios({title: each.verdict for title, each in outcomes.items()})
        screen.unused(merged(each.permissions for each in outcomes.values()))
    return list(outcomes.values())


async def _carried_out(name: str | None, options: Options, screen: Screen, folder: Path) -> Outcome:
    decide = _ask if options.interactive else agree
    if name is None:
        return await run_drill(options, screen, decide=decide)
    if name in RECOVERIES:
        return await run_recovery(RECOVERIES[name], options, screen, folder, decide=decide)
    if name in FALSE_ALARMS:
        return await run_false_alarm(FALSE_ALARMS[name], options, screen, folder)
    return await run_scenario(SCENARIOS[name], options, screen, folder)


async def _ask(consent: Json) -> bool:
    """Ask at the keyboard, without a thread: Ctrl-C must not wait for somebody to press Enter."""
    question = f"  Do you consent to plan {consent['plan_hash'][:12]}? [y/n] "
    while True:
        sys.stdout.write(question)
        sys.stdout.flush()
        said = await _line()
        if said.strip().lower() in ("y", "yes"):
            return True
        if not said or said.strip().lower() in ("n", "no"):  # no line at all: nobody is there
            return False


async def _line() -> str:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drill", description=__doc__)
    parser.add_argument(
        "--scenario",
        choices=[*SCENARIOS, *RECOVERIES, *FALSE_ALARMS, "all"],
        help="another attack; recover-… recovers",
    )
    parser.add_argument(
        "--trigger",
        choices=[*TRIGGERS, "all"],
        default=TRIGGERS[0],
        help="who sends the signal; all: one drill by each",
    )
    twin = "rehearse the incident of an exported principal: firebreak twin export"
    parser.add_argument("--twin", type=Path, metavar="FILE", help=twin)
    parser.add_argument(
        "--mode", choices=["contain", "respond"], default="respond", help="with --twin: how deep"
    )
    parser.add_argument("--interactive", action="store_true", help="ask before consenting")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for the incident")
    parser.add_argument("--keep", action="store_true", help="leave everything up until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print nothing but the verdict")
    parser.add_argument("--svg", type=Path, help="save the terminal as a picture")
    parser.add_argument("--folder", type=Path, help="default: .drill/<time of day>")
    sandbox_options.add_to(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
