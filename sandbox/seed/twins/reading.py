"""Reading the file: by its published schema, and no other way."""

import json
from pathlib import Path

from sandbox.world import Json

SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "reference" / "twin.schema.json"
_SHOWN = 5  # mistakes


def read(path: Path) -> Json:
    """The export. Raises `ValueError` that says what is wrong with the file, where, and what to do next."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - half a second that other worlds can do without

    try:
        content: Json = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}. {_NEXT}") from error
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    wrong = sorted(validator.iter_errors(content), key=lambda one: [str(each) for each in one.path])
    if wrong:
        said = "; ".join(
            f"{'.'.join(str(each) for each in one.path) or 'the file'}: {one.message[:200]}"
            for one in wrong[:_SHOWN]
        )
        raise ValueError(f"{path}: {said}. {_NEXT}")
    return content


def cluster_names(export: Json) -> tuple[str, ...]:
    """In the file's order; each gets an API server of its own."""
    return tuple(one["name"] for one in export["clusters"])


_NEXT = "Undo the edit, or make it anew: firebreak twin export"
