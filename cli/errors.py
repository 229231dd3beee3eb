"""Why a command ends without what was asked for, and with which exit status.

CommandError              1  said in one line, and what to do next
├── UnreachableError      4  nobody answered: the app is down, or the address is wrong
└── NotSignedInError      5  no token, or one that the app does not take
"""


class CommandError(Exception):
    """What went wrong, which, and what to do next."""

    exit_status = 1

    def __init__(self, said: str, todo: str = "") -> None:
        super().__init__(said)
        self.todo = todo


class UnreachableError(CommandError):
    """The app did not answer. What was sent may have arrived."""

    exit_status = 4


class NotSignedInError(CommandError):
    """Nobody is signed in, or not for this app."""

    exit_status = 5


class RefusedError(CommandError):
    """The app said no, as a problem document (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, object]) -> None:
        self.status, self.problem = status, problem
        detail = problem.get("detail") or problem.get("title") or f"HTTP {status}"
        super().__init__(f"{problem.get('code', status)}: {detail}", str(problem.get("next", "")))
