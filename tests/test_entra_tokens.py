"""A token is believed only where our tenant's Entra signed it, for us, and now. Keys roll over, and go missing."""

import time
from typing import Any

import pytest

from responders.errors import ContractChangedError, TransientError
from tests import entra_issuer
from tests.entra_issuer import AUDIENCES, LOGIN, ROSA, TENANT, Entra, claims, token
from tests.one_module import instead
from triggers import token_issuers
from triggers.entra_tokens import BadTokenError, Claims, claimed_object_id, verify
from triggers.token_issuers import Trust

LONG_AGO, ONE_DAY = 1_700_000_000, 4_100_000_000  # in the year 2099
OTHER_TENANT = "00000000-0000-0000-0000-0000000000ff"


@pytest.fixture
def entra() -> Entra:
    return Entra()


async def checked(sent: str, trusted: Trust) -> Claims:
    return await verify(sent, audiences=AUDIENCES, trusted=trusted)


@pytest.mark.parametrize("version", [1, 2])
async def test_a_token_of_either_version_says_who_calls(entra: Entra, version: int) -> None:
    said = await checked(token(version=version), entra.trust())

    assert (said.object_id, said.tenant_id, said.name) == (ROSA, TENANT, "rosa@contoso.example")
    assert said.roles == {"Incident.Respond"}
    assert said.app_id == "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    assert not said.is_application


def now(seconds: float) -> int:
    return int(time.time() + seconds)


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "api://another"},
        {"aud": None},
        {"aud": ["api://another", "api://third"]},
        {"iss": f"https://login.example/{OTHER_TENANT}/v2.0"},
        {"iss": entra_issuer.V1},  # an issuer of ours, but not of this version
        {"iss": None},
        {"ver": "1.0"},
        {"ver": "3.0"},
        {"ver": None},
        {"ver": {"2.0": 1}},
        {"tid": OTHER_TENANT},
        {"tid": None},
        {"exp": LONG_AGO},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": ONE_DAY},
        {"nbf": None},
        {"iat": ONE_DAY},
        {"oid": None},
        {"oid": "rosa"},
        {"oid": 7},
        {"roles": "Incident.Approve"},
        {"roles": [{"value": "Incident.Approve"}]},
    ],
)
async def test_a_token_with_a_wrong_claim_is_not_believed(
    entra: Entra, wrong: dict[str, Any]
) -> None:
    with pytest.raises(BadTokenError):
        await checked(token(**wrong), entra.trust())


async def test_clocks_may_differ_by_less_than_a_minute(entra: Entra) -> None:
    trusted = entra.trust()
    await checked(token(exp=now(-30)), trusted)
    await checked(token(nbf=now(30), iat=now(30)), trusted)


async def test_the_classic_forgeries_are_refused_before_anybody_is_asked(entra: Entra) -> None:
    trusted = entra.trust()
    for forged in (entra_issuer.unsigned(claims()), entra_issuer.confused(claims())):
        with pytest.raises(BadTokenError, match="RS256"):
            await checked(forged, trusted)
    assert entra.asked == []


@pytest.mark.parametrize("sent", ["", "a.b.c", "x" * 40, "e30.e30.", "ey" * 10_000, "é.é.é"])
async def test_what_is_no_token_is_refused_before_anybody_is_asked(entra: Entra, sent: str) -> None:
    with pytest.raises(BadTokenError):
        await checked(sent, entra.trust())
    assert entra.asked == []


async def test_a_message_never_repeats_the_token(entra: Entra) -> None:
    sent = token(aud="api://another")
    with pytest.raises(BadTokenError) as caught:
        await checked(sent, entra.trust())
    assert sent[:30] not in str(caught.value)


async def test_a_key_that_nobody_published_signs_nothing(entra: Entra) -> None:
    with pytest.raises(BadTokenError, match="not the issuer's"):
        await checked(token(signed_by="mallory"), entra.trust())


