"""The HTTP surface, called in every way that its own description allows, and in ways that it does not.

Cases are drawn by schemathesis from the OpenAPI document that the app serves, each by somebody: nobody at all, people
with each role, whoever has a function key. What has to hold of every answer: no 5xx, a status and a body that are
described, and what is no proper call is refused. The caller of `Surface.play` judges what was begun meanwhile.

https://schemathesis.readthedocs.io/
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks, openapi
from schemathesis.core.failures import Failure, FailureGroup

Json = dict[str, Any]
schemathesis.checks.load_all_checks()
_CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]
_REJECTED = checks.CHECKS.get_one("negative_data_rejection")
_ID = "incident_id"
_ALIKE = 60  # characters: the status and the kind of failure


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who calls, and with what."""

    name: str
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer that must not be."""

    operation: str
    who: str
    what: str
    curl: str

    def is_like(self, operation: str, what: str) -> bool:
        """One of each kind is enough for whoever mends it."""
        return (self.operation, self.what[:_ALIKE]) == (operation, what[:_ALIKE])


@dataclass
class Surface:
    """One app, and all that is known of it."""

    description: Json
    origin: str
    incident_id: str  # one that there is: half of the calls are about it
    findings: list[Finding] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)  # (who, status) -> how many

    def play(self, people: list[Somebody], *, examples: int, seed: int) -> None:
        """So many calls per operation and way of drawing. The same seed draws the same."""
        schema: Any = openapi.from_dict(_without_security(self.description))
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                self._draw(operation, mode, people, examples=examples, seed=seed)

    def _draw(
        self,
        operation: Any,
        mode: GenerationMode,
        people: list[Somebody],
        *,
        examples: int,
        seed: int,
    ) -> None:
        cases = operation.as_strategy(generation_mode=mode)
        if _ID in operation.path:
            known = operation.as_strategy(
                generation_mode=mode, path_parameters={_ID: self.incident_id}
            )
            cases = st.one_of(cases, known)

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=examples,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=cases, who=st.sampled_from(people))
        def one(case: Any, who: Somebody) -> None:
            self._ask(case, who)

        try:
            one()
        except hypothesis.errors.Unsatisfiable:
            self.answers["nothing to draw", 0] += 1  # such as what breaks a schema that allows all

    def _ask(self, case: Any, who: Somebody) -> None:
        answer = case.call(base_url=self.origin, headers=who.headers, timeout=60)
        self.answers[who.name, answer.status_code] += 1
        # Every 4xx is a refusal, also those that schemathesis does not count: 412, 413.
        wanted = _CHECKS if answer.status_code >= 400 else [*_CHECKS, _REJECTED]
        try:
            case.validate_response(answer, checks=wanted)
        except (Failure, FailureGroup) as failure:
            inner = failure.exceptions if isinstance(failure, FailureGroup) else (failure,)
            for one in inner:
                what = f"{answer.status_code}: {one.title}: {one.message}"[:600]
                label = case.operation.label
                if not any(known.is_like(label, what) for known in self.findings):
                    self.findings.append(Finding(label, who.name, what, case.as_curl_command()))


def _without_security(description: Json) -> Json:
    """Who calls is drawn here: a proof that schemathesis leaves out would be put in again."""
    paths = {
        path: {
            method: {name: value for name, value in one.items() if name != "security"}
            for method, one in methods.items()
        }
        for path, methods in description["paths"].items()
    }
    return {**description, "paths": paths}
