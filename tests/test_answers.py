"""Every error is a problem document that says what is wrong, and what its reader can do next."""

import json

from triggers.answers import answer, error


def test_a_refusal_is_a_problem_document() -> None:
    said = error(409, "StalePlan", "another plan", "read it again", more={"plan_hash": "abc"})

    assert (said.status_code, said.mimetype) == (409, "application/problem+json")
    assert json.loads(said.get_body()) == {
        "type": "urn:firebreak:error:StalePlan",
        "title": "Stale plan",
        "status": 409,
        "detail": "another plan",
        "code": "StalePlan",
        "next": "read it again",
        "plan_hash": "abc",
    }


def test_what_an_error_adds_never_covers_what_every_error_says() -> None:
    said = json.loads(error(400, "BadRequest", "no", "mend it", more={"status": 200}).get_body())

    assert said["status"] == 400


def test_who_is_nobody_is_told_how_to_sign_in_and_who_came_too_early_when_to_come_back() -> None:
    assert error(401, "NotSignedIn", "nobody", "sign in").headers["WWW-Authenticate"] == "Bearer"
    assert error(503, "TryAgain", "not now", "again").headers["Retry-After"] == "5"


def test_no_answer_is_kept_for_later() -> None:
    assert answer(200, {}).headers["Cache-Control"] == "no-store"
    assert error(404, "X", "y", "z").headers["Cache-Control"] == "no-store"
