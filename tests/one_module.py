"""One module sees another clock or another parser; every other thread of the process keeps the real one.

`monkeypatch.setattr("a.module.time.sleep", ...)` reads as if it were about that module, and changes `time` for all:
a server in another thread of the same tests then never wakes.
"""

from types import ModuleType, SimpleNamespace

import pytest


def instead(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, library: ModuleType, **names: object
) -> None:
    """In this module alone, the library that it imported whole has these names replaced."""
    assert getattr(module, library.__name__) is library, f"{module} does not import {library}"
    seen = SimpleNamespace(**{**vars(library), **names})
    monkeypatch.setattr(module, library.__name__, seen)
