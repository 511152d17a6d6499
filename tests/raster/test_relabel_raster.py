"""A class raster with another legend: its pixels, its sidecars, its form."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from geoarseg.errors import InputError, SettingsError
from geoarseg.raster.cog import write_cog
from geoarseg.raster.legend import Legend, LegendEdit
from geoarseg.raster.relabel import class_legend, relabel_raster
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window

TRANSFORM = Affine(0.5, 0, 366015.25, 0, -0.5, 5809965.75)


def write(path, pixels, legend=None, nodata=0):
    height, width = pixels.shape
    grid = {"height": height, "width": width, "crs": "EPSG:32633", "transform": TRANSFORM, "nodata": nodata}
    return write_cog(path, [(Window(0, 0, height, width), pixels)], legend=legend, **grid)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 6, (600, 700)).astype(np.uint8)


def test_merged_classes_take_the_target_value_everywhere(tmp_path, pixels):
    path = write(tmp_path / "classes.tif", pixels, Legend.default(5))
    edit = LegendEdit({4: "wäter"}, {4: (31, 120, 180)}, {2: 4, 5: 4})
    relabel_raster(path, edit.applied_to(Legend.default(5)), merges=edit.merges)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.array([0, 1, 4, 3, 4, 4])[pixels])
        assert set(np.unique(dataset.read(1, out_shape=(75, 88)))) <= {0, 1, 3, 4}  # from an overview
        assert dataset.overviews(1)
        assert (dataset.transform, dataset.crs.to_epsg(), dataset.nodata) == (TRANSFORM, 32633, 0)
        assert dataset.colormap(1)[4] == (31, 120, 180, 255)
    assert cog_validate(path, quiet=True)[0]
    assert [(e.value, e.name) for e in read_legend(path)] == [(1, "class 1"), (3, "class 3"), (4, "wäter")]
    assert "wäter" in path.with_suffix(".qml").read_text(encoding="utf-8")
    assert "wäter" in path.with_name("classes.tif.aux.xml").read_text(encoding="utf-8")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["classes.qml", "classes.tif", "classes.tif.aux.xml"]


def test_a_failure_leaves_the_file_as_it_was(tmp_path, pixels):
    path = write(tmp_path / "classes.tif", pixels, Legend.default(5))
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        relabel_raster(path, Legend.default(5))
    assert path.read_bytes() == before[: len(before) // 2]
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_a_raster_without_legend_is_named_by_its_values(tmp_path, pixels, make_raster):
    path = make_raster(np.where(pixels == 0, 255, pixels)[None].astype(np.uint8), nodata=255)
    assert [e.value for e in class_legend(path)] == [1, 2, 3, 4, 5]
    with pytest.raises(InputError, match="255"):
        relabel_raster(path, Legend.default(5), merges={255: 1})
    relabel_raster(path, Legend.default(5), merges={1: 2})
    with rasterio.open(path) as dataset:
        assert dataset.nodata == 255
        np.testing.assert_array_equal(dataset.read(1), np.array([255, 2, 2, 3, 4, 5])[pixels])


def test_only_class_rasters(make_raster, tmp_path):
    with pytest.raises(InputError, match="3 bands of uint16"):
        class_legend(make_raster())
    with pytest.raises(InputError, match="no file"):
        relabel_raster(tmp_path / "none.tif", Legend.default(2))
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match="GDAL cannot read"):
        class_legend(tmp_path / "text.tif")


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        ({"names": {0: "x"}}, "between 1 and 254, not 0"),
        ({"merges": {1: 2, 2: 3}}, "class 2, which is merged itself"),
        ({"merges": {1: 1}}, "merged itself"),
        ({"names": {1: "two\nlines"}}, "control character"),
        ({"names": {1: "x"}, "merges": {1: 2}}, "Name class 2 instead"),
    ],
)
def test_edits_that_contradict_themselves(edit, text):
    with pytest.raises(SettingsError, match=text):
        LegendEdit(**edit)


@given(
    st.dictionaries(st.integers(1, 9), st.integers(10, 12), max_size=9),
    st.dictionaries(st.integers(10, 12), st.text(st.characters(exclude_categories=("Cc", "Cs")))),
)
def test_an_edited_legend_holds_just_the_classes_that_are_left(merges, names):
    legend = LegendEdit(names, {}, merges).applied_to(Legend.default(12))
    assert {e.value for e in legend} == {merges.get(value, value) for value in range(1, 13)}
    assert all(legend.name_of(value) == name for value, name in names.items())
