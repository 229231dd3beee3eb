"""Bearer tokens: who is let in as whom, and who isn't let in at all."""

import time

import httpx
import jwt
import pytest

from host.sign_in import BadTokenError, SignIn, SignInOptions, without_forged
from tests.host_apps.signing import AUDIENCE, ISSUER, Signer


class Published:
    """An issuer's keys endpoint that counts its calls and may fail."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.calls = 0
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the issuer."""
        assert request.url == "https://sts.example/keys"
        self.calls += 1
        return httpx.Response(self.status, json=self.signer.jwks())


@pytest.fixture
def published() -> Published:
    return Published(Signer())


@pytest.fixture
def sign_in(published: Published) -> SignIn:
    options = SignInOptions(ISSUER, [AUDIENCE], "https://sts.example/keys")
    return SignIn(options, transport=httpx.MockTransport(published))


async def test_no_token_is_nobody(sign_in: SignIn, published: Published) -> None:
    assert await sign_in.principal(None) == {}
    assert await sign_in.principal("Basic abc") == {}
    assert published.calls == 0


async def test_keys_are_fetched_once(sign_in: SignIn, published: Published) -> None:
    for _ in range(3):
        headers = await sign_in.principal(f"Bearer {published.signer.token()}")
        assert headers["x-ms-client-principal-name"] == "rosa@contoso.example"
    assert published.calls == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "api://other"},
        {"aud": None},
        {"iss": "https://sts.example/another/"},
        {"iss": None},
        {"exp": -60},
        {"exp": None},
        {"nbf": 600},
    ],
)
async def test_a_wrong_claim_is_refused(
    sign_in: SignIn, published: Published, claims: dict[str, object]
) -> None:
    # Seconds from now: a moment that is read with the module is long over when a test runs at last.
    times = {k: int(time.time()) + v for k, v in claims.items() if isinstance(v, int)}
    with pytest.raises(BadTokenError):
        await sign_in.principal(f"Bearer {published.signer.token(**(claims | times))}")


async def test_a_token_of_another_key_is_refused(sign_in: SignIn) -> None:
    with pytest.raises(BadTokenError):
        await sign_in.principal(f"Bearer {Signer().token()}")


async def test_only_rs256_is_accepted(sign_in: SignIn, published: Published) -> None:
    """`none`, and HMAC with the public key as its secret, are the classic forgeries."""
    claims = jwt.decode(published.signer.token(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "one"})
    modulus = str(published.signer.jwks()["keys"][0]["n"])
    confused = jwt.encode(claims, modulus, algorithm="HS256", headers={"kid": "one"})
    for forged in (unsigned, confused):
        with pytest.raises(BadTokenError):
            await sign_in.principal(f"Bearer {forged}")


async def test_unknown_keys_ask_the_issuer_once_not_for_every_token(
    sign_in: SignIn, published: Published
) -> None:
    for _ in range(3):
        with pytest.raises(BadTokenError):
            await sign_in.principal(f"Bearer {Signer('unknown').token()}")
    assert published.calls == 1


async def test_an_issuer_that_fails_lets_nobody_in_and_is_asked_again(
    sign_in: SignIn, published: Published
) -> None:
    published.status = 503
    with pytest.raises(BadTokenError):
        await sign_in.principal(f"Bearer {published.signer.token()}")
    published.status = 200
    assert await sign_in.principal(f"Bearer {published.signer.token()}")


async def test_a_mapped_claim_has_its_long_name(sign_in: SignIn, published: Published) -> None:
    headers = await sign_in.principal(f"Bearer {published.signer.token()}")
    claims = published.signer.principal(headers["x-ms-client-principal"])["claims"]
    object_id = "http://schemas.microsoft.com/identity/claims/objectidentifier"
    assert {"typ": object_id, "val": "oid-of-rosa"} in claims


def test_whatever_begins_like_the_platforms_headers_is_removed() -> None:
    kept = without_forged(
        {"X-MS-Client-Principal-Anything": "1", "x-ms-token-x": "2", "Accept": "3"}
    )
    assert kept == {"Accept": "3"}
