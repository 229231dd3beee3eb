# mypy: disallow-untyped-decorators=False
"""A function app with one of everything that the host serves; activities leave a line per run in EFFECTS."""

import asyncio
import json
import os
from collections.abc import Generator
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any, List, TypedDict  # noqa: UP035 - list[str] is no type to the worker

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
Steps = Generator[Any, Any, Any]
RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=10, max_number_of_attempts=3)


class Order(TypedDict, total=False):
    """What an activity is to do."""

    name: str
    pause_s: float
    succeeds_at: int


def note(line: str) -> None:
    """Append one line: the effect that must not be lost, and seldom be repeated."""
    with Path(os.environ["EFFECTS"]).open("a") as file:
        file.write(line + "\n")


# activities


@app.activity_trigger(input_name="order")
async def effect(order: Order) -> dict[str, Any]:
    """One effect, after an optional pause."""
    await asyncio.sleep(order.get("pause_s", 0))
    note(order["name"])
    return {"did": order["name"]}


@app.activity_trigger(input_name="order")
def blocking_effect(order: Order) -> str:
    """The same in a thread."""
    note(order["name"])
    return str(order["name"])


MARK: ContextVar[str] = ContextVar("MARK", default="none")


@app.activity_trigger(input_name="order")
async def leaves_a_mark(order: Order) -> str:
    """What an earlier invocation left in the context, then something for the next."""
    found = MARK.get()
    MARK.set(order["name"])
    return found


@app.activity_trigger(input_name="order")
async def flaky(order: Order) -> str:
    """Fails until it has run `succeeds_at` times."""
    note(order["name"])
    runs = Path(os.environ["EFFECTS"]).read_text().split("\n").count(order["name"])
    if runs < order["succeeds_at"]:
        raise ValueError(f"run {runs} of {order['name']} fails")
    return f"succeeded at run {runs}"


# orchestrators


@app.orchestration_trigger(context_name="context")
def sequence(context: df.DurableOrchestrationContext) -> Steps:
    """As many effects as asked for, one after another."""
    count = context.get_input()["count"]
    done = []
    for number in range(count):
        context.set_custom_status({"done": number})
        result = yield context.call_activity("effect", {"name": f"{context.instance_id}/{number}"})
        done.append(result["did"])
    return done


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext) -> Steps:
    """Sub-orchestrations side by side, each with effects in sequence."""
    asked = context.get_input()
    children = [
        context.call_sub_orchestrator(
            "sequence", {"count": asked["each"]}, f"{context.instance_id}-{number}"
        )
        for number in range(asked["children"])
    ]
    results = yield context.task_all(children)
    return [len(result) for result in results]


@app.orchestration_trigger(context_name="context")
def side_by_side(context: df.DurableOrchestrationContext) -> Steps:
    """Effects in parallel."""
    asked = context.get_input()
    tasks = [
        context.call_activity("effect", {"name": f"p{n}", "pause_s": asked["pause_s"]})
        for n in range(asked["count"])
    ]
    results = yield context.task_all(tasks)
    return [result["did"] for result in results]


@app.orchestration_trigger(context_name="context")
def incident(context: df.DurableOrchestrationContext) -> Steps:
    """The shape of a playbook: effects, retries, a consent raced with a timer, children, a pause."""
    asked = context.get_input()
    first = yield context.call_activity("effect", {"name": "disable"})
    retried = yield context.call_activity_with_retry(
        "flaky", RETRY, {"name": "remove", "succeeds_at": 2}
    )
    parallel = yield context.task_all(
        [
            context.call_activity("blocking_effect", {"name": "snapshot"}),
            context.call_activity_with_retry("effect", RETRY, {"name": "notify"}),
        ]
    )
    consent = context.wait_for_external_event("consent")
    deadline = context.current_utc_datetime + timedelta(seconds=asked["consent_s"])
    timeout = context.create_timer(deadline)
    context.set_custom_status("waiting")
    winner = yield context.task_any([consent, timeout])
    if winner == timeout:
        return "silence is a no"
    timeout.cancel()
    children = [context.call_sub_orchestrator("sequence", {"count": 2}) for _ in range(2)]
    built = yield context.task_all(children)
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=10))
    last = yield context.call_activity("effect", {"name": "report"})
    return {
        "first": first,
        "retried": retried,
        "parallel": parallel,
        "consent": consent.result,
        "built": [len(b) for b in built],
        "last": last,
    }


