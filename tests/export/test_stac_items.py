"""STAC items of models and maps: read back by pystac, held to STAC's own schema and to the rules of the extensions."""

import hashlib
import json
import re
from datetime import UTC, datetime

import numpy as np
import pystac
import pytest
import rasterio
from affine import Affine
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.mlm import MLMExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from tiny_model import random_pixels, tiny_predictor

from geoarseg.cli.main import run_command
from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.export import stac
from geoarseg.export.stac import export_stac
from geoarseg.mapping import segment_scene
from geoarseg.models import write_model
from geoarseg.raster.scene import open_scene
from geoarseg.settings import Settings

SHORT_NAME = re.compile(r"[0-9A-Za-z_-]+")


def item_in(path):
    """The item, held to STAC's own schema, which comes with pystac; those of extensions would need a network."""
    item = pystac.Item.from_file(str(path))
    document = json.loads(path.read_text(encoding="utf-8"))
    JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType.ITEM, "1.1.0")
    assert document["stac_version"] == "1.1.0"
    return item


def model_file(path, **changes):
    predictor = tiny_predictor()
    changes = {"band_names": ("red", "green", "blue"), "pixel_m": 0.5} | changes
    predictor.card = predictor.card.model_copy(update=changes)
    write_model(predictor, path)
    return predictor


@pytest.fixture
def mapped(make_raster, tmp_path):
    """A class raster and a confidence of an image in UTM, some of it without data."""
    pixels, valid = random_pixels(40, 60)
    scene = open_scene(make_raster(np.where(valid, pixels, 0).astype("uint8"), nodata=0))
    paths = (tmp_path / "classes.tif", tmp_path / "confidence.tif")
    segment_scene(scene, tiny_predictor(), paths[0], settings=Settings(), confidence_path=paths[1])
    return paths


def test_a_model_is_described_as_mlm_wants_it(tmp_path):
    settings = Settings().model_dump(mode="json")
    predictor = model_file(tmp_path / "model.safetensors", settings=settings)
    item = item_in(export_stac([tmp_path / "model.safetensors"], tmp_path / "model.json"))
    mlm = MLMExtension.ext(item)
    assert (item.id, mlm.mlm_name, mlm.framework) == ("model", "geoarseg model", "PyTorch")
    assert [str(task) for task in mlm.tasks] == ["semantic-segmentation"]
    assert mlm.total_parameters == sum(weight.numel() for weight in predictor.network.parameters())
    assert item.properties["mlm:pretrained_source"] is None
    assert item.properties["mlm:hyperparameters"]["train"] == settings["train"]
    assert item.properties["gsd"] == 0.5
    (given,), (result,) = mlm.input, mlm.output
    assert given.bands == ["red", "green", "blue"]
    assert given.input.shape == [-1, 3, -1, -1]
    assert len(given.input.dim_order) == len(given.input.shape) == 4
    assert result.result.shape == [-1, 5, -1, -1]
    assert [entry.value for entry in result.classes] == [1, 2, 3, 4, 5]


def test_bands_that_a_model_takes_are_described_in_the_item(tmp_path):
    """The rule of MLM that names of bands lead to descriptions of bands, and STAC's that assets then have them too."""
    model_file(tmp_path / "model.safetensors", band_names=("b", "b", "b"))
    item = item_in(export_stac([tmp_path / "model.safetensors"], tmp_path / "model.json"))
    names = [band["name"] for band in item.properties["bands"]]
    assert names == item.properties["mlm:input"][0]["bands"] == ["band 1", "band 2", "band 3"]
    assert item.assets["model"].extra_fields["bands"] == item.properties["bands"]


def test_scaling_is_that_of_each_band(tmp_path):
    model_file(tmp_path / "model.safetensors", centre=(1.0, 2.0, 3.0), scale=(4.0, 5.0, 6.0))
    item = item_in(export_stac([tmp_path / "model.safetensors"], tmp_path / "model.json"))
    scaling = item.properties["mlm:input"][0]["value_scaling"]
    assert [(one["type"], one["mean"], one["stddev"]) for one in scaling] == [
        ("z-score", 1.0, 4.0), ("z-score", 2.0, 5.0), ("z-score", 3.0, 6.0)
    ]  # fmt: skip


