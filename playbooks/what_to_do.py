"""What a person does about a notice: one sentence, for somebody who was woken by it. The runbook has the rest."""

# Which notice -> what to do now; empty where there is nothing to do.
NOW = {
    "opened": "Nothing yet. The next card says what was done.",
    "refused": "Read why, then act by hand, or call again where a responder's own call may do it.",
    "not_contained": "Open the incident and pull by hand what it names: tokens may still be issued.",
    "contained": "Read what issued tokens still open, and until when.",
    "partly_contained": "Look at each line below: no lever takes that away.",
    "planned": "Read what would change. Nothing was touched.",
    "asking": "Read the whole plan and answer it. Silence is a no.",
    "waiting": "Nothing: it goes on by itself. The workloads stand still until then.",
    "recovered": "Rotate the secrets that the report lists.",
    "partly_recovered": "Mend what each cluster names, then resume.",
    "not_resumed": "Read why, mend it, then resume.",
    "closed": "File the report and the hash of its manifest.",
    "reversed": "Find out who undid it: somebody can still write to this identity.",
    "contained_again": "Find out who undid it before it is undone again.",
    "active_after": "Look at what it did, and whether another way in is left.",
    "rebuilt_in_window": "Look at the trust that is named: the new identity may be the attacker's too.",
    "restored": "Tell the owners which credentials they have to make anew.",
    "partly_restored": "Give back by hand what is named.",
    "restore_refused": "Read the difference, then ask for a new plan.",
    "cancelled": "Somebody decided to stop here: what is half-done is named, nobody watches on.",
    "reopened": "Open the incident: the identity can be used again.",
    "failed": "Open the incident and go on by hand: the playbook itself broke.",
}
