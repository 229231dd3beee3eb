"""The public documents of the issuers that Entra may be told to trust: the clusters' and foreign ones.

Simulates   an AKS cluster's issuer URL: discovery document and JWKS
Faithful    the issuer URL ends in a slash and is compared to the letter
Choice      how long the keys may be cached: as long as the Entra here does
Source      https://learn.microsoft.com/azure/aks/use-oidc-issuer
"""

import math

from starlette.responses import JSONResponse, Response

from sandbox.issuers import Issuer
from sandbox.web import Call
from sandbox.world import World

_DISCOVERY = ".well-known/openid-configuration"
_KEYS = "openid/v1/jwks"


async def serve(world: World, call: Call) -> Response:
    """200 with the document, 404 for an issuer that does not exist."""
    if call.method != "GET":
        return Response(status_code=405)
    for ending, document in ((_DISCOVERY, _discovery), (_KEYS, _keys)):
        if call.path.endswith("/" + ending):
            url = call.origin + call.path.removesuffix(ending)
            # A foreign issuer may be named without the slash at its end.
            issuer = world.issuers.get(url) or world.issuers.get(url.rstrip("/"))
            if issuer is not None:
                return document(issuer, world.delays.issuer_keys)
    return Response(status_code=404)


def _discovery(issuer: Issuer, _life_s: float) -> Response:
    return JSONResponse(issuer.discovery(f"{issuer.url.rstrip('/')}/{_KEYS}"))


def _keys(issuer: Issuer, life_s: float) -> Response:
    headers = {"Cache-Control": f"public, max-age={math.ceil(life_s)}"}
    return JSONResponse(issuer.jwks(), headers=headers, media_type="application/jwk-set+json")
