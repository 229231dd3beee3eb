"""How an instance ends, and who hears of it. Each runs inside a transaction of its caller's."""

import json

from host import log
from host.durable import history, inbox, work
from host.durable.effects import Effects
from host.durable.history import Event
from host.durable.store import Instance, Store


def complete(store: Store, instance: Instance, output: str, effects: Effects) -> None:
    """The orchestrator returned; `output` is JSON."""
    effects.add(history.EXECUTION_COMPLETED, OrchestrationStatus="Completed", Result=output)
    store.set_status(instance.instance_id, "Completed", effects.moment, output)
    _say(instance, "Completed", effects)
    _stop_timers(store, instance)
    _tell_parent(
        store, instance, effects, history.child_completed(instance.parent_task_id or 0, output)
    )


def fail(store: Store, instance: Instance, error: str, effects: Effects) -> None:
    """The orchestrator raised, or its replay was refused."""
    reason = f"Orchestrator function '{instance.name}' failed: {error}"
    effects.add(history.EXECUTION_COMPLETED, OrchestrationStatus="Failed", Result=reason)
    store.set_status(instance.instance_id, "Failed", effects.moment, json.dumps(reason))
    _say(instance, "Failed", effects)
    _stop_timers(store, instance)
    _tell_parent(
        store, instance, effects, history.child_failed(instance.parent_task_id or 0, reason)
    )


def terminate(store: Store, instance: Instance, reason: str, effects: Effects) -> None:
    """Somebody ended the instance from outside.

    Its activities that haven't begun are dropped: Azure would still run those in its queue, but who
    terminates means it. Sub-orchestrations go on, as in Azure.
    """
    effects.add(history.EXECUTION_TERMINATED, Input=reason)
    store.set_status(instance.instance_id, "Terminated", effects.moment, json.dumps(reason))
    _say(instance, "Terminated", effects)
    work.drop_activities(store, instance.instance_id)
    work.drop_timers(store, instance.instance_id)
    _tell_parent(
        store, instance, effects, history.child_failed(instance.parent_task_id or 0, reason)
    )


def _say(instance: Instance, status: str, effects: Effects) -> None:
    """Without output or error text: they may quote what the incident is about."""
    began = history.parse_timestamp(instance.created_at)
    log.info(
        "orchestration ended",
        function=instance.name,
        instance_id=instance.instance_id,
        status=status,
        duration_s=round((effects.moment - began).total_seconds(), 3),
    )


def _stop_timers(store: Store, instance: Instance) -> None:
    live = work.drop_timers(store, instance.instance_id)
    if live:
        # Documented: an instance isn't complete in Azure until its timers are over or cancelled.
        # https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-timers
        log.warning(
            "orchestration ended with live timers; cancel them",
            instance_id=instance.instance_id,
            timers=live,
        )


def _tell_parent(store: Store, instance: Instance, effects: Effects, event: Event) -> None:
    if instance.parent_instance_id is None:
        return
    parent = store.instance(instance.parent_instance_id)
    if parent and parent.execution_id == instance.parent_execution_id and not parent.is_finished:
        inbox.post(store, parent.instance_id, event)
        effects.aftermath.instances.add(parent.instance_id)
