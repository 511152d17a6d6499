"""A QGIS without its window, in QGIS's own Python, with the plugin loaded from the profile."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.append("/usr/share/qgis/python/plugins")  # where Processing is

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from qgis.PyQt.QtCore import QEventLoop
from qgis.PyQt.QtWidgets import QMainWindow, QMenu


class Window:
    """As much of QGIS's window as a plugin asks for."""

    def __init__(self):
        self.window, self.menu = QMainWindow(), QMenu()

    def mainWindow(self):
        return self.window

    def addPluginToMenu(self, name, action):
        self.menu.addAction(action)

    def removePluginMenu(self, name, action):
        self.menu.removeAction(action)

    def addToolBarIcon(self, action):
        self.window.addAction(action)

    def removeToolBarIcon(self, action):
        self.window.removeAction(action)

    def addDockWidget(self, area, dock):
        self.window.addDockWidget(area, dock)

    def removeDockWidget(self, dock):
        self.window.removeDockWidget(dock)


class Hearer(QgsProcessingFeedback):
    """Feedback that keeps what it hears, and calls back at each progress."""

    def __init__(self, on_progress=lambda percent: None):
        super().__init__(False)
        self.heard, self.percents = [], []
        self.progressChanged.connect(self.percents.append)
        self.progressChanged.connect(on_progress)

    def pushInfo(self, text):
        self.heard.append(text)

    def pushWarning(self, text):
        self.heard.append(text)

    def setProgressText(self, text):
        self.heard.append(text)


def start_qgis():
    """QGIS with Processing and the plugin's folder, but not the plugin yet."""
    application = QgsApplication([], True, str(profile()))
    application.initQgis()
    from processing.core.Processing import Processing

    Processing.initialize()
    sys.path.insert(0, str(profile() / "python" / "plugins"))
    return application


def profile():
    return Path(os.environ["XDG_DATA_HOME"]) / "QGIS" / "QGIS3" / "profiles" / "default"


def load_plugin(window):
    """The plugin, as QGIS loads it."""
    import geoarseg_qgis

    plugin = geoarseg_qgis.classFactory(window)
    plugin.initGui()
    return plugin


def run_in_background(name, parameters, feedback):
    """Run an algorithm as the toolbox does, in a task; returns whether it ended well, and its results."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(name)
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
    loop, ended = QEventLoop(), []
    task.executed.connect(lambda well, results: (ended.append((well, results)), loop.quit()))
    QgsApplication.taskManager().addTask(task)
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()
    return (*ended[0], context)


def children():
    """Numbers of the processes that this one has started."""
    own = f"/proc/{os.getpid()}/task"
    return [int(word) for task in os.listdir(own) for word in Path(own, task, "children").read_text().split()]


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*")) if Path(folder).exists() else []


def say(**facts):
    """The scenario's last line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
