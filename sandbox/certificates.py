"""The sandbox's certificate authority and the one server certificate that every listener shows.

Made anew at each start and never put into a trust store: whoever talks to the sandbox names its CA file.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

# All services listen on loopback only, so these are all the names that a client can use.
_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files in the sandbox's state folder."""

    ca: Path
    server: Path  # private key and chain in one file, mode 0600


def issue(folder: Path) -> Certificates:
    """Write a new CA certificate and a server certificate signed by it."""
    authority = trustme.CA()
    server = authority.issue_cert(*_NAMES)
    paths = Certificates(ca=folder / "ca.pem", server=folder / "server.pem")
    paths.server.touch(mode=0o600)
    server.private_key_and_cert_chain_pem.write_to_path(str(paths.server))
    authority.cert_pem.write_to_path(str(paths.ca))
    return paths


def client_context(ca: Path) -> ssl.SSLContext:
    """Trusts the sandbox's CA and nothing else: for calls from one service to another."""
    return ssl.create_default_context(cafile=str(ca))
