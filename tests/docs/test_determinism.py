"""The page on determinism names tests that are there."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
NAMED = re.findall(
    r"`(tests/[\w/]+\.py)::(test_\w+)`", (REPOSITORY / "docs" / "determinism.md").read_text(encoding="utf-8")
)


def test_every_test_that_is_named_exists():
    assert len(NAMED) > 12
    for file, name in NAMED:
        assert f"def {name}(" in (REPOSITORY / file).read_text(encoding="utf-8"), f"{file}::{name}"
