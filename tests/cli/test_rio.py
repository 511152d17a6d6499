"""`rio geoarseg` is `geoarseg`."""

import importlib
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner


@pytest.fixture
def rio():
    """A group with the command that the package offers to rasterio's."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, place),) = project["entry-points"]["rasterio.rio_plugins"].items()
    module, _, attribute = place.partition(":")
    group = click.Group("rio")
    group.add_command(getattr(importlib.import_module(module), attribute), name)
    return group


def test_options_and_help_are_passed_on(rio, make_raster):
    done = CliRunner().invoke(rio, ["geoarseg", "info", str(make_raster()), "--json"])
    assert done.exit_code == 0
    assert '"kind": "raster"' in done.output
    for arguments in ([], ["--help"]):
        assert "vectorize" in CliRunner().invoke(rio, ["geoarseg", *arguments]).output
    assert "--confidence" in CliRunner().invoke(rio, ["geoarseg", "segment", "--help"]).output


def test_errors_are_one_line_and_code_2(rio, tmp_path):
    done = CliRunner().invoke(rio, ["geoarseg", "info", str(tmp_path / "nowhere.tif")])
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1
    assert "nowhere.tif" in done.output