def test_the_models_file_can_be_told_from_another(tmp_path):
    path = tmp_path / "model.safetensors"
    model_file(path)
    asset = item_in(export_stac([path], tmp_path / "model.json")).assets["model"]
    facts = FileExtension.ext(asset)
    assert facts.size == path.stat().st_size
    assert facts.checksum == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert set(asset.roles) >= {"mlm:model"}
    assert asset.extra_fields["mlm:artifact_type"] == "safetensors.torch.save_file"


def test_a_map_is_described_with_its_grid_and_classes(mapped, tmp_path):
    item = item_in(export_stac(mapped, tmp_path / "classes.json"))
    with rasterio.open(mapped[0]) as dataset:
        grid = ProjectionExtension.ext(item)
        assert grid.code == "EPSG:32633"
        assert Affine(*grid.transform[:6]) == dataset.transform
        assert grid.shape == [dataset.height, dataset.width]
        assert grid.bbox == list(dataset.bounds)
        west, south, east, north = item.bbox
        there = rasterio.warp.transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
    np.testing.assert_allclose((west, south, east, north), there, atol=1e-9)
    ring = np.array(item.geometry["coordinates"][0])
    assert (ring[0] == ring[-1]).all()
    assert ((ring >= (west - 1e-6, south - 1e-6)) & (ring <= (east + 1e-6, north + 1e-6))).all()
    assert ((ring[1:] - ring[:-1])[:, ::-1] * ring[:-1] * (1, -1)).sum() > 0  # against the clock
    classes = ClassificationExtension.ext(item.assets["classes"]).classes
    assert [(entry.value, entry.nodata) for entry in classes] == [(0, True), *((value, None) for value in range(1, 6))]
    assert classes[1].color_hint == "337538"
    (band,) = RasterExtension.ext(item.assets["classes"]).bands
    assert (band.data_type, band.nodata, str(band.sampling)) == ("uint8", 0, "area")


def test_the_confidence_lies_beside_the_classes(mapped, tmp_path):
    item = item_in(export_stac(mapped, tmp_path / "classes.json"))
    assert list(item.assets) == ["classes", "confidence"]
    (band,) = RasterExtension.ext(item.assets["confidence"]).bands
    assert (band.nodata, band.unit) == (255, "%")
    assert "classification:classes" not in item.assets["confidence"].extra_fields
    assert all(asset.media_type == pystac.MediaType.COG for asset in item.assets.values())


def test_our_own_reader_takes_the_item(mapped, tmp_path):
    export_stac(mapped, tmp_path / "classes.json")
    with rasterio.open(mapped[0]) as dataset:
        scene = open_scene(f"{tmp_path / 'classes.json'}#classes")
        assert (scene.height, scene.width, scene.transform) == (dataset.height, dataset.width, dataset.transform)


def test_files_are_named_relative_to_the_item(mapped, tmp_path):
    item = item_in(export_stac(mapped[:1], tmp_path / "items" / "map.json"))
    assert item.assets["classes"].href == "../classes.tif"
    assert "self" not in {link.rel for link in pystac.Item.from_dict(item.to_dict(include_self_link=False)).links}


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (("water, deep", "water (deep)"), ["water_deep", "water_deep_2"]),
        (("水", "Äcker"), ["class_1", "cker"]),
        (("no data", 'a"b\\c'), ["no_data_1", "a_b_c"]),
    ],
)
def test_any_name_gets_a_short_one_of_its_own(names, short, tmp_path):
    legend = tuple({"value": i, "name": name, "colour": "#102030"} for i, name in enumerate(names, 1))
    model_file(tmp_path / "model.safetensors", legend=legend)
    item = item_in(export_stac([tmp_path / "model.safetensors"], tmp_path / "model.json"))
    classes = item.properties["mlm:output"][0]["classification:classes"]
    assert [entry["title"] for entry in classes] == [entry["description"] for entry in classes] == list(names)
    assert [entry["name"] for entry in classes] == short
    assert all(SHORT_NAME.fullmatch(entry["name"]) for entry in classes)


