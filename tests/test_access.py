"""Every HTTP function against every kind of caller: who gets past its door, and that nobody else moves anything."""

import base64
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from responders import principals
from responders.cloud import Cloud
from responders.errors import UnresolvedError
from responders.evidence_folder import EvidenceFolder
from tests import an_incident, entra_issuer
from tests.a_principal import PRINCIPAL as A_PRINCIPAL
from tests.entra_issuer import ROSA, TENANT, Entra, claims, token
from tests.registered import functions, http_trigger
from tests.test_ways_in import HASH, INCIDENT, PLAN, FakeClient, asking
from triggers import access, people, token_issuers
from triggers.people import ADMIN, APPROVE, READ, RESPOND, ROLES

OTHER_TENANT = "00000000-0000-0000-0000-0000000000ff"
LONG_AGO = 1_700_000_000
_TID = "http://schemas.microsoft.com/identity/claims/tenantid"
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_API_AUDIENCE", ",".join(entra_issuer.AUDIENCES))
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)

    async def connect() -> Any:
        return SimpleNamespace(settings=SimpleNamespace(teams_webhook_url=""))

    async def resolve(_cloud: Any, hint: Any) -> Any:
        raise UnresolvedError(f"nobody: {hint}")

    entra = Entra()

    async def trust() -> Any:
        return entra.trust()

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    monkeypatch.setattr(principals, "resolve", resolve)
    monkeypatch.setattr(token_issuers, "trust", trust)


def test_every_http_function_has_a_rule_and_every_rule_a_function() -> None:
    assert {name for name in functions() if http_trigger(name)} == set(access.RULES)


@pytest.mark.parametrize("name", access.RULES)
def test_only_senders_of_signals_need_a_key_of_the_platform(name: str) -> None:
    """A person's proof is Entra's; who has a key alone must reach nothing that steers."""
    level = func.AuthLevel(http_trigger(name).auth_level)
    wanted = func.AuthLevel.FUNCTION if access.RULES[name].who == "key" else None
    assert level == (wanted or func.AuthLevel.ANONYMOUS)


def methods(name: str) -> set[str]:
    return {str(getattr(one, "value", one)) for one in http_trigger(name).methods}