@app.orchestration_trigger(context_name="context")
def hopeless(context: df.DurableOrchestrationContext) -> Steps:
    """Runs out of attempts, then goes on: the numbers after a retry must fit."""
    try:
        yield context.call_activity_with_retry("flaky", RETRY, {"name": "never", "succeeds_at": 99})
    except Exception as failure:  # noqa: BLE001 - what the SDK raises
        told = str(failure)
    yield context.call_activity("effect", {"name": "afterwards"})
    return told


@app.orchestration_trigger(context_name="context")
def raises(context: df.DurableOrchestrationContext) -> Steps:
    """Fails by an exception of its own."""
    yield context.call_activity("effect", {"name": "before raising"})
    raise ValueError("no way on")


@app.orchestration_trigger(context_name="context")
def two_waits(context: df.DurableOrchestrationContext) -> Steps:
    """Two waits for one name, after a pause in which events may come early."""
    yield context.wait_for_external_event("go")
    first = yield context.wait_for_external_event("word")
    second = yield context.wait_for_external_event("word")
    return [first, second]


@app.orchestration_trigger(context_name="context")
def countdown(context: df.DurableOrchestrationContext) -> Steps:
    """Starts anew until nothing is left."""
    left = context.get_input()
    yield context.call_activity("effect", {"name": f"{left} left"})
    if left > 1:
        context.continue_as_new(left - 1)
        return None
    return "over"


@app.orchestration_trigger(context_name="context")
def moves_on(context: df.DurableOrchestrationContext) -> Steps:
    """Starts anew while its first activity still runs; the next one has the same number."""
    if context.get_input() == "first":
        slow = context.call_activity("effect", {"name": "slow", "pause_s": 0.1})
        quick = context.call_activity("effect", {"name": "quick"})
        yield context.task_any([slow, quick])
        context.continue_as_new("second")
        return None
    result = yield context.call_activity("effect", {"name": "mine", "pause_s": 0.2})
    return result["did"]


@app.orchestration_trigger(context_name="context")
def marks(context: df.DurableOrchestrationContext) -> Steps:
    """One activity after another that looks for the mark of the one before."""
    first = yield context.call_activity("leaves_a_mark", {"name": "one"})
    second = yield context.call_activity("leaves_a_mark", {"name": "two"})
    return [first, second]


@app.orchestration_trigger(context_name="context")
def waits_for_go(context: df.DurableOrchestrationContext) -> Steps:
    """Waits, so that a deployment can come between."""
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def says_versions(context: df.DurableOrchestrationContext) -> Steps:
    """Its own version, and that of a child that asked for none."""
    return [context.version, (yield context.call_sub_orchestrator("says_version", None))]


@app.orchestration_trigger(context_name="context")
def says_version(context: df.DurableOrchestrationContext) -> Steps:
    """Its own version."""
    return context.version
    yield


@app.orchestration_trigger(context_name="context")
def fickle(context: df.DurableOrchestrationContext) -> Steps:
    """Asks for another activity at its replay than at first."""
    name = "effect" if not Path(os.environ["EFFECTS"]).exists() else "blocking_effect"
    yield context.call_activity(name, {"name": "fickle"})
    yield context.wait_for_external_event("never")


@app.orchestration_trigger(context_name="context")
def counts(context: df.DurableOrchestrationContext) -> Steps:
    """Talks to an entity."""
    counter = df.EntityId("counter", "one")
    context.signal_entity(counter, "add", 2)
    yield context.call_entity(counter, "add", 3)
    try:
        yield context.call_entity(counter, "break")
    except Exception as failure:  # noqa: BLE001 - what the SDK raises
        told = str(failure)
    value = yield context.call_entity(counter, "get")
    return [value, told]


@app.orchestration_trigger(context_name="context")
def asks_for_nothing_known(context: df.DurableOrchestrationContext) -> Steps:
    """Calls an activity that doesn't exist."""
    yield context.call_activity("nowhere", None)


