"""The drawings of "How it works" are what the code draws today."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_drawings_are_those_of_the_code(tmp_path):
    script = REPOSITORY / "docs" / "making" / "drawings.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, cwd=REPOSITORY)
    kept = REPOSITORY / "docs" / "images" / "method"
    drawn = sorted(path.name for path in tmp_path.iterdir())
    assert drawn == sorted(path.name for path in kept.iterdir())
    for name in drawn:
        assert (tmp_path / name).read_bytes() == (kept / name).read_bytes(), name
