import json

import numpy as np
import onnxruntime
import pytest
from tiny_model import random_pixels, tiny_predictor

from geoarseg.cli.main import run_command
from geoarseg.export.deepness import deepness_metadata
from geoarseg.export.onnx_file import export_onnx
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model

NETWORKS = {
    "F1": {"form": "F1"},
    "F3 of stride 4": {"form": "F3", "blocks": 2, "stride_px": 4},
    "F5 of stride 1": {"form": "F5", "stride_px": 1},
}


def exported(predictor, folder, **options):
    """The session of a model that went through both files, and its metadata."""
    write_model(predictor, folder / "model.safetensors")
    path = export_onnx(folder / "model.safetensors", folder / "model.onnx", **options)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session, session.get_modelmeta().custom_metadata_map


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Session and metadata of the tiny model; an export takes seconds."""
    return exported(tiny_predictor(), tmp_path_factory.mktemp("raw"), raw=True)


def merged_model(class_of):
    whole = tiny_predictor()
    legend = tuple(row for row in whole.card.legend if row["value"] in class_of)
    card = whole.card.model_copy(update={"class_of": class_of, "legend": legend})
    return Predictor(whole.network, card, device="cpu")


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """A model of merged classes, and what a raw file has of it: session and metadata of the model with a filter."""
    rough = merged_model((4, 4, 3, 4, 5))
    smooth = Predictor(rough.network, rough.card.model_copy(update={"smoothing_px": 4}), device="cpu")
    return rough, *exported(smooth, tmp_path_factory.mktemp("merged"), raw=True)


def assert_same_classes(found, expected):
    """Equal but where two classes are as good as equal."""
    np.testing.assert_allclose(found, expected, atol=2e-5)
    first, second = np.sort(expected, axis=1)[:, -2:].swapaxes(0, 1)[::-1]
    clear = first - second > 1e-4
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(found.argmax(1)[clear], expected.argmax(1)[clear])


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_gives_the_same_classes_at_any_size(name, tmp_path):
    predictor = tiny_predictor(**NETWORKS[name])
    session, _ = exported(predictor, tmp_path, raw=True)
    for height, width in ((64, 64), (45, 51), (7, 33), (1, 1)):
        image, _ = random_pixels(height, width, seed=height)
        everywhere = np.ones((1, height, width), bool)
        (found,) = session.run(None, {"image": image[None]})
        assert_same_classes(found, predictor(image[None], everywhere))
    batch = np.stack([random_pixels(20, 30, seed=seed)[0] for seed in range(3)])
    (found,) = session.run(None, {"image": batch})
    np.testing.assert_allclose(found, predictor(batch, np.ones((3, 20, 30), bool)), atol=2e-5)


@pytest.mark.parametrize("radius_px", [2, 4])
def test_the_filter_is_in_the_file_for_tiles(radius_px, tmp_path):
    whole = merged_model((4, 4, 3, 4, 5))
    predictor = Predictor(whole.network, whole.card.model_copy(update={"smoothing_px": radius_px}), device="cpu")
    session, metadata = exported(predictor, tmp_path)
    facts = json.loads(metadata["geoarseg"])
    assert (facts["halo_px"], facts["smoothing_px"]) == (predictor.halo_px, radius_px)
    assert predictor.halo_px > whole.halo_px
    image, valid = random_pixels(*session.get_inputs()[0].shape[-2:], holes=0.1)
    holed = np.where(valid, image, np.nan).astype(np.float32)
    (found,) = session.run(None, {"image": holed[None] / 255})
    np.testing.assert_allclose(found, predictor(image[None], valid[None])[:, [2, 3, 4]], atol=5e-5)


def test_the_filter_is_left_out_for_images_of_any_size(merged):
    rough, session, metadata = merged
    assert json.loads(metadata["geoarseg"])["smoothing_px"] == 0
    image, _ = random_pixels(45, 51)
    (found,) = session.run(None, {"image": image[None]})
    np.testing.assert_allclose(found, rough(image[None], np.ones((1, 45, 51), bool))[:, [2, 3, 4]], atol=2e-5)


def test_windows_with_the_halo_give_the_classes_of_one_pass(raw):
    session, metadata = raw
    facts = json.loads(metadata["geoarseg"])
    halo, core = facts["halo_px"], 8 * facts["alignment_px"]
    image, _ = random_pixels(2 * halo + core + 5, 2 * halo + core + 9)
    (whole,) = session.run(None, {"image": image[None]})
    (part,) = session.run(None, {"image": image[None, :, : 2 * halo + core, : 2 * halo + core]})
    inside = np.s_[..., halo : halo + core, halo : halo + core]
    np.testing.assert_allclose(part[inside], whole[inside], atol=1e-6)


def test_no_data_is_nan(raw):
    predictor, session = tiny_predictor(), raw[0]
    image, valid = random_pixels(40, 40, holes=0.3)
    holed = image.copy()
    holed[1, ~valid] = np.nan
    (found,) = session.run(None, {"image": holed[None]})
    np.testing.assert_allclose(found, predictor(image[None], valid[None]), atol=2e-5)


def test_merged_classes_are_merged_inside_and_leave_no_gap(merged):
    predictor, session, metadata = merged
    image, _ = random_pixels(32, 32)
    (found,) = session.run(None, {"image": image[None]})
    expected = predictor(image[None], np.ones((1, 32, 32), bool))
    assert json.loads(metadata["geoarseg"])["class_values"] == [3, 4, 5]
    assert_same_classes(found, expected[:, [2, 3, 4]])
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert json.loads(deepness_metadata(predictor.network, predictor.card)["class_names"]) == {
        "0": "class 3",
        "1": "class 4",
        "2": "class 5",
    }


def test_raw_files_take_any_size_and_have_no_keys_by_which_deepness_would_take_them(raw):
    (image,) = raw[0].get_inputs()
    assert image.shape[1] == 3
    assert all(isinstance(image.shape[axis], str) for axis in (0, 2, 3))
    assert set(raw[1]) == {"geoarseg"}


def test_the_command_and_what_it_refuses(tmp_path, capsys):
    model, out = tmp_path / "model.safetensors", tmp_path / "model.onnx"
    write_model(tiny_predictor(), model)
    assert run_command(["export", "onnx", str(model), "-o", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: ")
    assert run_command(["export", "onnx", str(model), "-o", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    write_model(tiny_predictor(attention=True, attention_width=4, crop_px=32), model, overwrite=True)
    assert run_command(["export", "onnx", str(model), "-o", str(tmp_path / "other.onnx")]) == 2
    error = capsys.readouterr().err
    assert "attention" in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "other.onnx").exists()
