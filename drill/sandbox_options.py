"""What can be chosen about the sandbox that a drill or `make serve` runs against: its clusters and its world."""

import argparse


def add_to(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m sandbox` that are handed through."""
    parser.add_argument("--clusters", type=int, help="how many AKS clusters there are; default: 5")
    parser.add_argument("--world", help="what the sandbox begins with: plain or multi-cluster")


def of(arguments: argparse.Namespace) -> list[str]:
    """The command line for the sandbox; what was not chosen is left to its defaults."""
    chosen = {"--clusters": arguments.clusters, "--world": arguments.world}
    return [text for name, each in chosen.items() if each is not None for text in (name, str(each))]
