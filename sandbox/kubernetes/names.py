"""Names and moments as the API server writes them."""

import random
from datetime import UTC, datetime

# What generated names end in: no vowels, so that no words come about.
# https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def suffix(length: int = 5) -> str:
    """The random end of a generated name."""
    return "".join(random.choice(LETTERS) for _ in range(length))  # noqa: S311 - not a secret


def timestamp(moment: datetime) -> str:
    """metav1.Time: whole seconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """The moment that an RFC 3339 text names. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text}")
    return moment
