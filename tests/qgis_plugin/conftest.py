"""The plugin's modules, its zip, a program to call, and the real QGIS."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCENARIOS = Path(__file__).parent / "scenarios"
QGIS_PYTHON = "/usr/bin/python3"
QGIS_PROCESS = "/usr/bin/qgis_process.bin"  # the wrapper script of Debian's 3.22 fails on an option of its own

PATIENCE_S = 800
"""For a scenario in QGIS, which trains several times, beside other tests on a slow machine."""

sys.path.insert(0, str(REPOSITORY / "qgis_plugin"))


def pytest_collection_modifyitems(items):
    """What plays in QGIS may take longer than other tests."""
    for item in items:
        if item.get_closest_marker("qgis"):
            item.add_marker(pytest.mark.timeout(PATIENCE_S + 60))


def skip_or_fail(reason):
    """Where all is to be tested, nothing is skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """A program `geoarseg` of this very tree, in a folder with a space in its name."""
    path = tmp_path_factory.mktemp("a program") / "geoarseg"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n"
        "from geoarseg.cli.main import main\nif __name__ == '__main__':\n    main()\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="session")
def plugin_zip(tmp_path_factory):
    """The zip that is published."""
    for module in ("hatchling", "qtpy"):
        if importlib.util.find_spec(module) is None:
            skip_or_fail(f"{module} is not installed: it is in the extra `test`")
    import package

    if not any(map(shutil.which, package.RELEASERS)):
        skip_or_fail("Qt's lrelease is not installed (Debian: qttools5-dev-tools)")
    return package.build_zip(tmp_path_factory.mktemp("dist"))


def _poison(folder):
    """Modules that QGIS's own path may have, and that must never come into the child."""
    folder.mkdir()
    for name in ("torch", "rasterio", "geoarseg"):
        (folder / f"{name}.py").write_text("raise ImportError('the path of QGIS has come into the child')\n")
    return folder


class Qgis:
    """A QGIS with a fresh profile that holds the plugin, installed from its zip."""

    def __init__(self, folder, plugin_zip, program):
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        self.environment |= {
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "GEOARSEG_COMMAND": str(program),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(_poison(folder / "poison")),
        }
        self.profile = folder / "data" / "QGIS" / "QGIS3" / "profiles" / "default"
        self.plugins = self.profile / "python" / "plugins"
        self.plugins.mkdir(parents=True)
        with zipfile.ZipFile(plugin_zip) as archive:
            archive.extractall(self.plugins)

    def process(self, *arguments):
        """Call `qgis_process`; returns what it answers as JSON."""
        done = subprocess.run(
            [QGIS_PROCESS, "--json", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.stdout, done.stderr
        try:
            return json.loads(done.stdout[done.stdout.index("{") :])
        except ValueError as error:
            raise AssertionError(done.stdout + done.stderr) from error

    def run(self, algorithm, **parameters):
        """Run an algorithm by `qgis_process`; returns its results."""
        words = [f"{name}={part}" for name, value in parameters.items() for part in _each(value)]
        answer = self.process("run", f"geoarseg:{algorithm}", "--", *words)
        assert "results" in answer, answer
        return answer["results"]

    def start(self, name, *arguments, **environment):
        """Start a scenario in QGIS's own Python."""
        return subprocess.Popen(
            [QGIS_PYTHON, str(SCENARIOS / name), *map(str, arguments)],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def play(self, name, *arguments, **environment):
        """Play a scenario to its end; returns what it found."""
        with self.start(name, *arguments, **environment) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        return json.loads(out.strip().splitlines()[-1])


def _each(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="session")
def qgis(tmp_path_factory, plugin_zip, program):
    """The real QGIS, its plugin enabled."""
    if not Path(QGIS_PROCESS).exists():
        skip_or_fail("QGIS is not installed (Debian: qgis, python3-qgis, qgis-providers)")
    qgis = Qgis(tmp_path_factory.mktemp("qgis profile"), plugin_zip, program)
    words = [QGIS_PROCESS, "plugins", "enable", "geoarseg_qgis"]
    enabled = subprocess.run(words, env=qgis.environment, capture_output=True, text=True, check=False)
    assert "* geoarseg_qgis" in enabled.stdout, enabled.stdout + enabled.stderr
    return qgis
