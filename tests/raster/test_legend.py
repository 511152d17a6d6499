from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.errors import InputError, SettingsError
from geoarseg.raster.legend import MAX_CLASSES, PALETTE, Legend, LegendEntry
from geoarseg.raster.style import read_legend, write_sidecars

colours = st.tuples(*[st.integers(0, 255)] * 3)
# XML 1.0 has no control characters
names = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20)
legends = st.dictionaries(st.integers(1, MAX_CLASSES), st.tuples(names, colours), max_size=30).map(
    lambda rows: Legend(tuple(LegendEntry(value, *rows[value]) for value in sorted(rows)))
)


@given(legends)
def test_json_round_trip(legend):
    assert Legend.from_json(legend.to_json()) == legend


@given(legends)
def test_styles_are_well_formed_and_complete(legend):
    raster = ElementTree.fromstring(legend.to_raster_qml())
    labels = [(int(e.get("value")), e.get("label"), e.get("color")) for e in raster.iter("paletteEntry")]
    assert labels == [(e.value, e.name, e.hex) for e in legend]
    polygons = ElementTree.fromstring(legend.to_polygon_qml())
    assert [int(e.get("value")) for e in polygons.iter("category")] == [e.value for e in legend]
    assert len(list(polygons.iter("symbol"))) == len(legend)
    categories = ElementTree.fromstring(legend.to_pam_xml()).iter("Category")
    texts = [category.text or "" for category in categories]
    assert texts[0] == "no data"
    assert all(texts[e.value] == e.name for e in legend)


def test_defaults():
    legend = Legend.default(25)
    assert len(legend) == 25
    assert legend.name_of(3) == "class 3"
    assert legend.colour_of(21) == PALETTE[0]
    assert legend.name_of(99) == "class 99"
    assert legend.colormap()[0] == (0, 0, 0, 0)
    assert Legend.from_colours(["a"], [(1, 2, 3)]).entries[0].hex == "#010203"


@pytest.mark.parametrize("text", ["", "{}x", "[1]", '[{"value": 1}]', '[{"value":1,"name":"a","colour":"red"}]', "3"])
def test_damaged_json(text):
    with pytest.raises(InputError, match="legend"):
        Legend.from_json(text)


def test_values_and_colours_are_checked():
    with pytest.raises(SettingsError):
        LegendEntry(255, "a", (0, 0, 0))
    with pytest.raises(SettingsError):
        LegendEntry(1, "a", (0, 0, 256))
    with pytest.raises(SettingsError):
        Legend((LegendEntry(2, "a", (0, 0, 0)), LegendEntry(1, "b", (0, 0, 0))))


def test_a_legend_of_another_program_is_read(make_raster):
    path = make_raster(np.ones((1, 20, 20), "uint8"))
    assert read_legend(path) is None
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {1: (10, 20, 30, 255), 4: (1, 1, 1, 255)})
    legend = read_legend(path)
    assert [(e.value, e.name, e.colour) for e in legend] == [
        (1, "class 1", (10, 20, 30)),
        (4, "class 4", (1, 1, 1)),
    ]
    write_sidecars(path, Legend((LegendEntry(1, "wäter & ice", (0, 0, 0)),)))
    assert read_legend(path).name_of(1) == "wäter & ice"
    assert read_legend(path).colour_of(1) == (10, 20, 30)


def test_sidecars_keep_what_gdal_noted(make_raster):
    path = make_raster(np.ones((1, 20, 20), "uint8"))
    pam = path.with_name(path.name + ".aux.xml")
    pam.write_text('<PAMDataset><SRS>LOCAL_CS["x"]</SRS><PAMRasterBand band="1"/></PAMDataset>')
    write_sidecars(path, Legend.default(2))
    root = ElementTree.parse(pam).getroot()
    assert root.findtext("SRS") == 'LOCAL_CS["x"]'
    assert [c.text for c in root.iter("Category")] == ["no data", "class 1", "class 2"]


def test_files_without_raster():
    with pytest.raises(InputError, match="GDAL cannot read"):
        read_legend("none.tif")


def test_real_colour_table(shared_data):
    legend = read_legend(shared_data / "potsdam_landcover_reference_1m.tif")
    assert legend is None or {e.value for e in legend} <= set(range(1, 7))


def test_flags_come_back_and_damaged_ones_do_not():
    legend = Legend.from_colours(["water", "low vegetation"], [(0, 0, 255), (0, 255, 0)])
    flags = legend.to_flags()
    assert Legend.from_flags(flags | {"long_name": "classes"}) == legend
    for damage in (
        {"flag_colors": "red blue"},
        {"flag_meanings": "water"},
        {"flag_values": [0, 1]},
        {"flag_values": 1},
    ):
        assert Legend.from_flags(flags | damage) is None
    assert Legend.from_flags({}) is None
    assert Legend.from_flags({"flag_values": [], "flag_meanings": "", "flag_colors": ""}) is None