async def test_a_known_key_id_over_another_key_signs_nothing(entra: Entra) -> None:
    import jwt  # noqa: PLC0415

    forged = jwt.encode(
        claims(), entra_issuer.key("mallory"), algorithm="RS256", headers={"kid": "one"}
    )
    with pytest.raises(BadTokenError):
        await checked(forged, entra.trust())


async def test_keys_are_read_once_for_each_version(entra: Entra) -> None:
    trusted = entra.trust()
    for _ in range(3):
        await checked(token(), trusted)
    await checked(token(version=1), trusted)

    assert entra.asked == [
        "/v2.0/.well-known/openid-configuration",
        "/discovery/v2.0/keys",
        "/.well-known/openid-configuration",
        "/discovery/keys",
    ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Monotonic seconds, to be put forward."""
    at = [1000.0]
    instead(monkeypatch, token_issuers, time, monotonic=lambda: at[0])
    return at


async def test_a_rolled_over_key_is_found_and_invented_ones_are_asked_for_seldom(
    entra: Entra, clock: list[float]
) -> None:
    trusted = entra.trust()
    await checked(token(), trusted)
    entra.keys = ["two", "one"]
    clock[0] += 31
    await checked(token(signed_by="two"), trusted)
    asked = len(entra.asked)

    for _ in range(5):
        with pytest.raises(BadTokenError):
            await checked(token(signed_by="mallory"), trusted)
    assert len(entra.asked) == asked
    await checked(token(), trusted)


async def test_a_withdrawn_key_is_forgotten_within_a_day(entra: Entra, clock: list[float]) -> None:
    trusted = entra.trust()
    await checked(token(), trusted)
    entra.keys = ["two"]
    clock[0] += 24 * 3600 + 1
    with pytest.raises(BadTokenError):
        await checked(token(), trusted)


async def test_where_keys_cant_be_had_nobody_is_judged(entra: Entra, clock: list[float]) -> None:
    trusted, entra.status = entra.trust(), 503
    for _ in range(2):
        with pytest.raises(TransientError):
            await checked(token(), trusted)
    assert len(entra.asked) == 1  # a crowd shares one try
    entra.status = 200
    clock[0] += 5
    assert await checked(token(), trusted)


async def test_an_outage_locks_nobody_out_whose_key_is_known(
    entra: Entra, clock: list[float]
) -> None:
    trusted = entra.trust()
    await checked(token(), trusted)
    entra.status = 503
    clock[0] += 2 * 24 * 3600
    assert await checked(token(), trusted)
    clock[0] += 6 * 24 * 3600
    with pytest.raises(TransientError):
        await checked(token(), trusted)


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": f"https://login.example/{OTHER_TENANT}/v2.0"},
        {"use": "enc"},
        {"kty": "EC"},
        {"n": "!"},
    ],
)
async def test_keys_that_are_no_signing_keys_of_ours_are_passed_over(
    entra: Entra, more: dict[str, Any]
) -> None:
    entra.more = more
    with pytest.raises(ContractChangedError):
        await checked(token(), entra.trust())


async def test_a_key_may_name_every_tenant_or_ours(entra: Entra) -> None:
    for issuer in ("https://login.example/{tenantid}/v2.0", f"https://sts.example/{TENANT}/"):
        entra.more = {"issuer": issuer}
        assert await checked(token(), entra.trust())


@pytest.mark.parametrize(
    ("other", "is_application"),
    [
        ({}, False),
        ({"idtyp": "user", "scp": None}, False),
        ({"idtyp": "app"}, True),
        ({"scp": None}, True),  # idtyp is optional
    ],
)
async def test_who_is_not_signed_in_is_an_application(
    entra: Entra, other: dict[str, Any], is_application: bool
) -> None:
    said = await checked(token(**other), entra.trust())
    assert said.is_application is is_application


def test_what_a_token_claims_by_itself_is_readable_without_being_believed() -> None:
    assert claimed_object_id(token(signed_by="mallory")) == ROSA
    assert claimed_object_id("nonsense") is None
    assert LOGIN not in str(claimed_object_id(token(oid=None)))
