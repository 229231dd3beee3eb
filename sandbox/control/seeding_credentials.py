"""Seeds of what yields tokens. Secrets and private keys are answered once, for whoever is to hold or to leak them."""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.control.wishes import WishError, text
from sandbox.graph.credentials import (
    new_federated_credential,
    new_key_credential,
    new_password_credential,
    new_secret,
)
from sandbox.seed.certificates import self_signed
from sandbox.world import Json, Shelf, World

_VALID = timedelta(days=730)


def _secret(world: World, since: datetime, one: Json) -> Json:
    """{"holderId", "displayName", "keyId"?}: on an application or a service principal; answers its value."""
    shelf, holder = _holder(world, "passwordCredentials", text(one, "holderId"))
    value = new_secret()
    made = new_password_credential(
        text(one, "displayName"),
        secret=value,
        start=since,
        end=since + _VALID,
        key_id=one.pop("keyId", None),
    )
    holder["passwordCredentials"] = [*holder["passwordCredentials"], made]
    shelf.put(holder["id"], holder, since=since)
    world.directory.secrets[made["keyId"]] = value
    return {"key_id": made["keyId"], "secret": value}


def _certificate(world: World, since: datetime, one: Json) -> Json:
    """{"holderId", "displayName", "keyId"?}: the same with a certificate; answers its private key and thumbprint."""
    shelf, holder = _holder(world, "keyCredentials", text(one, "holderId"))
    name = text(one, "displayName")
    signed = self_signed(name, since, since + _VALID)
    made = new_key_credential(
        name,
        certificate=signed.certificate.public_bytes(Encoding.DER),
        start=since,
        end=since + _VALID,
        key_id=one.pop("keyId", None),
    )
    holder["keyCredentials"] = [*holder["keyCredentials"], made]
    shelf.put(holder["id"], holder, since=since)
    return {
        "key_id": made["keyId"],
        "private_key": signed.private_key_pem,
        "thumbprint": signed.thumbprint,
    }


def _trust(world: World, since: datetime, one: Json) -> Json:
    """{"applicationId", "name", "issuer", "subject"}; the id is the application's object id."""
    application_id = text(one, "applicationId")
    if application_id not in world.directory.applications:
        raise WishError(f"federatedCredentials: no application {application_id}")
    trust = new_federated_credential(
        text(one, "name"),
        application_id=application_id,
        issuer=text(one, "issuer"),
        subject=text(one, "subject"),
    )
    world.directory.federated_credentials.put(trust["id"], trust, since=since)
    return {"id": trust["id"]}


def _holder(world: World, part: str, object_id: str) -> tuple[Shelf, Json]:
    for shelf in (world.directory.applications, world.directory.service_principals):
        if (found := shelf.get(object_id)) is not None:
            return shelf, found
    raise WishError(f"{part}: no application or service principal {object_id}")


PARTS = {
    "passwordCredentials": _secret,
    "keyCredentials": _certificate,
    "federatedCredentials": _trust,
}
