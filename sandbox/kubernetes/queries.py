"""Query parameters as numbers and truth values.

Source   https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/
"""

from collections.abc import Mapping

from sandbox.kubernetes.statuses import bad_request


def integer(query: Mapping[str, str], name: str) -> int | None:
    """The number, or None where the parameter is absent or empty. Raises `StatusError` 400."""
    text = query.get(name)
    if not text:
        return None
    if not text.removeprefix("-").isdecimal():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def boolean(query: Mapping[str, str], name: str) -> bool:
    """Whether the parameter is set to something true."""
    return query.get(name, "").lower() in ("true", "1", "t")
