"""Takes the screenshots of the documentation: the full QGIS desktop, from a raster to a saved legend.

    python qgis_plugin/screenshots.py IMAGE -o docs/images/qgis --command .venv/bin/geoarseg

It starts QGIS with a fresh profile that has the plugin, under Xvfb where there is no screen, and drives the dock as a
user would. It fails if a step does not come about, so it is a test too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

SIZE = (1440, 900)
VARIABLE = "GEOARSEG_SCREENSHOTS"
_LOOKS = (
    ("vegetation", "trees and grass", "#1b7837"),
    ("water", "river", "#2171b5"),
    ("reddish", "soil and roofs", "#bf812d"),
    ("", "roads and houses", "#969696"),
)
"""How suggested names begin, and what such classes of the sample scene are called in the pictures."""
_SHOWN_STEP = 60
_CLASSES, _TRIED_CLASSES = 5, 8
_STEP_S = 0.2
_PATIENCE_S = 600.0


def main() -> int:
    """Read the command line, prepare a profile, and start QGIS."""
    parser = argparse.ArgumentParser(description="Take the screenshots of the documentation.")
    parser.add_argument("image", type=Path, help="a raster of a few hundred pixels a side")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--command", type=Path, default=shutil.which("geoarseg"), help="the program geoarseg")
    parser.add_argument("--zip", type=Path, help="the plugin's zip; without it the plugin of this folder is taken")
    parser.add_argument("--width", type=int, default=360, help="width of the dock, in pixels")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="orthophotos-") as scratch:
        folder = Path(scratch)
        image = folder / asked.image.name
        shutil.copyfile(asked.image, image)
        _make_profile(folder, asked.zip)
        task = {"image": str(image), "out": str(asked.out.resolve()), "width": asked.width}
        environment = os.environ | {
            VARIABLE: json.dumps(task),
            "GEOARSEG_COMMAND": str(Path(asked.command).absolute()),
            "XDG_RUNTIME_DIR": str(folder),
        }
        words = ["qgis", "--profiles-path", str(folder), "--noversioncheck", "--nologo", "--code", __file__]
        if not os.environ.get("DISPLAY"):
            screen = "x".join(map(str, (*SIZE, 24)))
            words = ["xvfb-run", "--auto-servernum", "--server-args", f"-screen 0 {screen}", *words]
        # In a session of its own, so that all of it can be ended.
        with subprocess.Popen(words, env=environment, start_new_session=True) as process:
            try:
                process.wait(_PATIENCE_S + 60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        report = folder / "report.json"
        found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"error": "QGIS said nothing."}
    for name in found.get("pictures", ()):
        _shrink(asked.out / name)
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 1 if found.get("error") else 0


def _make_profile(folder: Path, archive: Path | None) -> None:
    """A profile in which the plugin is installed and enabled."""
    profile = folder / "profiles" / "default"
    plugins = profile / "python" / "plugins"
    if archive is not None:
        shutil.unpack_archive(archive, plugins)
    else:
        source = Path(__file__).resolve().parent / "geoarseg_qgis"
        shutil.copytree(source, plugins / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    settings = profile / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "[PythonPlugins]\ngeoarseg_qgis=true\n\n[locale]\nuserLocale=en_US\noverrideFlag=true\n\n"
        "[qgis]\nshowTips=false\ncheckVersion=false\nenableMessageLogPanel=false\n",
        encoding="utf-8",
    )


def _shrink(path: Path) -> None:
    """A picture of 256 colours: a third of the bytes."""
    from PIL import Image

    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def _alike(rows: Sequence[Any]) -> list[list[int]]:
    """The values of classes to be merged, which are those of one name; or the last two."""
    alike = [[row.value for row in rows if row.name == name] for name in sorted({row.name for row in rows})]
    return [values for values in alike if len(values) > 1] or [[row.value for row in rows[-2:]]]


class Play:
    """The scenes, one after the other, in the event loop of QGIS.

    Args:
        task: image, folder of the pictures, width of the dock.
    """

    def __init__(self, task: dict[str, Any]) -> None:
        from qgis.PyQt.QtCore import QTimer
        from qgis.utils import iface, plugins

        self._task, self._iface, self._plugin = task, iface, plugins["geoarseg_qgis"]
        self._folder = Path(task["image"]).parent
        self._report: dict[str, Any] = {"pictures": []}
        self._scenes = self._play()
        self._wait: Callable[[], bool] | None = None
        self._started = time.monotonic()
        self._timer = QTimer()
        self._timer.timeout.connect(self._go_on)
        self._timer.start(round(1000 * _STEP_S))

    def _go_on(self) -> None:
        """Play on, if what the scene waits for has come about."""
        try:
            if time.monotonic() - self._started > _PATIENCE_S:
                raise TimeoutError(f"nothing comes after {self._report['pictures']}")
            if self._wait is None or self._wait():
                self._wait = next(self._scenes)
        except StopIteration:
            self._end()
        except Exception as error:
            self._report["error"] = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            self._shoot("failure")
            self._end()

    def _play(self) -> Iterator[Callable[[], bool]]:
        from qgis.core import QgsProject, QgsRasterLayer

        window = self._iface.mainWindow()
        window.resize(*SIZE)
        layer = QgsRasterLayer(self._task["image"], "Orthophoto")
        QgsProject.instance().addMapLayer(layer)
        self._iface.setActiveLayer(layer)
        self._plugin.toggle_dock()
        panel = self._plugin._dock.panel
        from qgis.PyQt.QtCore import Qt

        window.resizeDocks([self._plugin._dock], [self._task["width"]], Qt.Orientation.Horizontal)
        yield self._drawn
        self._iface.zoomToActiveLayer()
        yield self._drawn
        form, story = panel.form, panel.story
        form.quality.setCurrentIndex(form.quality.findData("quick"))
        form.classes.setValue(_CLASSES)
        form.folder.setText(str(self._folder / "map"))
        self._shoot("1-form")
        form.measure_button.click()
        yield lambda: story.state == "asking"
        self._report["time"] = form.time.text()
        assert "About" in form.time.text(), form.time.text() + panel.log.toPlainText()
        self._shoot("2-measured")
        form.start_button.click()
        started = time.monotonic()
        yield lambda: story.state != "running" or (panel.progress.curve.points or [(0, 0)])[-1][0] > _SHOWN_STEP
        self._shoot("3-training")
        yield lambda: story.state != "running"
        self._report["seconds"] = round(time.monotonic() - started, 1)
        assert story.state == "naming", panel.banner.text.text() + panel.log.toPlainText()
        yield self._drawn
        self._shoot("4-map")
        yield from self._try_numbers(panel)
        table = story.table
        for row in table.rows:
            _, name, colour = next(look for look in _LOOKS if row.name.startswith(look[0]))
            table.rename(row.value, name)
            table.recolour(row.value, colour)
        for values in _alike(table.rows):
            panel.legend.select(values)
            panel.legend.merge()
        yield self._drawn
        self._shoot("6-legend")
        panel.legend.save_button.click()
        yield lambda: story.state == "naming"
        assert not table.is_changed, panel.banner.text.text() + panel.log.toPlainText()
        yield self._drawn
        self._shoot("7-saved")
        self._report["layers"] = [layer.name() for layer in QgsProject.instance().mapLayers().values()]
        self._report["legend"] = [(row.value, row.name, row.colour) for row in table.rows]

    def _try_numbers(self, panel: Any) -> Iterator[Callable[[], bool]]:
        """The sliders, and back to the map as it was."""
        panel.legend.cut_button.click()
        yield lambda: panel.story.state != "preparing"
        assert panel.story.state == "cutting", panel.banner.text.text() + panel.log.toPlainText()
        panel.cut.classes.setValue(_TRIED_CLASSES)
        panel.cut.follow()
        yield self._drawn
        self._shoot("5-sliders")
        panel.cut.back_button.click()
        yield self._drawn

    def _drawn(self) -> bool:
        canvas = self._iface.mapCanvas()
        return not canvas.isDrawing()

    def _shoot(self, name: str) -> None:
        path = Path(self._task["out"]) / f"{name}.png"
        self._iface.messageBar().clearWidgets()
        self._iface.mainWindow().grab().save(str(path))
        self._report["pictures"].append(path.name)

    def _end(self) -> None:
        self._timer.timeout.disconnect()
        self._timer.timeout.connect(self._leave)
        if self._plugin._dock is not None:
            self._plugin._dock.close_down()  # QGIS would ask about work under way
        (self._folder / "report.json").write_text(json.dumps(self._report), encoding="utf-8")

    def _leave(self) -> None:
        """End QGIS, once it has nothing to ask about."""
        from qgis.core import QgsApplication, QgsProject

        if not QgsApplication.taskManager().countActiveTasks():
            self._timer.stop()
            QgsProject.instance().removeAllMapLayers()  # it would ask about layers in a temporary folder
            QgsProject.instance().setDirty(False)
            self._iface.actionExit().trigger()


if VARIABLE in os.environ:  # inside of QGIS
    play = Play(json.loads(os.environ.pop(VARIABLE)))
elif __name__ == "__main__":
    sys.exit(main())
