"""What can be chosen about the sandbox of a drill or of `make serve`: clusters, world, what Firebreak may do in it."""

import argparse


def add_to(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m sandbox` that are handed through."""
    parser.add_argument("--clusters", type=int, help="how many AKS clusters there are; default: 5")
    parser.add_argument(
        "--permissions", help="what Firebreak's identities are given; default: infra/permissions"
    )
    parser.add_argument("--profile", help="of it: full, or managed-identities-only")
    parser.add_argument("--world", help="what the sandbox begins with: plain or multi-cluster")


def of(arguments: argparse.Namespace) -> list[str]:
    """The command line for the sandbox; what was not chosen is left to its defaults."""
    names = ("clusters", "world", "permissions", "profile")
    chosen = {f"--{name}": getattr(arguments, name) for name in names}
    return [text for name, each in chosen.items() if each is not None for text in (name, str(each))]
