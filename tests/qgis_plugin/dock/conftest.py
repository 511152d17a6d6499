"""The dock's widgets alone: no QGIS, whichever binding of Qt is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(Path(__file__).parents[3] / "qgis_plugin"), str(Path(__file__).parent)]

import pytest  # noqa: E402 -- Qt reads the environment when it is imported, which pytest-qt does
from dock_fakes import FakeEngine, FakeSide  # noqa: E402


@pytest.fixture
def side(tmp_path):
    """A project with an image of four bands, one of six, a map service and a layer of polygons."""
    return FakeSide(tmp_path)


@pytest.fixture
def engine():
    """An engine whose jobs do what the test says."""
    return FakeEngine()


@pytest.fixture
def panel(qtbot, side, engine):
    """The dock's widget, shown at the least width that it must do with."""
    from geoarseg_qgis.dock.panel import Panel

    panel = Panel(side, engine)
    qtbot.addWidget(panel)
    panel.resize(320, 700)
    panel.show()
    yield panel
    panel.close_down()
