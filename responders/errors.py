"""Errors, named by what happens next.

ResponderError
├── TransientError         time can fix it: 408, 429, 5xx, timeout    the step raises, Durable retries
├── RefusedError           a person can: 401, 403, lock, own guard    the step returns "refused" and why
│   └── UnresolvedError    no such principal                          nothing is started
│       └── AmbiguousError more than one: the candidates are named    nothing is started
├── NotFoundError          it is not there (any more)                 the responder decides what that means
├── ConflictError          somebody else wrote first: 409, 412        the responder reads again
└── ContractChangedError   a developer can: an undocumented answer    the step raises, the playbook fails
"""


class ResponderError(Exception):
    """What, which resource, and what to do next."""


class TransientError(ResponderError):
    """Time can fix it: after so many seconds, where whoever refused has said so."""

    def __init__(self, message: str, after_s: int | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class RefusedError(ResponderError):
    """A person can fix it."""


class UnresolvedError(RefusedError):
    """The hint names no principal that exists."""


class AmbiguousError(UnresolvedError):
    """The hint fits several principals. Nobody chooses for the sender, least of all by a name."""

    def __init__(self, message: str, candidates: list[str]) -> None:
        super().__init__(f"{message}: {', '.join(candidates)}")
        self.candidates = candidates


class NotFoundError(ResponderError):
    """The object is not there."""


class ConflictError(ResponderError):
    """The object changed, or exists already."""


class ContractChangedError(ResponderError):
    """The answer is not what the documentation promises."""
