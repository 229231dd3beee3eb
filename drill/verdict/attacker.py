"""The attacker's moves, made again with everything that was stolen: is each one refused?"""

from collections.abc import Mapping

from drill.scene import Reply, Scene
from drill.verdict.facts import Check, Finding, every

# A refusal that speaks of the credential or the principal. Any other error proves nothing.
# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
REFUSALS = {
    "AADSTS7000112",  # the application is disabled
    "AADSTS7000215",  # the secret is wrong
    "AADSTS7000222",  # the secret has expired
    "AADSTS700016",  # no such application in the tenant
    "AADSTS70021",  # no matching federated identity record
    "AADSTS700211",  # no matching federated identity record for the issuer
    "AADSTS700213",  # no matching federated identity record for the subject
    "AADSTS70025",  # the application has no federated credential at all
    "AADSTS700027",  # the assertion's key is not registered
}


def _refused(replies: Mapping[str, Reply]) -> Finding:
    return every(
        [
            (f"{name} {reply}", reply.status in (400, 401) and reply.code in REFUSALS)
            for name, reply in replies.items()
        ]
    )


def _one(name: str, scene: Scene) -> Finding:
    return _refused({name: scene.credential_replays[name]})


def _planted_secret(scene: Scene) -> Finding:
    return _one("planted secret", scene)


def _rogue_trust(scene: Scene) -> Finding:
    return _one("rogue trust", scene)


def _access_tokens(scene: Scene) -> Finding:
    replies = scene.token_replays.items()
    return every([(f"{how}: {reply}", reply.status == 403) for how, reply in replies])


def _access_tokens_over(scene: Scene) -> Finding:
    """Where hours passed, some of them have expired."""
    over = (401, "InvalidAuthenticationInfo")
    replies = scene.token_replays.items()
    return every(
        [
            (f"{how}: {reply}", reply.status == 403 or (reply.status, reply.code) == over)
            for how, reply in replies
        ]
    )


def _owner(scene: Scene) -> Finding:
    reply = scene.owner_on_successor
    return Finding(reply.status in (403, 404), str(reply))


def _every_way(scene: Scene) -> Finding:
    return _refused(scene.credential_replays)


_REFUSED = "refused by the token endpoint"
NO_WAY_IN = Check("nothing that the attacker holds buys a token", _REFUSED, _every_way)
NOTHING_OPENS = Check("access tokens issued before the alert open nothing", "403", _access_tokens)
NOTHING_OPENS_LATER = Check(
    "access tokens issued before the alert open nothing", "403, or 401 expired", _access_tokens_over
)
CHECKS = (
    Check("the planted secret opens nothing", _REFUSED, _planted_secret),
    Check("the rogue federated credential opens nothing", _REFUSED, _rogue_trust),
    Check("access tokens issued before the alert read nothing", "403 from storage", _access_tokens),
    Check(
        "ServiceAccount tokens, stolen and fresh, do not open the old identity",
        _REFUSED,
        lambda scene: _refused(scene.old_identity_replays),
    ),
    Check(
        "ServiceAccount tokens, stolen and fresh, do not open the new identity",
        _REFUSED,
        lambda scene: _refused(scene.new_identity_replays),
    ),
    Check("the phished owner can't plant anything on the new identity", "403 from Graph", _owner),
)
