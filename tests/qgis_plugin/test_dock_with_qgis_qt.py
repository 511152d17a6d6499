"""The dock's tests once more under the Python and the Qt 5 that QGIS has."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

QGIS_PYTHON = "/usr/bin/python3"
DOCK = Path(__file__).parent / "dock"


@pytest.mark.qgis
def test_the_dock_under_qt_5():
    needed = "import PyQt5.QtWidgets, qtpy, pytest, pytestqt, qgis.core"
    if subprocess.run([QGIS_PYTHON, "-c", needed], capture_output=True, check=False).returncode:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("QGIS's Python lacks pytest-qt or qtpy (Debian: python3-qgis, python3-pytestqt, python3-qtpy)")
    # Nothing of this project's pytest: that Python has none of its plugins.
    words = ["-c", os.devnull, "--rootdir", str(DOCK), "--confcutdir", str(DOCK), "-p", "no:cacheprovider", "-q"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment |= {"QT_API": "pyqt5", "PYTEST_QT_API": "pyqt5", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [QGIS_PYTHON, "-m", "pytest", *words, str(DOCK)],
        env=environment,
        cwd=DOCK,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
