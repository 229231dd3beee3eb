"""Whoever touches kept evidence is found out: rows, files, steps, the manifest itself."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from responders import bundles, reports
from responders.evidence import canonical, digest
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal

_FOLDER = "incidents/inc-1"
Tamper = Callable[[Path], None]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """An incident with a snapshot, three log rows, two steps and the manifest."""
    store = EvidenceFolder(tmp_path)
    store.put_json(f"{_FOLDER}/snapshot.json", {"federated_credentials": []})
    rows = store.put_rows(f"{_FOLDER}/logs/sign_ins.jsonl", [{"row": n} for n in range(3)])
    about = {"query": "T | take 3", "start": "s", "end": "e", "row_count": 3, "rows": rows}
    store.put_json(f"{_FOLDER}/logs/sign_ins.json", about)
    journal = Journal(store, "inc-1")
    for step in ("disable", "write_report"):
        run = journal.intent(step, "oid")
        if step == "write_report":
            reports.write_manifest(store, _FOLDER)
        journal.outcome(step, "oid", run=run, status="done", detail="", duration_ms=1)
    return tmp_path / _FOLDER


def problems(bundle: Path) -> list[str]:
    store = EvidenceFolder(bundle.parent)
    return [str(one) for one in bundles.verify(store, bundle.name)]


def lines_of(bundle: Path, name: str) -> list[str]:
    return (bundle / name).read_text().splitlines()


def edit(name: str, change: Callable[[list[str]], list[str]]) -> Tamper:
    def act(bundle: Path) -> None:
        changed = change(lines_of(bundle, name))
        (bundle / name).write_text("".join(f"{line}\n" for line in changed))

    return act


def rechained(lines: list[str]) -> list[str]:
    """What a careful forger writes: the first step gone, every hash computed anew."""
    previous, out = "0" * 64, []
    for number, line in enumerate(lines[1:]):
        entry = {**json.loads(line), "seq": number, "previous": previous}
        entry.pop("hash")
        previous = entry["hash"] = digest(canonical(entry))
        out.append(canonical(entry).decode())
    return out


def forged(lines: list[str]) -> list[str]:
    """As many lines as before, so that only the head can tell."""
    entry = json.loads(lines[0])
    return rechained([lines[0], json.dumps({**entry, "step": "other"}), *lines[1:]])


def test_an_untouched_bundle_is_intact(bundle: Path) -> None:
    assert problems(bundle) == []


def test_a_bundle_may_be_moved(bundle: Path, tmp_path: Path) -> None:
    moved = tmp_path / "handed-over" / "case 7"
    moved.parent.mkdir()
    bundle.rename(moved)

    assert problems(moved) == []


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (edit("logs/sign_ins.jsonl", lambda rows: [rows[0], '{"row": 7}', rows[2]]), "row changed"),
        (edit("logs/sign_ins.jsonl", lambda rows: rows[:2]), "row removed: 2 rows, 3"),
        (edit("logs/sign_ins.jsonl", lambda rows: [*rows, rows[0]]), "row added: 4 rows, 3"),
        (edit("logs/sign_ins.jsonl", lambda rows: rows[::-1]), "row changed"),
        (lambda bundle: (bundle / "snapshot.json").write_text("{}"), "snapshot.json: changed"),
        (lambda bundle: (bundle / "snapshot.json").unlink(), "snapshot.json: removed"),
        (lambda bundle: (bundle / "logs/more.json").write_text("{}"), "logs/more.json: added"),
        (lambda bundle: (bundle / "manifest.json").unlink(), "manifest.json: missing"),
        (lambda bundle: (bundle / "manifest.json").write_text("[]"), "manifest.json: changed"),
        (lambda bundle: (bundle / "journal.jsonl").unlink(), "truncated: 0 lines"),
        (edit("journal.jsonl", lambda steps: steps[:2]), "truncated: 2 lines, manifest.json saw 3"),
        (edit("journal.jsonl", lambda steps: [steps[0], *steps[2:]]), "step removed: line 2"),
        (edit("journal.jsonl", lambda steps: [steps[1], steps[0], *steps[2:]]), "steps reordered"),
        (
            edit("journal.jsonl", lambda steps: [steps[0].replace("disable", "nothing"), *steps[1:]]),
            "step changed: line 1 (nothing)",
        ),
        (edit("journal.jsonl", lambda steps: ["no json", *steps[1:]]), "step changed: line 1"),
        (edit("journal.jsonl", lambda steps: ["[1]", *steps[1:]]), "step changed: line 1"),
        (edit("journal.jsonl", rechained), "line 3 is not the one that manifest.json saw"),
        (edit("journal.jsonl", forged), "line 3 is not the one that manifest.json saw"),
    ],
)  # fmt: skip
def test_what_was_touched_is_named(bundle: Path, tamper: Tamper, expected: str) -> None:
    tamper(bundle)

    found = problems(bundle)
    assert any(expected in one for one in found), found


def test_one_changed_row_is_one_problem(bundle: Path) -> None:
    edit("logs/sign_ins.jsonl", lambda rows: rows[:2])(bundle)

    assert len(problems(bundle)) == 1


def test_a_manifest_that_points_outside_reads_nothing_there(bundle: Path) -> None:
    secret = bundle.parent.parent.parent / "secret"
    secret.write_text("s")
    manifest = json.loads((bundle / "manifest.json").read_text())
    about = {"path": "../../secret", "sha256": digest(b"s"), "size": 1}
    manifest["files"].append(about)
    (bundle / "manifest.json").write_text(json.dumps(manifest))

    assert "outside of the bundle" in "".join(problems(bundle))


def test_a_forged_manifest_is_found_by_its_own_hash(bundle: Path) -> None:
    known = digest((bundle / "manifest.json").read_bytes())
    assert bundles.main([str(bundle), "--manifest-sha256", known]) == 0

    (bundle / "snapshot.json").unlink()
    (bundle / "manifest.json").unlink()
    reports.write_manifest(EvidenceFolder(bundle.parent.parent), _FOLDER)
    assert problems(bundle) == []
    assert bundles.main([str(bundle), "--manifest-sha256", known]) == 1


def test_a_later_manifest_covers_what_came_later_and_the_earlier_one(bundle: Path) -> None:
    store = EvidenceFolder(bundle.parent.parent)
    store.put_json(f"{_FOLDER}/logs/sweep-2.json", {})
    assert problems(bundle) == ["logs/sweep-2.json: added: no manifest names it"]

    reports.write_manifest(store, _FOLDER, name="manifest-2.json")
    assert problems(bundle) == []
    (bundle / "manifest.json").unlink()
    assert "manifest.json: removed" in problems(bundle)[0]


def test_the_manifest_says_how_rows_were_come_by(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())

    rows = next(one for one in manifest["files"] if one["path"].endswith("sign_ins.jsonl"))
    assert rows["log"] == {"query": "T | take 3", "start": "s", "end": "e", "row_count": 3}
    assert manifest["journal"]["entries"] == 3


def test_the_command_ends_with_a_status_and_words(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundles.main([str(bundle)]) == 0
    assert capsys.readouterr().out.startswith("intact: inc-1\n")

    (bundle / "snapshot.json").unlink()
    assert bundles.main([str(bundle)]) == 1
    assert "snapshot.json: removed" in capsys.readouterr().out
    assert bundles.main([str(bundle / "absent")]) == 1
    assert "is no folder" in capsys.readouterr().err
