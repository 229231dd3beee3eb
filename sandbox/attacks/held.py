"""What an attacker holds when an attack is over: ways to a new token, and tokens that open something already."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sandbox.attacks.attacker import TokenAnswer

Ask = Callable[[], Awaitable[TokenAnswer]]
Use = Callable[[], Awaitable[tuple[int, str]]]  # HTTP status, and the error code where there is one


@dataclass
class Held:
    """In memory only, and no value of a secret in any printed form."""

    ways: dict[str, Ask] = field(default_factory=dict)  # how -> ask the token endpoint (again)
    uses: dict[str, Use] = field(default_factory=dict)  # how -> use the token that was bought
    secrets: dict[str, str] = field(default_factory=dict, repr=False)  # name -> value
    account_tokens: dict[str, str] = field(
        default_factory=dict, repr=False
    )  # where stolen -> ServiceAccount token
    traces: dict[str, str] = field(default_factory=dict)  # what was planted -> id that logs show
    made: dict[str, str] = field(default_factory=dict)  # what was made with the identity -> its id
