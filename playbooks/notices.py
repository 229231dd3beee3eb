"""Every notice that there is: its title, its mood, and its event. What a person does is in `what_to_do.py`."""

from typing import NamedTuple

from responders.cards import Mood

INCIDENT_EVENTS = "Firebreak.Incident."


class Notice(NamedTuple):
    """What people are told once; `event` is the last part of the event's type, which subscribers filter by."""

    title: str
    mood: Mood
    event: str


NOTICES: dict[str, Notice] = {
    "opened": Notice("An incident was opened", "asking", "Opened"),
    "failed": Notice("The playbook broke: a person is needed now", "bad", "Failed"),
    "refused": Notice("Not acted on: a person is needed", "bad", "Refused"),
    "not_contained": Notice("NOT contained: a person is needed now", "bad", "NotContained"),
    "contained": Notice("Contained", "good", "Contained"),
    "partly_contained": Notice(
        "Contained, but for what is named here", "asking", "PartlyContained"
    ),
    "planned": Notice("A plan, nothing was touched", "asking", "Planned"),
    "asking": Notice("Contained. Consent is asked for to rebuild", "asking", "ConsentNeeded"),
    "waiting": Notice("Evicted. Waiting until stolen tokens have expired", "asking", "Waiting"),
    "recovered": Notice("Recovered", "good", "Recovered"),
    "partly_recovered": Notice("Partly recovered: a person is needed", "asking", "PartlyRecovered"),
    "not_resumed": Notice("Not resumed: a person is needed", "bad", "NotResumed"),
    "closed": Notice("Closed: the watch is over", "asking", "Closed"),
    "reversed": Notice("Containment does not hold", "bad", "ContainmentUndone"),
    "contained_again": Notice("Contained again", "asking", "ContainedAgain"),
    "active_after": Notice(
        "The identity was used after containment", "bad", "UsedAfterContainment"
    ),
    "rebuilt_in_window": Notice(
        "Rebuilt, and made by the attacker: a person is needed", "bad", "SuccessorInDoubt"
    ),
    "restored": Notice("Restored, minus what is never revived", "good", "Restored"),
    "partly_restored": Notice("Partly restored: a person is needed", "asking", "PartlyRestored"),
    "restore_refused": Notice(
        "Not restored: the world has changed, or may not be touched", "asking", "RestoreRefused"
    ),
    "cancelled": Notice("Cancelled by a person: nobody watches any more", "bad", "Cancelled"),
    "reopened": Notice("Containment no longer holds: a person is needed now", "bad", "Reopened"),
}
