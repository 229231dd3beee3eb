"""The second half of the playbook: no foothold, a new identity, and one cluster after the other.

What could not be done in one cluster holds up no other one, is said, and can be gone on with: `run` again does only
what is not done.
"""

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import cluster_states, foothold, waves
from playbooks.cluster_states import State, of_answer, state
from playbooks.groups import each_cluster
from playbooks.known_good import UNUSED
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.renewing import ask_anew, renew
from playbooks.settling import GOOD, perform_one, settle
from playbooks.shutting_out import shut_out
from playbooks.steps import rebuilding
from responders.model import ClusterRef

_IDENTITY = "identity"  # among the states: what is missing at the new identity itself
_PROOF = "proof"  # the same, where no cluster has to do with the identity
_MOVED = {"done", "by_hand", "unproven"}
_BUILDING = (
    rebuilding.federate_identity,
    rebuilding.grant_roles,
    rebuilding.give_permissions,
)


class Recovery:
    """One rebuild by one plan: what it has reached, cluster by cluster."""

    def __init__(
        self,
        context: df.DurableOrchestrationContext,
        order: Order,
        progress: Progress,
        plan: Json,
        *,
        is_agreed: bool = True,
    ) -> None:
        self._context, self._order, self._progress = context, order, progress
        self._plan = plan
        self.is_agreed = is_agreed  # people said yes to a plan of it; before that nothing is done
        self._all: list[ClusterRef] = []
        self._refs: list[ClusterRef] = []  # where something is to be done
        self._evicted: dict[str, str] = {}  # resource id -> when everything of the old was gone
        self._safe: set[str] = set()  # where a stolen token opens nothing that is trusted anew
        self._begun: set[str] = set()  # names of clusters whose move was begun
        self._states: dict[str, State] = {}
        self._not_chosen: list[
            str
        ] = []  # what is said of it: the next plan may be answered otherwise
        self._owners_go_on = False  # a person says that Git holds the patches
        self._take(plan)

    @property
    def is_complete(self) -> bool:
        """Whether everything is done and proven, everywhere."""
        return all(cluster_states.is_done(one) for one in self._states.values())

    @property
    def is_over(self) -> bool:
        """Whether going on would change nothing."""
        return self.is_agreed and all(cluster_states.is_over(one) for one in self._states.values())

    def resume(self, number: int, call: Json) -> Generator[Any, Any, str | None]:
        """Ask what became of the clusters that were not touched, then do what is not done. Returns the outcome.

        None: nobody has agreed to a plan so far, and nobody did now.
        """
        self._owners_go_on = bool(call.get("owners_go_on"))
        if not self.is_agreed:
            asked: Order = {**self._order, "facts": {"number": number}}
            anew = yield from ask_anew(self._context, asked, self._progress, self._all)
            if anew["status"] != "done":  # nobody could be asked, and somebody has to know why
                facts = {"Reason": anew["detail"]}
                yield from self._progress.tell("not_resumed", facts, key=f"not-resumed-{number}")
            if not anew.get("granted"):
                return None
            self.is_agreed = True
            self._take(anew)
            return (yield from self.run())
        open_ = [one for one in self._all if not self._is_done(one) and self._is_known(one)]
        untouched = [one for one in open_ if one["resource_id"] not in self._evicted]
        told: Order = {**self._order, "facts": {"number": number}}
        plan = yield from renew(
            self._context, told, self._progress, untouched, sorted(self._evicted)
        )
        if plan.get("granted"):
            self._take(plan)
        elif plan["status"] not in {"nothing_to_do"}:
            changed = "; ".join(plan.get("changed", [plan["detail"]]))
            reason = f"not as the plan says, and no other one was agreed to: {changed}"
            self._hold(untouched, reason)
            return (yield from self.run(but=untouched))
        return (yield from self.run())

    def _take(self, plan: Json) -> None:
        """The plan that counts from here on."""
        self._plan = plan
        self._all = [one["ref"] for one in plan["clusters"]]
        self._refs = [one["ref"] for one in plan["clusters"] if one["acts"]]
        self._states |= {
            one["ref"]["name"]: state("refused", one["reason"])
            for one in plan["clusters"]
            if not one["acts"] and not one["reason"].startswith(UNUSED)
        }
        for one in plan["clusters"]:
            if one["reason"].startswith(UNUSED):
                self._states.pop(one["ref"]["name"], None)

    def run(self, *, but: Sequence[ClusterRef] = ()) -> Generator[Any, Any, str]:
        """Pre-flight, evict, rebuild, move, look again: whatever is not done yet. Returns the outcome."""
        out = {one["resource_id"] for one in but}
        todo = [
            one for one in self._refs if not self._is_done(one) and one["resource_id"] not in out
        ]
        self._note({one["name"]: state("waiting", "") for one in todo})

        # 1. Look before anything is changed anywhere: what can't be done is known before it hurts.
        ready = yield from self._ready(todo)

        # 2. No foothold may see the new identity come up.
        ready = yield from self._evict(ready)
        if not ready and self._states and "identity" not in self._order:  # nowhere to go for it
            return self._ended()

        # 3. A name that the identity had before is trusted only where tokens of before are worthless.
        ready = yield from self._shut_out(ready)

        # 4. The new identity, its trusts and its roles.
        if (yield from self._build(ready)):
            # 5. and 6. Cluster by cluster, and once more when controllers have had their say.
            moved = yield from self._move(ready)
            yield from self._recheck(moved)
        return self._ended()

    def _ready(self, refs: list[ClusterRef]) -> Generator[Any, Any, list[ClusterRef]]:
        """Pre-flight of all clusters. Returns those where everything that is planned can be done."""
        self._progress.enter("preflight")
        answers = yield from each_cluster(
            self._context, foothold.preflight_clusters, self._order, refs
        )
        return self._with_canary(self._good(refs, answers))

    def _evict(self, refs: list[ClusterRef]) -> Generator[Any, Any, list[ClusterRef]]:
        """Returns the clusters where nothing of the old runs. What was evicted once is not stopped again."""
        self._progress.enter("evicting")
        first = [one for one in refs if one["resource_id"] not in self._evicted]
        answers = yield from each_cluster(
            self._context, foothold.evict_clusters, self._order, first
        )
        if gone := self._good(first, answers):
            moment = self._progress.mark("evicted").isoformat()
            self._evicted |= {one["resource_id"]: moment for one in gone}
        return self._with_canary([one for one in refs if one["resource_id"] in self._evicted])

    def _shut_out(self, refs: list[ClusterRef]) -> Generator[Any, Any, list[ClusterRef]]:
        """Returns the clusters whose stolen tokens open nothing. Where that held once, it holds."""
        first = [one for one in refs if one["resource_id"] not in self._safe]
        orders: list[Order] = [{**self._order, "cluster": one} for one in first]
        held: Json = {}
        if first:
            held = yield from shut_out(
                self._context, self._order, orders, self._progress, self._plan, self._evicted
            )
        self._note({name: of_answer(one) for name, one in held.items()})
        self._safe |= {one["resource_id"] for one in first if one["name"] not in held}
        return self._with_canary([one for one in refs if one["resource_id"] in self._safe])

    def _build(self, refs: list[ClusterRef]) -> Generator[Any, Any, bool]:
        """The new identity with its trusts and roles. Every step of it may run again."""
        self._progress.enter("rebuilding")
        self._states.pop(_IDENTITY, None)
        made = yield from perform_one(self._context, rebuilding.create_identity, self._order)
        if made["status"] not in GOOD:
            self._note({_IDENTITY: of_answer(made)})
            return False
        self._order = {**self._order, "identity": made["identity"]}
        self._progress.note(identity=made["identity"])
        self._progress.mark_once("rebuilt")
        # The steps take away what they are not told of: what was moved before stays trusted.
        ready = {*self._safe} & {one["resource_id"] for one in (*refs, *self._moved())}
        trusted = [one["issuer_url"] for one in self._refs if one["resource_id"] in ready]
        told: Order = {**self._order, "facts": {"trusted": trusted}}
        built = yield from settle(self._context, [(step, told) for step in _BUILDING])
        self._progress.hand_over(built)
        self._leave([line for one in built for line in one.get("not_chosen", [])])
        if missing := [one for one in built if one["status"] not in GOOD]:
            worst = "failed" if any(one["status"] == "failed" for one in missing) else "refused"
            detail = "; ".join(str(one["detail"]) for one in missing)
            self._note({_IDENTITY: of_answer({"status": worst, "detail": detail})})
        return True

    def _leave(self, lines: list[str]) -> None:
        """What nobody chose, in place of what was said of it before."""
        kept = [one for one in self._progress.by_hand if one not in self._not_chosen]
        self._not_chosen = lines
        self._progress.note(by_hand=[*kept, *lines])

    def _move(self, refs: list[ClusterRef]) -> Generator[Any, Any, list[ClusterRef]]:
        """The canary alone, then wave by wave, until the stop rule says no. Returns what runs with the new identity."""
        self._progress.enter("rewiring")
        rule = self._order["policy"]["recovery"]
        moved: list[ClusterRef] = []
        if refs and not any(self._is_done(one) for one in self._refs):
            moved = yield from self._wave(refs[:1])
            if not moved:
                self._hold(refs[1:], f"not begun: the canary {refs[0]['name']} failed")
                return []
            refs = refs[1:]
        failed = 0
        for wave in waves.waves(refs, rule["wave_size"]):
            if failed > rule["most_failed_clusters"]:
                key = "policy.toml [recovery] most_failed_clusters"
                self._hold(wave, f"not begun: {failed} clusters failed, more than {key} allows")
                continue
            went = yield from self._wave(wave)
            failed += len(wave) - len(went)
            moved += went
        return moved

    def _wave(self, refs: list[ClusterRef]) -> Generator[Any, Any, list[ClusterRef]]:
        answers = yield from each_cluster(
            self._context, waves.rewire_wave, self._order, refs, at_once=len(refs)
        )
        self._begun |= {one["name"] for one in refs}
        self._progress.hand_over(answers)
        found = [of_answer(one) for one in answers]
        self._note({ref["name"]: one for ref, one in zip(refs, found, strict=True)})
        return [ref for ref, one in zip(refs, found, strict=True) if one["status"] in _MOVED]

    def _recheck(self, refs: list[ClusterRef]) -> Generator[Any, Any, None]:
        """Controllers put their own state back within minutes: what was moved is looked at again."""
        if not refs:
            return
        self._progress.enter("rechecking")
        waiting = yield from self._resume_owners(refs)
        pause = timedelta(minutes=self._order["policy"]["recovery"]["recheck_minutes"])
        if pause:
            yield self._context.create_timer(self._context.current_utc_datetime + pause)
        answers = yield from each_cluster(self._context, waves.recheck_clusters, self._order, refs)
        stands = {one["name"] for one in self._good(refs, answers)}
        self._note({name: one for name, one in waiting.items() if name in stands})

    def _resume_owners(self, refs: list[ClusterRef]) -> Generator[Any, Any, dict[str, State]]:
        """Before the second look, which so sees what they put back. Returns the clusters where some still wait."""
        if self._order["policy"]["recovery"]["gitops"] != "suspend":
            return {}
        told: Order = {**self._order, "facts": {"owners_go_on": self._owners_go_on}}
        answers = yield from each_cluster(self._context, waves.resume_owners_in, told, refs)
        self._progress.hand_over(answers)
        found: dict[str, State] = {}
        for ref, answer in zip(refs, answers, strict=True):
            if answer["status"] not in GOOD:
                before = self._states[ref["name"]]
                said = [before["detail"]] if before["status"] == "by_hand" else []
                status = "by_hand" if answer.get("by_hand_only") else "failed"
                detail = "; ".join([*said, f"resume_owners: {answer['detail']}"])
                found[ref["name"]] = of_answer({"status": status, "detail": detail})
        return found

    def _with_canary(self, refs: list[ClusterRef]) -> list[ClusterRef]:
        """These, or none where the policy names the canary and it is not among them: the choice was a person's."""
        name = self._order["policy"]["recovery"]["canary_cluster"]
        missing = name in self._states and name not in {one["name"] for one in refs}
        if not missing or cluster_states.is_done(self._states[name]):
            return refs
        self._hold(refs, f"not begun: {name}, the canary of policy.toml [recovery], is not ready")
        return []

    def _good(self, refs: list[ClusterRef], answers: list[Json]) -> list[ClusterRef]:
        """The clusters with a good answer; the others' states are noted."""
        self._progress.hand_over(answers)
        pairs = list(zip(refs, answers, strict=True))
        bad = {ref["name"]: of_answer(one) for ref, one in pairs if one["status"] not in GOOD}
        if bad:
            self._note(bad)
        return [ref for ref, one in pairs if one["status"] in GOOD]

    def _hold(self, refs: list[ClusterRef], reason: str) -> None:
        self._note({one["name"]: state("refused", reason) for one in refs})

    def _moved(self) -> list[ClusterRef]:
        """What names the new identity already, in whole or in part: its trusts stay."""
        return [one for one in self._refs if one["name"] in self._begun]

    def _is_known(self, ref: ClusterRef) -> bool:
        """Whether it has to do with the identity, as far as anybody could see."""
        return ref["name"] in self._states

    def _is_done(self, ref: ClusterRef) -> bool:
        found = self._states.get(ref["name"])
        return found is not None and cluster_states.is_done(found)

    def _note(self, states: dict[str, State]) -> None:
        self._states |= states
        self._progress.note(clusters=dict(self._states))

    def _ended(self) -> str:
        if not self._states:
            nobody = "nothing in a cluster runs as it, so nothing has proven the new identity"
            self._note({_PROOF: state("unproven", nobody)})
        if self.is_complete:
            self._progress.mark("recovered")
            return "recovered"
        return "partly_recovered"
