"""The rules by which the QGIS plugin Deepness reads and runs a model, each held by a test."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from tiny_model import random_pixels, tiny_predictor

from geoarseg.config import load_settings
from geoarseg.export.deepness import deepness_metadata, tiling
from geoarseg.export.onnx_file import export_onnx
from geoarseg.inference.predictor import halo_of
from geoarseg.models import untrained_model, write_model
from geoarseg.network.model import build_network
from geoarseg.raster.scene import open_scene
from geoarseg.settings import NetworkSettings

SPIN_BOX_TOP = {"tile_size": 99999, "tiles_overlap": 99, "seg_small_segment": 99, "resolution": 999999}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The path of a file for Deepness, of a model that was trained on pixels of 25 cm; an export takes seconds."""
    folder, predictor = tmp_path_factory.mktemp("deepness"), tiny_predictor()
    predictor.card = predictor.card.model_copy(update={"pixel_size": (0.82, 0.82), "pixel_m": 0.25})
    write_model(predictor, folder / "model.safetensors")
    return export_onnx(folder / "model.safetensors", folder / "model.onnx")


@pytest.fixture(scope="module")
def session(exported):
    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def read(session):
    """Its metadata, each value read as Deepness does it."""
    return {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}


def test_the_dock_gets_a_tile_size_from_the_shape_of_the_only_input(session, read):
    (image,) = session.get_inputs()
    shape = image.shape
    assert len(shape) == 4
    assert isinstance(shape[-1], int)  # goes into a spin box, which refuses text
    assert shape[-1] == shape[-2] == int(read["tile_size"]) == read["tiles_size"]
    assert shape[-1] <= SPIN_BOX_TOP["tile_size"]


def test_the_batch_is_free(session):
    assert isinstance(session.get_inputs()[0].shape[0], str)  # an int would fix it
    tile_px = session.get_inputs()[0].shape[-1]
    for count in (1, 3):
        (found,) = session.run(None, {"image": np.zeros((count, 3, tile_px, tile_px), np.float32)})
        assert found.shape == (count, 5, tile_px, tile_px)


def test_channels_are_numbers_and_several_classes_are_no_sigmoid(session):
    assert session.get_inputs()[0].shape[-3] == 3
    (output,) = session.get_outputs()
    assert len(output.shape) == 4
    assert output.shape[-3] == 5
    assert output.shape[-2:] == session.get_inputs()[0].shape[-2:]  # else it puts the result off centre


def test_its_old_onnxruntime_knows_the_format(exported):
    model = onnx.load(exported)
    assert model.ir_version <= 8  # onnxruntime 1.17, the newest that it installs, takes up to 9
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 18)]
    onnx.checker.check_model(model, full_check=True)


def test_the_type_of_the_model_is_one_of_its_own(read):
    assert str(read["model_type"]).capitalize() == "Segmentor"


def test_class_numbers_count_from_0_without_a_gap(read):
    numbers = [int(key) for key in sorted(read["class_names"], key=int)]
    assert numbers == list(range(5))


def test_no_probability_is_set_to_0_and_no_median_runs_over_classes(read):
    assert float(read["seg_thresh"]) == 0.0  # the box is off
    assert read["seg_small_segment"] == 0
    assert int(read["seg_small_segment"] // 2) * 2 + 1 == 1  # a median over one pixel


def test_numbers_fit_the_fields_of_the_dock(read):
    for name, top in SPIN_BOX_TOP.items():
        assert 0 <= read[name] <= top
    assert isinstance(read["tiles_overlap"], int)


def test_the_resolution_is_in_centimetres_whatever_the_unit_of_the_image(read):
    assert float(read["resolution"]) == 25.0  # the card also says 0.82 feet


@pytest.mark.parametrize(("crs", "pixel_m"), [("EPSG:2263", 0.5 * 1200 / 3937), ("EPSG:32633", 0.5), (None, None)])
def test_the_card_of_a_training_tells_metres_also_of_an_image_in_feet(crs, pixel_m, make_raster):
    scene = open_scene(make_raster((3, 60, 60), crs=crs))
    card = untrained_model([scene], settings=load_settings(overrides=["train.crop_px=32"])).card
    assert card.pixel_size == (0.5, 0.5)
    assert card.pixel_m == (pixel_m and pytest.approx(pixel_m))


@pytest.mark.parametrize("pixel_m", [None, 1e-6])
def test_no_resolution_is_told_where_none_is_known_or_the_field_would_show_0(pixel_m):
    predictor = tiny_predictor()
    card = predictor.card.model_copy(update={"pixel_size": (0.5, 0.5), "pixel_m": pixel_m})
    assert "resolution" not in deepness_metadata(predictor.network, card)


@pytest.mark.parametrize("top", [255, 10000])
def test_the_division_by_255_is_undone_whatever_the_type(top, session, read):
    side = session.get_inputs()[0].shape[-1]
    image = np.random.default_rng(0).integers(0, top, (1, side, side, 3)).astype(np.float32)
    mean, deviation = (np.array(read[f"standardization_{name}"], np.float32) for name in ("mean", "std"))
    given = ((np.float32(image * 1.0 / 255.0) - mean) / deviation).transpose(0, 3, 1, 2)
    (found,) = session.run(None, {"image": given})
    expected = tiny_predictor()(image.transpose(0, 3, 1, 2), np.ones((1, side, side), bool))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert read["geoarseg"]["input"] == "pixel values / 255"


def test_its_tiles_make_the_map_of_one_pass(session, read):
    """Tiles overlap by a percentage; half of the overlap is cut off, but not at the border."""
    tile_px = read["tile_size"]
    overlap_px = int(tile_px * read["tiles_overlap"] / 100 * 2) // 2
    step, cut = tile_px - overlap_px, overlap_px // 2
    image, _ = random_pixels(tile_px + step, tile_px + step)
    made = np.zeros(image.shape[1:], np.uint8)
    for row in (0, step):
        for col in (0, step):
            tile = image[None, :, row : row + tile_px, col : col + tile_px] / 255
            classes = session.run(None, {"image": tile})[0][0].argmax(0)
            top, left = (cut if start else 0 for start in (row, col))
            made[row + top : row + tile_px, col + left : col + tile_px] = classes[top:, left:]
    (whole,) = tiny_predictor()(image[None], np.ones((1, *made.shape), bool))
    first, second = np.sort(whole, axis=0)[::-1][:2]
    clear = first - second > 1e-4
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(made[clear], whole.argmax(0)[clear])


@pytest.mark.parametrize("smoothing_px", [0, 4, 64])
@pytest.mark.parametrize("options", [{}, {"stride_px": 4}, {"form": "F5", "stride_px": 32}, {"form": "F5"}])
def test_tiles_reach_as_far_as_the_network_and_its_filter_see(options, smoothing_px):
    network = build_network(NetworkSettings(**options), bands=3, classes=4)
    card = tiny_predictor().card.model_copy(update={"smoothing_px": smoothing_px})
    tile_px, percent = tiling(network, card)
    overlap_px = tile_px * percent / 100
    assert overlap_px == int(overlap_px)
    assert overlap_px / 2 >= halo_of(network, card) >= network.halo_px
    assert (tile_px - overlap_px) % network.alignment_px == 0
    assert overlap_px <= tile_px / 2