def is_reading(name: str) -> bool:
    return methods(name) <= {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("name", access.RULES)
def test_what_changes_something_is_never_a_get(name: str) -> None:
    """Link previews, prefetches and crawlers send GET and HEAD."""
    assert methods(name)
    if access.RULES[name].roles - {READ}:
        assert methods(name).isdisjoint({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Caller:
    """Headers, and whether App Service authentication is on."""

    headers: dict[str, str] = field(default_factory=dict)
    easy_auth: bool = False
    holds: frozenset[str] = frozenset()  # what the app should believe
    proven: bool = False
    is_application: bool = False


def bearer(*roles: str, proven: bool = True, app: bool = False, **wrong: Any) -> Caller:
    said = {"roles": list(roles), **({"scp": None, "idtyp": "app"} if app else {}), **wrong}
    headers = {"Authorization": f"Bearer {token(**said)}"}
    held = frozenset(roles) if proven else frozenset()
    return Caller(headers, holds=held, proven=proven, is_application=app)


def session(*roles: str, on: bool = True, proven: bool = True, **other: Any) -> Caller:
    """What App Service says, or somebody who says that it says so."""
    said = {_OID: ROSA, _TID: other.pop("tid", TENANT), "name": "Rosa", **other}
    listed = [{"typ": typ, "val": val} for typ, val in said.items()]
    listed += [{"typ": "roles", "val": role} for role in roles]
    document = {"auth_typ": other.get("idp", "aad"), "claims": listed, "role_typ": "roles"}
    header = base64.b64encode(json.dumps(document).encode()).decode()
    held = frozenset(roles) if proven else frozenset()
    return Caller({"X-MS-CLIENT-PRINCIPAL": header}, on, held, proven, "appid" in other)


def raw(sent: str) -> Caller:
    return Caller({"Authorization": f"Bearer {sent}"})


def beside(one: Caller, other: Caller) -> Caller:
    """Both proofs at once, of two people."""
    return Caller({**one.headers, **other.headers}, easy_auth=True)


CALLERS: dict[str, Callable[[], Caller]] = {
    "nobody": Caller,
    "nobody, though Easy Auth is on": lambda: Caller(easy_auth=True),
    "a function key alone": lambda: Caller({"x-functions-key": "k" * 54}),
    "a forged header": lambda: session(*ROLES, on=False, proven=False),
    "a header that is no document": lambda: Caller({"X-MS-CLIENT-PRINCIPAL": "e30="}, True),
    "a session of another tenant": lambda: session(*ROLES, proven=False, tid=OTHER_TENANT),
    "a session of another provider": lambda: session(*ROLES, proven=False, idp="github"),
    "a session without roles": session,
    "a session that reads": lambda: session(READ),
    "a session that responds": lambda: session(RESPOND),
    "a session that approves": lambda: session(APPROVE),
    "a session that administers": lambda: session(ADMIN),
    "a session of an application with every role": lambda: session(*ROLES, appid="a", sub=ROSA),
    "a session beside another's token": lambda: beside(session(*ROLES), bearer(oid=TENANT)),
    "a token without roles": bearer,
    "a token with other roles": lambda: bearer("Incident.Everything", "Admin", "incident.approve"),
    "a token that reads": lambda: bearer(READ),
    "a token that responds": lambda: bearer(RESPOND),
    "a token that approves": lambda: bearer(APPROVE),
    "a token that administers": lambda: bearer(ADMIN),
    "a token of an application with every role": lambda: bearer(*ROLES, app=True),
    "a token for somebody else": lambda: bearer(*ROLES, proven=False, aud="api://another"),
    "a token of another issuer": lambda: bearer(*ROLES, proven=False, iss="https://evil.example"),
    "a token of another tenant": lambda: bearer(*ROLES, proven=False, tid=OTHER_TENANT),
    "an expired token": lambda: bearer(*ROLES, proven=False, exp=LONG_AGO),
    "a token of another key": lambda: raw(token(signed_by="mallory", roles=list(ROLES))),
    "an unsigned token": lambda: raw(entra_issuer.unsigned(claims(roles=list(ROLES)))),
    "a confused token": lambda: raw(entra_issuer.confused(claims(roles=list(ROLES)))),
    "nonsense": lambda: raw("x.y.z"),
    "Basic": lambda: Caller({"Authorization": "Basic cm9zYTpyb3Nh"}),
}


def wanted(rule: access.Rule, caller: Caller) -> str:
    """What the door has to say: "in", "401" or "403"."""
    if rule.who == "anyone":
        return "in"
    if rule.who == "person":
        if not caller.proven:
            return "401"
        may = caller.holds - ({APPROVE, ADMIN} if caller.is_application else set())
        reads = rule.roles == {READ} and caller.holds & set(ROLES)
        return "in" if reads or may & rule.roles else "403"
    if caller.proven:
        return "any"  # which applications may send signals: tests of their own
    has_token = caller.headers.get("Authorization", "").startswith("Bearer ")
    return "401" if has_token or rule.who == "sender" else "in"  # the platform has asked for a key


def said(answer: func.HttpResponse, rule: access.Rule) -> str:
    if rule.page and answer.status_code == 302:
        assert "/.auth/login/aad" in answer.headers["Location"]
        return "401"
    if (
        rule.page
        and answer.status_code == 403
        and b"This form was not accepted" in answer.get_body()
    ):
        return "in"  # past the door; what was sent is no form of ours
    return str(answer.status_code) if answer.status_code in {401, 403} else "in"


def about_a_whole_principal() -> Any:
    shown = asking()
    shown.input_["incident"] |= {"principal": A_PRINCIPAL, "signal": an_incident.SIGNAL}
    shown.custom_status["consent"]["expires_at"] = an_incident.EXPIRES
    return shown


async def call(name: str, caller: Caller, client: FakeClient) -> func.HttpResponse:
    """The function, as the worker calls it, about an incident that asks for consent."""
    request = func.HttpRequest(
        min(methods(name)),
        f"/{http_trigger(name).route}",
        headers=caller.headers,
        route_params={"incident_id": INCIDENT, "rest": "x", "run_id": "none", "playbook": "none"},
        body=b"{}",
    )
    outer = functions()[name].get_user_function()
    inner: Callable[..., Awaitable[func.HttpResponse]] = getattr(outer, "client_function", outer)
    given: dict[str, Any] = {"req": request, "client": client}
    names = inspect.signature(inner).parameters
    outputs = {one: SimpleNamespace(set=lambda _: None) for one in names if one not in given}
    return await inner(**{**{one: given[one] for one in names if one in given}, **outputs})


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[EvidenceFolder]:
    kept = EvidenceFolder(tmp_path / "evidence")
    kept.put_json(f"incidents/{INCIDENT}/plan.json", an_incident.plan(**PLAN))
    kept.put_json(f"incidents/{INCIDENT}/graph.json", an_incident.graph())
    yield kept


@pytest.mark.parametrize("name", access.RULES)
@pytest.mark.usefixtures("evidence")
async def test_each_caller_gets_as_far_as_the_rule_says(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rule, found, expected = access.RULES[name], {}, {}
    for title, made in CALLERS.items():
        client, caller = FakeClient(), made()
        client.statuses[INCIDENT] = about_a_whole_principal()
        monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True" if caller.easy_auth else "False")
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        answer = await call(name, caller, client)
        expected[title], found[title] = wanted(rule, caller), said(answer, rule)
        if expected[title] == "any":
            expected[title] = found[title]
        if found[title] != "in" or is_reading(name):
            assert (client.started, client.events) == ([], [])
            assert {
                path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
            } == before
        assert HASH not in str(answer.get_body()) or found[title] == "in"
        assert answer.status_code < 500, (title, answer.get_body())
    assert found == expected


def test_a_person_that_holds_any_role_may_read_and_nothing_else_follows_from_another() -> None:
    for held in ROLES:
        somebody = people.Person(ROSA, "rosa", frozenset({held}))
        opened = {role for role in ROLES if _may(somebody, role)}
        assert opened == {READ, held}


@pytest.mark.parametrize(("role", "may"), [(READ, 1), (RESPOND, 1), (APPROVE, 0), (ADMIN, 0)])
def test_an_application_never_says_yes(role: str, may: int) -> None:
    machine = people.Person(ROSA, "bot", frozenset(ROLES), is_application=True)
    assert _may(machine, role) is bool(may)


def _may(somebody: people.Person, role: str) -> bool:
    try:
        somebody.must_be(role)
    except people.NotAllowedError:
        return False
    return True
