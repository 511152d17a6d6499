"""The zip, by the rules of the plugin repository."""

import ast
import configparser
import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

import package
import pytest
import translate
from plugin_paths import PLUGIN, REPOSITORY

FORBIDDEN_ENDINGS = (".exe", ".dll", ".so", ".dylib", ".bat", ".sh", ".ps1", ".cmd", ".pyc", ".ts")
REQUIRED = ("name", "description", "about", "version", "qgisMinimumVersion", "author", "email")
REQUIRED += ("tracker", "repository", "homepage", "tags", "icon", "changelog", "hasProcessingProvider")
MODULES = sorted(PLUGIN.rglob("*.py"))


@pytest.fixture(scope="module")
def names(plugin_zip):
    with zipfile.ZipFile(plugin_zip) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def general():
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read(PLUGIN / "metadata.txt", encoding="utf-8")
    return dict(parser["general"])


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


# ---- the sources


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_a_module_imports_nothing_of_the_environment(path):
    assert not {"geoarseg", "torch", "rasterio", "numpy", "multiprocessing", "PyQt5", "PyQt6"} & set(imports(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_a_module_is_small_and_leaves_the_path_alone(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert not re.search(r"sys\.path\b(?!`)(?=\.|\[| =)", text)


@pytest.mark.parametrize("name", ["command", "child", "environment", "installer", "faults", "leash", "bindings"])
def test_what_is_pure_knows_nothing_of_qgis(name):
    assert not {"qgis", "osgeo"} & set(imports(PLUGIN / f"{name}.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_a_module_is_one_of_python_39(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_the_plugin_class_is_short():
    assert len((PLUGIN / "plugin.py").read_text().splitlines()) < 100


# ---- the metadata


def test_the_metadata_is_complete(general):
    assert all(general.get(key) for key in REQUIRED)
    assert general["hasProcessingProvider"] == "yes"
    assert (general["qgisMinimumVersion"], general["qgisMaximumVersion"]) == ("3.22", "4.99")
    assert "supportsQt6" not in general
    assert "plugin" not in general["name"].lower() + PLUGIN.name
    assert (PLUGIN / general["icon"]).is_file()
    assert all(general[key].startswith("https://") for key in ("tracker", "repository", "homepage"))


def test_the_wheel_has_the_plugins_version(general, names):
    assert f"geoarseg_qgis/wheels/geoarseg-{general['version']}-py3-none-any.whl" in names


# ---- the zip


def test_the_zip_has_one_folder_and_no_binaries(plugin_zip, names):
    assert {PurePosixPath(name).parts[0] for name in names} == {"geoarseg_qgis"}
    assert "geoarseg_qgis".isidentifier()
    assert {"geoarseg_qgis/LICENSE", "geoarseg_qgis/metadata.txt", "geoarseg_qgis/__init__.py"} <= set(names)
    assert not [name for name in names if name.endswith(FORBIDDEN_ENDINGS)]
    assert not [name for name in names if any(part.startswith((".", "__pycache__")) for part in name.split("/"))]
    assert not [name for name in names if "\\" in name]
    assert plugin_zip.stat().st_size < 25_000_000


def test_the_zip_brings_qtpy_with_its_licence(names):
    assert {"geoarseg_qgis/ext_libs/qtpy/__init__.py", "geoarseg_qgis/ext_libs/qtpy/LICENSE.txt"} <= set(names)


def test_the_zip_speaks_german(names):
    assert "geoarseg_qgis/i18n/geoarseg_de.qm" in names


def test_nothing_in_the_zip_may_be_executed(plugin_zip):
    with zipfile.ZipFile(plugin_zip) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_the_wheel_holds_this_very_geoarseg(plugin_zip):
    with zipfile.ZipFile(plugin_zip) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".whl")]
        wheel = zipfile.ZipFile(io.BytesIO(archive.read(name)))
    sources = {
        f"geoarseg/{path.relative_to(REPOSITORY / 'geoarseg').as_posix()}": path for path in modules_of_geoarseg()
    }
    assert sources.keys() <= set(wheel.namelist())
    assert all(wheel.read(name) == path.read_bytes() for name, path in sources.items())


def modules_of_geoarseg():
    return (REPOSITORY / "geoarseg").rglob("*.py")


def test_the_same_sources_give_the_same_bytes(plugin_zip, tmp_path):
    assert package.build_zip(tmp_path).read_bytes() == plugin_zip.read_bytes()


def test_the_bundled_qtpy_is_found_without_touching_the_path(plugin_zip, tmp_path):
    with zipfile.ZipFile(plugin_zip) as archive:
        archive.extractall(tmp_path)
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("bindings", {str(tmp_path / "geoarseg_qgis" / "bindings.py")!r})
bindings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bindings)
before = list(sys.path)
try:
    bindings.provide_qtpy()
except ImportError as error:  # there is no Qt here
    assert "Qt bindings" in str(error), error
assert sys.path == before
assert "ext_libs" in sys.modules["packaging"].__file__
bindings.withdraw(["packaging", "qtpy"])
assert not [name for name in sys.modules if name.split(".")[0] in ("packaging", "qtpy")]
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- translations and pictures


def test_the_german_translation_is_complete():
    texts = translate.texts_of(PLUGIN)
    done = translate.read_translations(PLUGIN / "i18n" / "geoarseg_de.ts")
    assert done.keys() == set(texts), "run qgis_plugin/translate.py"
    for (_, text), german in done.items():
        assert sorted(re.findall(r"\{[^}]*\}", text)) == sorted(re.findall(r"\{[^}]*\}", german)), text


@pytest.mark.parametrize("path", sorted(PLUGIN.rglob("*.svg")), ids=lambda path: path.name)
def test_a_picture_is_a_picture(path):
    root = ET.fromstring(path.read_text())
    assert root.tag.endswith("svg")
    assert root.get("viewBox")


@pytest.mark.parametrize("name", ["index.html", "index_de.html"])
def test_the_help_has_a_section_for_each_algorithm(name):
    root = ET.fromstring((PLUGIN / "help" / name).read_text(encoding="utf-8").partition("\n")[2])
    sections = {element.get("id") for element in root.iter() if element.get("id")}
    shared = {"__init__", "base", "image", "polygons", "training"}
    verbs = {path.stem for path in (PLUGIN / "algorithms").glob("*.py")} - shared
    assert verbs | {"environment"} <= sections


def test_nothing_in_the_sources_is_left_over():
    ignored = {"__pycache__"}
    for path in PLUGIN.rglob("*"):
        if path.is_file() and not ignored & set(path.parts):
            assert path.suffix in {".py", ".txt", ".svg", ".ts", ".html", ".png", ""}, path
            assert os.access(path, os.R_OK)
