"""A recovery on any ground, with a host or without: what is stolen meanwhile, and what is tried afterwards."""

from dataclasses import replace
from datetime import datetime

from drill.minting import cluster_token, mint
from drill.options import DrillError, Json
from drill.replays import asked, read_in_pods, reply
from drill.scenarios.recovery import Recovery, Trouble
from drill.scene import Reply, Scene
from drill.staging import Ended, Ground, Staged, look
from drill.states import is_running, workloads_of
from drill.successors import successor_in
from sandbox.attacks.attacker import Attacker


async def before_consent(recovery: Recovery, staged: Staged, ground: Ground) -> None:
    """While a person reads the plan, everybody goes on: bystanders work, and the foothold steals."""
    # A workload holds its token from here on; the kubelet of the sandbox writes one when it is first read.
    described = ground.described
    bystanders = workloads_of(staged.staged, described["seed"]["billing_api"]["app_id"])
    blob = described["seed"]["storage"]["blob_url"]
    await read_in_pods(ground.control, staged.staged, bystanders, blob)
    await _steal_again(recovery, staged, ground)


async def _steal_again(recovery: Recovery, staged: Staged, ground: Ground) -> None:
    """The foothold still stands: fresh tokens of every cluster, just before the pods are stopped."""
    attacker = _attacker(ground)
    for cluster in ground.described["seed"]["clusters"]:
        token = await attacker.read_mounted_token(
            cluster, recovery.namespace, recovery.service_account
        )
        if token is not None:
            name = f"{cluster}, before eviction"
            staged.held.account_tokens[name] = token
            staged.held.secrets[f"ServiceAccount token of {name}"] = token


async def mend(trouble: Trouble, ground: Ground) -> None:
    """What a person does about it: the cause, and the pods that hang because of it."""
    await ground.control.turn(trouble.cluster, trouble.mended)
    namespace, _, name = trouble.hangs.partition("/")
    if not name:
        return
    bearer = {"Authorization": f"Bearer {await cluster_token(ground)}"}
    origin = ground.described["endpoints"][f"kube-{trouble.cluster}"]
    for pod in (await ground.control.state())["clusters"][trouble.cluster]["pods"]:
        about = pod["metadata"]
        if about["namespace"] == namespace and about["name"].startswith(f"{name}-"):
            if is_running(pod):
                continue
            url = f"{origin}/api/v1/namespaces/{namespace}/pods/{about['name']}"
            answer = await ground.http.delete(url, headers=bearer)
            if not answer.is_success:
                raise DrillError(f"{url}: {answer.status_code} {answer.text[:300]}")


async def look_recovered(
    recovery: Recovery,
    staged: Staged,
    ground: Ground,
    ended: Ended,
    consented_at: datetime | None,
) -> Scene:
    """What staging sees, and every stolen token presented as the old identity and as the new one."""
    scene = await look(staged, ground, ended)
    stolen = dict(staged.held.account_tokens)
    minted = await _mint(recovery, ground)
    # Where the name is trusted again, whoever may request tokens for it is the workload's own cluster.
    against_new = stolen if recovery.method != "new_subject" else stolen | minted
    blob = ground.described["seed"]["storage"]["blob_url"]
    workloads = workloads_of(scene.before, scene.victim.app_id)
    return replace(
        scene,
        consented_at=consented_at,
        account_tokens=stolen,
        old_identity_replays=await _present(ground, scene.victim.app_id, stolen | minted),
        new_identity_replays=await _against_new(ground, scene, against_new),
        workload_reads=await read_in_pods(ground.control, scene.after, workloads, blob),
    )


async def _against_new(ground: Ground, scene: Scene, tokens: dict[str, str]) -> dict[str, Reply]:
    try:
        made = successor_in(scene.staged, scene.after)
    except LookupError as error:
        return {"any token": Reply(None, str(error))}
    return await _present(ground, made.app_id, tokens)


async def _present(ground: Ground, client_id: str, tokens: dict[str, str]) -> dict[str, Reply]:
    attacker = _attacker(ground)

    async def one(token: str) -> Reply:
        return reply(await attacker.exchange_assertion(client_id, token))

    return {name: await asked(one(token)) for name, token in tokens.items()}


async def _mint(recovery: Recovery, ground: Ground) -> dict[str, str]:
    """New tokens of the old ServiceAccounts, as anybody gets them who may request some."""
    found: dict[str, str] = {}
    for cluster in ground.described["seed"]["clusters"]:
        token = await mint(ground, cluster, recovery.namespace, recovery.service_account)
        if token is not None:
            found[f"{cluster}, minted afterwards"] = token
    return found


def _attacker(ground: Ground) -> Attacker:
    described: Json = ground.described
    return Attacker(ground.http, described["endpoints"], described["tenant_id"])
