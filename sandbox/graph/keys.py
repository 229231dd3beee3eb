"""Certificates: rolled by their holder with a proof, or set by PATCH of the whole list.

Simulates   addKey, removeKey, keyCredentials in PATCH and POST
Faithful    both actions want a proof of possession; PATCH keeps what it names by keyId and takes new ones
            with their `key`; an end beyond the certificate's is refused
Left out    keys with a password (X509CertAndPassword), symmetric keys
Source      https://learn.microsoft.com/graph/api/application-addkey
            https://learn.microsoft.com/graph/api/application-update
            https://learn.microsoft.com/graph/api/resources/keycredential
"""

import base64
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.graph import bodies, holders, permissions, proofs
from sandbox.graph.credentials import new_key_credential
from sandbox.graph.errors import bad_request
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.holders import Holder
from sandbox.world import Json

_ADD = {"keyCredential": "keyCredential", "passwordCredential": "passwordCredential"}
_PROOF = {"proof": "str"}
_TYPE, _USAGES = "AsymmetricX509Cert", ("Verify", "Sign")


def add(request: Request) -> Reply:
    """200 the credential; 400; 403 no proof; 404."""
    holder = _find_to_roll(request)
    parameters = bodies.read_parameters(request, _ADD | _PROOF)
    proofs.check(holder.item, parameters.get("proof"), request.world.clock.now())
    credential = _new(parameters.get("keyCredential") or {})
    kept = holder.item["keyCredentials"]
    holders.write_credentials(
        request, holder, {**holder.item, "keyCredentials": [*kept, credential]}
    )
    context = f"{request.root}/$metadata#microsoft.graph.keyCredential"
    return Reply(200, {"@odata.context": context, **credential, "key": None})


def remove(request: Request) -> Reply:
    """204 gone; 400 there is none of this keyId; 403 no proof; 404."""
    holder = _find_to_roll(request)
    parameters = bodies.read_parameters(request, {"keyId": "guid"} | _PROOF)
    proofs.check(holder.item, parameters.get("proof"), request.world.clock.now())
    before = holder.item["keyCredentials"]
    kept = [each for each in before if each["keyId"] != parameters.get("keyId")]
    if len(kept) == len(before):
        raise bad_request("No key credential found with keyId.")
    holders.write_credentials(request, holder, {**holder.item, "keyCredentials": kept})
    return Reply(204)


def replace(before: list[Json], wanted: list[Json]) -> list[Json]:
    """The list that a PATCH asks for: known keyIds are kept as they are. Raises 400."""
    known = {each["keyId"]: each for each in before}
    return [
        _kept(known[each["keyId"]], each) if each.get("keyId") in known else _new(each)
        for each in wanted
    ]


def _kept(old: Json, wanted: Json) -> Json:
    """A credential that is there may be renamed and nothing else."""
    changed = {"displayName"} | {name for name, value in wanted.items() if value is None}
    if any(old[name] != value for name, value in wanted.items() if name not in changed):
        raise bad_request(
            f"Update to existing credential with KeyId '{old['keyId']}' is not allowed."
        )
    return {**old, "displayName": wanted.get("displayName", old["displayName"])}


def _new(wanted: Json) -> Json:
    if not wanted.get("key"):
        raise bad_request("Key credential is missing its 'key'.", "KeyCredentialsInvalidValue")
    usage = wanted.get("usage") or "Verify"
    if wanted.get("type", _TYPE) != _TYPE or usage not in _USAGES:
        raise bad_request("Key credential type or usage is invalid.", "KeyCredentialsInvalidType")
    certificate = _certificate(base64.b64decode(wanted["key"]))
    credential = new_key_credential(
        wanted.get("displayName") or certificate.subject.rfc4514_string(),
        certificate=certificate.public_bytes(Encoding.DER),
        start=_start(wanted, certificate),
        end=_end(wanted, certificate),
        key_id=wanted.get("keyId"),
        usage=usage,
    )
    if wanted.get("customKeyIdentifier"):
        credential["customKeyIdentifier"] = wanted["customKeyIdentifier"]
    return credential


def _start(wanted: Json, certificate: x509.Certificate) -> datetime:
    begins = certificate.not_valid_before_utc
    start = bodies.parse_date(wanted.get("startDateTime") or begins.isoformat())
    if start < begins:
        raise bad_request("Key credential start date is invalid.", "KeyCredentialsInvalidStartDate")
    return start


def _end(wanted: Json, certificate: x509.Certificate) -> datetime:
    ends = certificate.not_valid_after_utc
    end = bodies.parse_date(wanted.get("endDateTime") or ends.isoformat())
    if end > ends:
        raise bad_request("Key credential end date is invalid.", "KeyCredentialsInvalidEndDate")
    return end


def _certificate(raw: bytes) -> x509.Certificate:
    """DER, or PEM, as both are seen in the wild. Raises 400."""
    try:
        if raw.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(raw)
        return x509.load_der_x509_certificate(raw)
    except ValueError as wrong:
        raise bad_request(
            "Key credential's 'key' is no certificate.", "KeyCredentialsInvalidValue"
        ) from wrong


def _find_to_roll(request: Request) -> Holder:
    holder = holders.find(request)
    permissions.roll_own_key(request, holder.item["appId"], holder.object_id)
    holders.refuse_managed_identity(holder.item)
    return holder


ROUTES = [
    Route("POST", f"/{collection}/{{key}}/{action}", handler)
    for collection in ("applications", "servicePrincipals")
    for action, handler in (("addKey", add), ("removeKey", remove))
]
