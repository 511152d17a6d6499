"""Imports point down, and the front door is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "geoarseg"
FLOORS = [
    {"container"},
    {"__init__", "errors", "progress", "settings", "block_cache", "durable", "unfinished"},
    {"config"},
    {"raster", "vector", "network", "clustering", "metrics"},
    {"training", "inference", "evaluation", "datasets"},
    {"trained", "clusters", "accessor"},
    {"models", "scoring", "probing", "recut", "wishes"},
    {"mapping", "report", "polygons", "earlier", "relabel", "explain"},
    {"pipeline", "overclustering", "paper", "doctor", "naming", "export"},
    {"demo", "compare", "reproduce"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FORBIDDEN = {
    "raster": {"torch"},
    "vector": {"torch"},
    "clustering": {"torch", "rasterio"},
    "metrics": {"torch", "rasterio"},
    "network": {"rasterio", "xarray", "dask", "rioxarray", "geopandas"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            if node.module == "geoarseg":
                yield from (f"geoarseg.{alias.name}" for alias in node.names)


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_below(path):
    room = room_of(path)
    for name in imports(path):
        top, _, rest = name.partition(".")
        assert top not in FORBIDDEN.get(room, set()), f"{room} must not import {top}"
        other = rest.split(".")[0]
        if top != "geoarseg" or not other or other == room or other == "__version__":
            continue
        if room == "vector" and name == "geoarseg.raster.legend":
            continue  # the shared word for classes
        assert FLOOR[other] < FLOOR[room], f"{room} must not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize(
    "code", ["import geoarseg", "from geoarseg.cli.main import run_command; run_command(['--help'])"]
)
def test_the_front_door_imports_nothing_heavy(code):
    heavy = "{'torch', 'rasterio', 'numpy', 'pandas', 'dask', 'matplotlib', 'scipy', 'pydantic'}"
    check = f"import sys\n{code}\nsys.exit(', '.join(sorted({heavy} & set(sys.modules))) or 0)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
