"""`python -m drill.serve`: sandbox and host left up, seeded, with commands to try, until Ctrl-C."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
from pathlib import Path

from rich.console import Console

from drill import examples, kubeconfig, sandbox_options
from drill.alert import log_alert
from drill.examples import Files
from drill.minting import cluster_token
from drill.observing import target_of
from drill.options import ROOT, DrillError
from drill.panels import move
from drill.responder import ACTION_GROUPS, NAME
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened
from sandbox.attacks.attacker import Attacker, AttackFailedError
from sandbox.attacks.compromise import compromise

_LOOK_EVERY_S = 1.0


def main() -> int:
    """Read the command line and serve."""
    arguments = _parser().parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        asyncio.run(_serve(arguments, console))
    except (DrillError, AttackFailedError) as error:
        console.print(f"Serving failed. {error}", markup=False)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped; sandbox and host are down.")
    return 0


async def _serve(arguments: argparse.Namespace, console: Console) -> None:
    task = asyncio.current_task()
    if task is not None:
        for number in (
            signal.SIGINT,
            signal.SIGTERM,
        ):  # SIGINT is ignored in what a shell has put in the background
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    folder: Path = arguments.folder.resolve()
    _forget_last_time(folder)
    layout = Layout(
        folder=folder,
        first_port=arguments.first_port,
        host_port=arguments.port,
        host_environment={},
        sandbox_options=sandbox_options.of(arguments),
    )
    async with opened(layout) as ground:
        files = await _write_files(ground)
        if arguments.attack:
            await _attack(ground, console)
        _explain(ground, files, console)
        while True:
            ground.check()
            await asyncio.sleep(_LOOK_EVERY_S)


def _forget_last_time(folder: Path) -> None:
    """The sandbox begins anew, so what was kept of an older one would speak of a world that is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sandbox", "host", "evidence", "az"):  # az caches tokens of the older one
        shutil.rmtree(folder / name, ignore_errors=True)


async def _write_files(ground: TrainingGround) -> Files:
    """Tokens and keys go into private files: commands name them, and no terminal shows them."""
    folder, described = ground.folder, ground.described
    target = target_of(described)
    attacker = Attacker(ground.http, described["endpoints"], described["tenant_id"])
    mounted = await attacker.read_mounted_token(
        target.cluster, target.namespace, target.service_account
    )
    responder = await ground.control.sign_in(NAME, AUDIENCE)
    alert = json.dumps(log_alert(described, target.object_id), indent=2)
    private = kubeconfig.write_private
    return Files(
        function_key=private(folder / "function.key", ground.keys["functionKeys"]["default"]),
        responder_token=private(folder / "responder.token", responder),
        webhook_token=private(
            folder / "webhook.token", await ground.control.sign_in_app(ACTION_GROUPS, AUDIENCE)
        ),
        workload_token=private(folder / "orders-api.token", mounted or ""),
        kubeconfig=kubeconfig.write(folder / "kubeconfig", described, await cluster_token(ground)),
        alert=private(folder / "alert.json", alert + "\n"),
    )


async def _attack(ground: TrainingGround, console: Console) -> None:
    described = ground.described
    attacker = Attacker(ground.http, described["endpoints"], described["tenant_id"])
    await compromise(
        attacker, target_of(described), lambda what, came: console.print(move(what, came))
    )


def _explain(ground: TrainingGround, files: Files, console: Console) -> None:
    origin = str(ground.host.ready["url"]).rstrip("/")
    console.print(
        f"\n  incident page {origin}/incidents (sign in as Rosa; the sandbox's certificate is its own)"
        f"\n  function app  {origin}\n  sandbox       {ground.folder}/sandbox/sandbox.json"
    )
    groups = (
        ("Firebreak", examples.incident_api(ground.described, origin, files)),
        ("Sandbox", examples.sandbox_control(ground.described)),
        ("Real tools", examples.real_tools(ground.described, files)),
    )
    for title, commands in groups:
        console.print(f"\n[bold]{title}[/bold]")
        for what, command in commands:
            console.print(f"# {what}", style="dim", markup=False)
            console.print(command, markup=False)
    console.print("\nCtrl-C ends both.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drill.serve", description=__doc__)
    parser.add_argument("--first-port", type=int, default=8440, help="of the sandbox's services")
    parser.add_argument("--port", type=int, default=7071, help="of the function app")
    parser.add_argument("--attack", action="store_true", help="stage the attack as well")
    parser.add_argument("--folder", type=Path, default=ROOT / ".serve", help="state and logs")
    sandbox_options.add_to(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
