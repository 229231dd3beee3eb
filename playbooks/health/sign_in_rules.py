"""What the sign-in logs say: which AADSTS codes come more often than they did. Pure."""

from playbooks.health.model import About, Part, finding
from playbooks.orders import Json
from playbooks.runs.model import Finding
from playbooks.troubleshooting import error_codes
from responders.sign_in_failures import PERIODS_BEFORE, CodeSeen, FailingSeen, FailuresSeen
from responders.untrusted import visible

_NAMED = 10  # identities that a finding names
_GUESSED = {"7000215", "700027"}  # also what it looks like when somebody tries what they have found


def judged(seen: FailuresSeen, limits: Json) -> Part:
    """The part of authentication. `limits` is policy.toml [health]."""
    findings = []
    for one in seen["codes"]:
        failing = [
            each
            for each in seen["failing"]
            if (each["table"], each["code"]) == (one["table"], one["code"])
        ]
        findings += _of(one, failing, limits)
    total = sum(one["failures"] for one in seen["codes"])
    tables = [
        {
            "title": f"Failed sign-ins of the last {limits['look_back_hours']} hours",
            "columns": ["code", "table", "failures", "identities", "usual", "trend", "means"],
            "rows": [_row(one) for one in sorted(seen["codes"], key=_most)],
        },
        {
            "title": "Identities that fail most",
            "columns": ["identity", "object id", "client id", "code", "failures", "addresses"],
            "rows": [
                [
                    visible(one["name"]),
                    one["object_id"],
                    one["app_id"],
                    one["code"],
                    str(one["failures"]),
                    str(one["sources"]),
                ]
                for one in sorted(seen["failing"], key=lambda one: -one["failures"])
            ],
        },
    ]
    said = f"{total} failed sign-ins by {len({one['code'] for one in seen['codes']})} codes"
    return Part("Authentication", said, findings, seen["unread"], tables)  # type: ignore[arg-type]


def usual(code: CodeSeen) -> float:
    """How many there were in a window of before, on average."""
    return code["before"] / PERIODS_BEFORE


def is_rising(code: CodeSeen, limits: Json) -> bool:
    """More than so many times as many as usual; what never came before rises with the first that counts."""
    return code["failures"] > usual(code) * int(limits["failures_growth"])


def _of(code: CodeSeen, failing: list[FailingSeen], limits: Json) -> list[Finding]:
    if code["failures"] < limits["failures"]:
        return []
    rising = is_rising(code, limits)
    rule = "authentication-failures-rising" if rising else "authentication-failures"
    about = About(f"AADSTS{code['code']}", f"AADSTS{code['code']}, {code['table']}")
    said = (
        f"{about.subject}: {code['failures']} failures in {limits['look_back_hours']} hours, usually "
        f"{usual(code):.1f}; identities that fail: {code['identities']}; it means: {_cause(code)}"
    )
    named = [
        f"{visible(one['name'])} ({one['object_id']}): {one['failures']}, from {one['sources']} addresses"
        for one in failing[:_NAMED]
    ]
    subject = About(f"{about.subject}/{code['table']}", about.name)
    return [finding(rule, "medium" if rising else "low", subject, said, _fix(code), named)]


def _row(code: CodeSeen) -> list[str]:
    return [
        code["code"],
        code["table"],
        str(code["failures"]),
        str(code["identities"]),
        f"{usual(code):.1f}",
        _trend(code),
        _cause(code),
    ]


def _number(code: CodeSeen) -> int:
    """0 for what is no number: the column is a text."""
    return int(code["code"]) if code["code"].isascii() and code["code"].isdecimal() else 0


def _cause(code: CodeSeen) -> str:
    return error_codes.known(_number(code)).cause


def _fix(code: CodeSeen) -> str:
    known = error_codes.CODES.get(_number(code))
    if known is None or not known.check:
        return error_codes.fix(_number(code))
    look = "firebreak run troubleshoot_workload --set client_id=..., of an identity in the evidence"
    guessed = "many addresses, or none of yours: open an incident. Else "
    return f"{guessed if code['code'] in _GUESSED else ''}{look}"


def _trend(code: CodeSeen) -> str:
    before = usual(code)
    if not before:
        return "new"
    return f"{code['failures'] / before:.1f} times"


def _most(code: CodeSeen) -> tuple[int, str]:
    return -code["failures"], code["code"]
