"""Builds the plugin's zip, as "Install from ZIP" and the plugin repository take it.

    python qgis_plugin/package.py -o dist/

The zip holds the plugin, its compiled translations, the wheel of geoarseg itself, and qtpy with its licence. The same
sources give the same bytes. Needed are what the extra `test` of geoarseg installs, and Qt's `lrelease`.
"""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path, PurePath

HERE = Path(__file__).resolve().parent
PLUGIN = HERE / "geoarseg_qgis"
BUNDLED = {"qtpy": (), "packaging": ("__init__.py", "version.py")}
"""Pure Python that the dock needs and QGIS may lack: qtpy, and what qtpy imports; no names mean all files."""
MOST_BYTES = 25_000_000
"""What the plugin repository takes."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_SKIPPED = {"__pycache__", "tests"}
_UNUSED = {"uic.py", "cli.py", "__main__.py"}  # of qtpy; the first calls `exec`, which the plugin repository refuses
_SKIPPED_SUFFIXES = {".pyc", ".ts"}
RELEASERS = ("lrelease", "lrelease-qt5", "lrelease-qt6", "/usr/lib/qt5/bin/lrelease", "/usr/lib/qt6/bin/lrelease")


def build_zip(folder: Path) -> Path:
    """Build the zip into a folder; returns its path."""
    version = plugin_version()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{PLUGIN.name}-{version}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / PLUGIN.name
        _copy_tree(PLUGIN, tree)
        _compile_translations(tree / "i18n")
        _build_wheel(tree / "wheels")
        for name in BUNDLED:
            _bundle(name, tree / "ext_libs")
        unfinished = Path(scratch) / target.name
        _write_zip(tree, unfinished)
        size = unfinished.stat().st_size
        if size > MOST_BYTES:
            raise SystemExit(f"The zip has {size} bytes; the plugin repository takes {MOST_BYTES}.")
        shutil.copyfile(unfinished, target)
    return target


def plugin_version() -> str:
    """The version in the plugin's metadata."""
    parser = configparser.ConfigParser()
    parser.read(PLUGIN / "metadata.txt", encoding="utf-8")
    return parser["general"]["version"]


def _copy_tree(source: Path, target: Path) -> None:
    """Copy what belongs into the zip."""
    for file in sorted(source.rglob("*")):
        inner = file.relative_to(source)
        if file.is_file() and not _SKIPPED & set(inner.parts) and file.suffix not in _SKIPPED_SUFFIXES:
            (target / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / inner)


def _compile_translations(folder: Path) -> None:
    program = next((found for name in RELEASERS if (found := shutil.which(name))), None)
    if program is None:
        raise SystemExit("Qt's lrelease is missing: on Debian install qttools5-dev-tools.")
    folder.mkdir(exist_ok=True)
    for source in sorted((PLUGIN / "i18n").glob("*.ts")):
        words = [program, "-silent", str(source), "-qm", str(folder / source.with_suffix(".qm").name)]
        subprocess.run(words, check=True)


def _build_wheel(folder: Path) -> None:
    """Build the wheel of geoarseg from this very tree, with the build tools that are installed.

    It gets the plugin's version: that of git would change the zip's bytes with every commit.
    """
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        environment = os.environ | {
            "SOURCE_DATE_EPOCH": "315532800",
            "SETUPTOOLS_SCM_PRETEND_VERSION": plugin_version(),
        }
        subprocess.run([*words, "--wheel-dir", scratch, str(HERE.parent)], check=True, env=environment)
        (wheel,) = Path(scratch).glob("geoarseg-*.whl")
        folder.mkdir(parents=True)
        shutil.copyfile(wheel, folder / wheel.name)


def _bundle(name: str, folder: Path) -> None:
    """Copy what is needed of an installed package, and its licences."""
    distribution = metadata.distribution(name)
    for file in distribution.files or ():
        inner = _place_of(file, name)
        if inner is not None:
            place = folder / name / inner
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(distribution.locate_file(file)), place)


def _place_of(file: PurePath, name: str) -> PurePath | None:
    """Where a file of an installed package goes; None if it stays out."""
    first, *others = file.parts
    if first.endswith(".dist-info"):
        return PurePath(file.name) if file.name.upper().startswith(("LICENSE", "COPYING", "AUTHORS")) else None
    inner = PurePath(*others)
    if first != name or file.suffix != ".py" or _SKIPPED & set(others) or inner.name in _UNUSED:
        return None
    return inner if not BUNDLED[name] or inner.as_posix() in BUNDLED[name] else None


def _write_zip(tree: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(tree.rglob("*"), key=lambda path: path.relative_to(tree).as_posix()):
            if file.is_file():
                entry = zipfile.ZipInfo(file.relative_to(tree.parent).as_posix(), _EPOCH)
                entry.external_attr = 0o100644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes(), compresslevel=9)


def main() -> None:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(description="Build the zip of the QGIS plugin.")
    parser.add_argument("-o", "--out", type=Path, default=Path("dist"), help="folder for the zip (default: dist)")
    sys.stdout.write(f"{build_zip(parser.parse_args().out)}\n")


if __name__ == "__main__":
    main()