# an entity


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext) -> None:
    """Adds up."""
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
        context.set_state(value)
    if context.operation_name == "break":
        context.set_state(-1)
        raise ValueError("broken on request")
    context.set_result(value)


# ways in


@app.route(route="start/{name}/{instance_id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start any orchestrator with the body as its input."""
    body = req.get_json() if req.get_body() else None
    given = req.route_params.get("instance_id")
    try:
        instance_id = await client.start_new(req.route_params["name"], given, body)
    except Exception as refusal:  # noqa: BLE001 - what the SDK raises
        return func.HttpResponse(str(refusal), status_code=409)
    response: func.HttpResponse = client.create_check_status_response(req, instance_id)
    return response


@app.route(route="events/{instance_id}/{event}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def raise_event(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Raise an event through the SDK, which encodes it twice."""
    await client.raise_event(
        req.route_params["instance_id"], req.route_params["event"], req.get_json()
    )
    return func.HttpResponse(status_code=202)


@app.route(route="status/{instance_id}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The SDK's view of an instance."""
    found = await client.get_status(req.route_params["instance_id"], show_history=True)
    shown = found.to_json() if found else {}  # an instance that isn't there is false
    return func.HttpResponse(json.dumps(shown), mimetype="application/json")


@app.route(route="echo/admin", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
async def admin_only(req: func.HttpRequest) -> str:
    """Only with the master key; registered before `echo/{word}`, which fits it as well."""
    return "admin"


@app.route(route="echo/{word:alpha}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """What came in."""
    seen = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "headers": dict(req.headers),
        "body": req.get_body().decode(),
        "auth_enabled": os.environ.get("WEBSITE_AUTH_ENABLED"),
        "local_setting": os.environ.get("FROM_LOCAL_SETTINGS"),
    }
    return func.HttpResponse(
        json.dumps(seen), mimetype="application/json", headers={"X-Said": "so"}
    )


@app.route(route="breaks", auth_level=func.AuthLevel.ANONYMOUS)
def breaks(req: func.HttpRequest) -> func.HttpResponse:
    """Fails with something that nobody outside may read."""
    raise RuntimeError("a secret")


@app.event_grid_trigger(arg_name="event")
async def on_event(event: func.EventGridEvent) -> None:
    """Takes either schema: what arrives depends on the event, not on the annotation."""
    if event.id == "poison":
        raise ValueError("can't be handled")
    note(f"event {event.id}")


@app.route(route="enqueue", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="work", queue_name="work-items", connection="AzureWebJobsStorage")
def enqueue(req: func.HttpRequest, work: func.Out[List[str]]) -> str:  # noqa: UP006 - see above
    """Puts what came in on the queue: a text, a list of texts, or nothing; fails after that where asked to."""
    asked = req.get_json()
    if asked is not None:
        work.set(asked)
    if req.params.get("then") == "fail":
        raise RuntimeError("after the output was set")
    return "ok"


@app.queue_trigger(arg_name="item", queue_name="work-items", connection="AzureWebJobsStorage")
async def on_item(item: func.QueueMessage) -> None:
    """Leaves a line per run; waits or fails as the item says."""
    said = item.get_json()
    note(f"{said['name']} run {item.dequeue_count}")
    await asyncio.sleep(said.get("pause_s", 0))
    if item.dequeue_count < said.get("succeeds_at", 1):
        raise ValueError("not yet")
    if "facts" in said:
        facts = [item.id, item.pop_receipt, item.insertion_time, item.expiration_time]
        note(json.dumps([str(one) for one in facts]))
    note(f"{said['name']} done")


@app.queue_trigger(
    arg_name="item", queue_name="work-items-poison", connection="AzureWebJobsStorage"
)
def on_poisoned_item(item: func.QueueMessage) -> None:
    """What nobody could handle."""
    note(f"poisoned {item.get_json()['name']}")


@app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
async def nightly(timer: func.TimerRequest) -> None:
    """Leaves a line per run."""
    note(f"nightly past_due={timer.past_due}")


@app.timer_trigger(arg_name="timer", schedule="%EVERY%")
async def often(timer: func.TimerRequest) -> None:
    """Runs as the app setting says."""
    note("often")
