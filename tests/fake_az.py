"""The parts of the Azure CLI that our scripts use: `az cloud show` and `az rest`, against the Graph in FAKE_AZ_GRAPH.

Run as a program of the name `az`. Output and queries as the CLI's: https://learn.microsoft.com/cli/azure/query-azure-cli
"""

import json
import os
import sys
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import jmespath  # type: ignore[import-untyped]


def main(words: list[str]) -> int:
    """Carry out one command; 1 and the answer on standard error where Graph refuses."""
    if words[:2] == ["cloud", "show"]:
        options = dict(zip(words[2::2], words[3::2], strict=True))
        endpoints = {"microsoftGraphResourceId": f"{os.environ['FAKE_AZ_GRAPH']}/"}
        return _shown({"endpoints": endpoints}, options)
    assert words[0] == "rest", words
    options = dict(zip(words[1::2], words[2::2], strict=True))
    url = urlsplit(options["--url"])
    connection = HTTPConnection(url.netloc, timeout=30)
    target = url.path + (f"?{url.query}" if url.query else "")
    connection.request(options["--method"].upper(), target, options.get("--body"))
    answer = connection.getresponse()
    content = answer.read().decode()
    if answer.status >= 400:
        sys.stderr.write(f"{answer.status}: {content}\n")
        return 1
    return _shown(json.loads(content) if content else None, options)


def _shown(value: Any, options: dict[str, str]) -> int:
    known = {"--query", "--output", "--method", "--url", "--body", "--headers"}
    assert set(options) <= known, options
    if "--query" in options:
        value = jmespath.search(options["--query"], value)
    if options.get("--output") == "tsv":
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            sys.stdout.write("\t".join(row if isinstance(row, list) else [str(row)]) + "\n")
    elif options.get("--output") != "none":
        json.dump(value, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
