"""What Entra's error codes mean for a workload that federates: the cause, and which check decides.

Source   https://learn.microsoft.com/entra/identity-platform/reference-error-codes
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
         https://azure.github.io/azure-workload-identity/docs/troubleshooting.html
         https://learn.microsoft.com/azure/aks/identity-bindings-concepts

Microsoft may make any of them finer: a program should not branch on one, and neither does a check: they are evidence.
"""

from typing import NamedTuple


class Known(NamedTuple):
    """A code that workloads meet."""

    cause: str
    check: str  # decides whether it is so now; "" where only the program can
    settled: bool  # a token that is issued now shows that it is over


_TRUST = "issuer"
CODES: dict[int, Known] = {
    70021: Known("no federated credential fits issuer, subject and audience", _TRUST, settled=True),
    70025: Known("the identity has no federated credential at all", _TRUST, settled=True),
    700211: Known("no federated credential has the token's issuer", _TRUST, settled=True),
    700212: Known("no federated credential has the token's audience", "audience", settled=True),
    700213: Known("no federated credential has the token's subject", "subject", settled=True),
    700016: Known(
        "the tenant has no application or identity with this client id: a wrong client id, or a wrong tenant",
        "identity",
        settled=True,
    ),
    7000112: Known(
        "the application or its service principal is disabled", "identity", settled=True
    ),
    90002: Known("there is no such tenant", "environment", settled=True),
    700024: Known(
        "the ServiceAccount token had expired: the program keeps one it read before, or the node's clock is wrong",
        "",
        settled=False,
    ),
    700027: Known("the token's signature does not hold", "issuer-keys", settled=True),
    7000272: Known(
        "the issuer does not publish the key that signed the token: after a rotation for a while, or for good",
        "issuer-keys",
        settled=True,
    ),
    90061: Known(
        "Entra could not read the issuer's documents: they are not public, or slow",
        "issuer-keys",
        settled=True,
    ),
    50166: Known("Entra could not read the issuer's documents", "issuer-keys", settled=True),
    50027: Known(
        "what was sent as the token is none that Entra reads: malformed, cut off, or not a ServiceAccount's",
        "token-volume",
        settled=False,
    ),
    7000215: Known(
        "a client secret was sent, and it is wrong: this program does not use workload identity",
        "environment",
        settled=False,
    ),
    7000222: Known(
        "a client secret was sent, and it has expired: this program does not use workload identity",
        "environment",
        settled=False,
    ),
    500011: Known("there is no such API in this tenant: the scope is wrong", "", settled=False),
    70011: Known("the scope is not valid", "", settled=False),
    1002012: Known("the scope has to end in /.default", "", settled=False),
    53003: Known(
        "Conditional Access blocks this identity, or the address it came from", "", settled=False
    ),
}
_FIXES = {
    700024: "let the program read AZURE_FEDERATED_TOKEN_FILE anew for each request, as current azure-identity does; "
    "until then restart it",
    500011: "ask for a scope that exists, e.g. https://vault.azure.net/.default",
    70011: "ask for one scope that ends in /.default",
    1002012: "ask for one scope that ends in /.default",
    53003: "look at the policies for workload identities in Conditional Access, and at the address in the sign-in log",
}


def known(code: int) -> Known:
    """What is known of it. One that is not known is still named."""
    return CODES.get(code) or Known(
        f"see https://login.microsoftonline.com/error?code={code}", "", settled=True
    )


def fix(code: int) -> str:
    """What helps where no other check does."""
    return _FIXES.get(code, f"https://login.microsoftonline.com/error?code={code}")
