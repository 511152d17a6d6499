"""The window that finds, makes, checks, repairs and removes the environment of the command."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from . import installer, settings
from .environment import check_version, examine
from .messages import tr
from .tasks import EnvironmentTask

BUILDS = ("cpu", "cuda")


class EnvironmentDialog(QDialog):
    """Says which geoarseg is used and how it is, and lets the user change that."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Environment of geoarseg"))
        self.setObjectName("geoarsegEnvironmentDialog")
        self._task: EnvironmentTask | None = None
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.bar = QProgressBar()
        self.bar.setVisible(False)
        layout = QVBoxLayout(self)
        for widget in (self.status, self._own_group(), self._other_group(), self.bar, self.log):
            layout.addWidget(widget)
        layout.addWidget(self._bottom())
        self.resize(640, 560)
        self.refresh()

    def _own_group(self) -> QGroupBox:
        group = QGroupBox(tr("An environment of its own"))
        self.build = QComboBox()
        self.build.addItems([tr("for the processor (about 2 GB)"), tr("for NVIDIA GPUs with CUDA (about 7 GB)")])
        self.build.setCurrentIndex(BUILDS.index(settings.value_of(settings.BUILD) or "cpu"))
        self.python = QgsFileWidget()
        self.python.setFilePath(settings.value_of(settings.PYTHON))
        self.install_button = QPushButton()
        self.remove_button = QPushButton(tr("Remove"))
        self.install_button.clicked.connect(self.install)
        self.remove_button.clicked.connect(self.remove)
        form = QFormLayout(group)
        form.addRow(tr("Build"), self.build)
        form.addRow(tr("Python (empty: look for one)"), self.python)
        buttons = QHBoxLayout()
        buttons.addWidget(self.install_button)
        buttons.addWidget(self.remove_button)
        form.addRow(buttons)
        return group

    def _other_group(self) -> QGroupBox:
        group = QGroupBox(tr("Or one that is there already"))
        self.command = QgsFileWidget()
        self.command.setFilePath(settings.value_of(settings.COMMAND))
        self.command.setToolTip(tr("The program geoarseg, or the Python that it is installed in"))
        self.command.fileChanged.connect(self._choose_command)
        form = QFormLayout(group)
        form.addRow(tr("Program geoarseg or its Python"), self.command)
        return group

    def _bottom(self) -> QDialogButtonBox:
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.check_button = box.addButton(tr("Check"), QDialogButtonBox.ButtonRole.ActionRole)
        self.cancel_button = box.addButton(tr("Cancel the work"), QDialogButtonBox.ButtonRole.ActionRole)
        self.check_button.clicked.connect(self.check)
        self.cancel_button.clicked.connect(self.stop)
        box.rejected.connect(self.close)
        return box

    def refresh(self, text: str = "") -> None:
        """Show what there is, and which buttons make sense."""
        machine = settings.this_machine()
        found = settings.installation(machine)
        busy = self._task is not None
        self.install_button.setText(tr("Repair") if machine.is_made else tr("Install"))
        self.remove_button.setEnabled(machine.folder.exists() and not busy)
        self.install_button.setEnabled(not busy)
        self.check_button.setEnabled(found is not None and not busy)
        self.cancel_button.setEnabled(busy)
        self.bar.setVisible(busy)
        lines = [tr("In use: {command}").format(command=" ".join(found.command))] if found else []
        newer = installer.newer_version(machine)
        if newer:
            lines.append(tr("The plugin brings geoarseg {version}: Repair installs it.").format(version=newer))
        if found is None and not text:
            lines.append(tr("No geoarseg was found. Install it, or point to one."))
        self.status.setText("\n".join([*lines, text] if text else lines))

    def install(self) -> None:
        """Make the environment anew, in the background."""
        build = BUILDS[self.build.currentIndex()]
        settings.put_value(settings.BUILD, build)
        settings.put_value(settings.PYTHON, self.python.filePath())
        machine, chosen, own = settings.this_machine(), self.python.filePath(), settings.own_pythons()

        def job(task: EnvironmentTask) -> Any:
            python = installer.choose_python(installer.pythons(chosen, machine, own), machine)
            task.said.emit(tr("Building on {python}").format(python=python))
            return installer.install(
                machine, python, build, say=task.said.emit, progress=task.setProgress, cancelled=task.isCanceled
            )

        self._start(tr("Installing geoarseg"), job)

    def remove(self) -> None:
        """Take the environment away, once the user has said yes."""
        question = tr("Remove the environment of geoarseg? It can be made again at any time.")
        yes = QMessageBox.StandardButton.Yes
        if QMessageBox.question(self, self.windowTitle(), question) == yes:
            machine = settings.this_machine()
            self._start(tr("Removing geoarseg"), lambda task: installer.remove(machine))

    def check(self) -> None:
        """See how the command is, in the background."""
        machine = settings.this_machine()
        found = settings.installation(machine)
        if found is None:
            self.refresh()
            return

        def job(task: EnvironmentTask) -> Any:
            check_version(found, machine)
            return examine(found, machine, task.isCanceled)

        self._start(tr("Checking geoarseg"), job)

    def stop(self) -> None:
        """End the work that is going on."""
        if self._task is not None:
            self._task.cancel()

    def _choose_command(self, path: str) -> None:
        settings.put_value(settings.COMMAND, path.strip())
        self.refresh()

    def _start(self, title: str, job: Any) -> None:
        if self._task is not None:
            return
        task = EnvironmentTask(title, job)
        task.said.connect(self.log.appendPlainText)
        task.progressChanged.connect(lambda percent: self.bar.setValue(round(percent)))
        task.ended.connect(self._end)
        self._task = task
        self.bar.setValue(0)
        self.log.appendPlainText(title)
        QgsApplication.taskManager().addTask(task)
        self.refresh()

    def _end(self, result: Any, fault: str) -> None:
        self._task = None
        text = fault or (facts_text(result) if isinstance(result, dict) else "")
        if text:
            self.log.appendPlainText(text)
        self.refresh(text)


def facts_text(facts: dict[str, Any]) -> str:
    """What `geoarseg doctor` found, in a few lines."""
    gpus = ", ".join(gpu["name"] for gpu in facts.get("gpus", ())) or tr("none")
    text = tr("geoarseg {geoarseg}, Python {python}, torch {torch}, GDAL {gdal}; GPU: {gpus}").format(
        **{name: facts.get(name) for name in ("geoarseg", "python", "torch", "gdal")}, gpus=gpus
    )
    if facts.get("healthy"):
        return text + "\n" + tr("All is well.")
    return "\n".join([text, *map(str, facts.get("problems", ()))])