@pytest.mark.parametrize("crs", [None, 'LOCAL_CS["site",UNIT["metre",1]]'])
def test_a_map_that_lies_nowhere_on_the_globe_has_no_geometry(crs, make_raster, tmp_path):
    path = make_raster((1, 8, 9), dtype="uint8", crs=crs, path=tmp_path / "map.tif")
    item = item_in(export_stac([path], tmp_path / "map.json"))
    assert item.geometry is None
    assert item.bbox is None
    assert ProjectionExtension.ext(item).shape == [8, 9]


def test_a_map_across_the_antimeridian_does_not_go_round_the_globe(make_raster, tmp_path):
    transform = Affine(1000, 0, 800000, 0, -1000, 8000000)
    path = make_raster((1, 60, 60), dtype="uint8", crs="EPSG:32760", transform=transform, path=tmp_path / "map.tif")
    item = item_in(export_stac([path], tmp_path / "map.json"))
    west, _, east, _ = item.bbox
    assert west > 179
    assert east < -179
    assert item.geometry["type"] == "MultiPolygon"


def test_a_crs_without_a_number_is_spelt_out_and_nan_is_json(make_raster, tmp_path):
    crs = "+proj=laea +lat_0=52 +lon_0=13 +ellps=WGS84 +units=m"
    path = make_raster((1, 8, 9), dtype="float32", crs=crs, nodata=np.nan, path=tmp_path / "map.tif")
    item = item_in(export_stac([path], tmp_path / "map.json"))
    assert ProjectionExtension.ext(item).code is None
    assert "Lambert" in ProjectionExtension.ext(item).wkt2
    assert item.assets["map"].extra_fields["raster:bands"][0]["nodata"] == "nan"
    assert item.assets["map"].media_type == pystac.MediaType.GEOTIFF
    json.loads((tmp_path / "map.json").read_text(), parse_constant=pytest.fail)


def test_the_date_is_that_of_the_file_or_the_given_one(mapped, tmp_path):
    written = datetime.fromtimestamp(int(mapped[0].stat().st_mtime), UTC)
    assert item_in(export_stac(mapped, tmp_path / "a.json")).datetime == written
    arguments = ["export", "stac", *map(str, mapped), "-o", str(tmp_path / "b.json"), "--id", "site 7", "-q"]
    assert run_command([*arguments, "--datetime", "2024-06-01"]) == 0
    item = item_in(tmp_path / "b.json")
    assert (item.id, item.datetime) == ("site 7", datetime(2024, 6, 1, tzinfo=UTC))


def test_what_is_refused(mapped, make_raster, tmp_path, monkeypatch):
    model_file(tmp_path / "model.safetensors")
    other, out = make_raster((1, 8, 9), dtype="uint8"), tmp_path / "item.json"
    with pytest.raises(InputError, match="does not lie on the grid"):
        export_stac([mapped[0], other], out)
    with pytest.raises(InputError, match="same name"):
        export_stac([mapped[0], mapped[0]], out)
    with pytest.raises(SettingsError, match="A model has an item of its own"):
        export_stac([tmp_path / "model.safetensors", mapped[0]], out)
    with pytest.raises(InputError, match="cannot be read"):
        export_stac([tmp_path / "none.tif"], out)
    with pytest.raises(OutputError, match="exists"):
        export_stac(mapped, mapped[0])
    monkeypatch.setattr(stac, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"geoarseg\[stac\]"):
        export_stac(mapped, out)
    assert not out.exists()


def test_the_command_says_what_is_wrong_in_one_line(mapped, tmp_path, capsys):
    out = str(tmp_path / "item.json")
    assert run_command(["export", "stac", str(mapped[0]), "-o", out, "--datetime", "yesterday"]) == 2
    assert "yesterday" in capsys.readouterr().err
    assert run_command(["export", "stac", str(tmp_path / "x.tif"), "-o", out]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert run_command(["export", "stac", str(mapped[0]), "-o", out]) == 0
    assert capsys.readouterr().out == f"{out}: a STAC item\n"
