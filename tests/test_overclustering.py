import csv
import json
import os

import numpy as np
import pytest
from tiny_store import COLOURS, make_store

from geoarseg import trained
from geoarseg.cli.main import run_command
from geoarseg.datasets.store import open_store
from geoarseg.errors import SettingsError
from geoarseg.overclustering import Curve, Line, draw_curve

TINY = ["--steps", "2", "--device", "cpu", "--quiet"]
TINY += [
    part
    for text in ("train.objective=ac", "network.width=8", "network.blocks=1", "train.batch=2", "train.crop_px=32")
    for part in ("--set", text)
]


class TwoForEach:
    """Two clusters for each class, by the nearest colour and the parity of the column."""

    def __init__(self, classes):
        self.classes = 2 * classes

    def __call__(self, images, valid):
        known = COLOURS[1 : self.classes // 2 + 1]
        nearest = ((images[:, None] - known[:, :, None, None]) ** 2).sum(2).argmin(1)
        cluster = 2 * nearest + np.arange(images.shape[-1]) % 2
        return (cluster[:, None] == np.arange(self.classes)[:, None, None]).astype(np.float32)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(make_store(tmp_path_factory.mktemp("store") / "data", classes=3, name="potsdam-3", crops=12))


def test_clusters_that_split_the_classes_are_joined_by_a_few_labels(store, tmp_path):
    curve = draw_curve([("two for each", TwoForEach(3))], store, tmp_path, labelled_images=(1, 8, 100, None))
    (line,) = curve.lines
    assert [point.labelled_images for point in line.points] == [1, 8, 12]  # 100 crops are not there, 12 are all
    assert [point.on_others for point in line.points] == [True, True, False]
    assert line.points[1].accuracy > 0.95
    assert line.points[2].accuracy >= line.points[1].accuracy - 0.05
    assert line.one_to_one == pytest.approx(0.5, abs=0.06)
    rows = list(csv.DictReader((tmp_path / "curve.csv").open()))
    assert [float(row["accuracy"]) for row in rows] == [point.accuracy for point in line.points]
    assert json.loads((tmp_path / "curve.json").read_text())["lines"][0]["clusters"] == 6
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_reference_has_as_many_clusters_as_classes():
    lines = tuple(Line(f"K = {k}", k, 0.5, ()) for k in (2, 3, 6))
    assert Curve("a", 3, lines).reference.clusters == 3
    assert Curve("a", 4, lines).reference.clusters == 2


def test_numbers_that_leave_nothing_are_refused_before_any_work(store, tmp_path):
    with pytest.raises(SettingsError, match="leaves a crop"):
        draw_curve([("m", TwoForEach(3))], store, tmp_path / "out", labelled_images=(12, 20))
    assert not (tmp_path / "out").exists()


def test_the_command_keeps_its_models(store, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    arguments = ["overclustering", "--data", str(store.folder), "-o", str(out), "--labelled-images", "1,4,all", *TINY]
    assert run_command([*arguments, "--clusters", "3,6"]) == 0, capsys.readouterr().err
    kept = sorted((out / "models").iterdir())
    assert len(kept) == 2
    assert {path.suffix for path in kept} == {".safetensors"}
    first = (out / "curve.csv").read_text()

    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(trained, "train_network", refuse)
    assert run_command([*arguments, "--clusters", "3,6"]) == 0, capsys.readouterr().err
    assert (out / "curve.csv").read_text() == first
    named = [part for path in kept for part in ("--model", str(path))]
    assert run_command([*arguments, *named]) == 0, capsys.readouterr().err
    assert run_command([*arguments, "--clusters", "3", "--seed", "9"]) == 1  # other settings, another model


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ([], "--clusters"),
        (["--clusters", "3", "--model", "m"], "either"),
        (["--clusters", "1"], "between 2 and 254"),
        (["--clusters", "three"], "whole numbers"),
        (["--model", "nowhere.safetensors"], "no model file"),
        (["--clusters", "3", "--labelled-images", "0"], "1 or more"),
        (["--clusters", "3", "--set", "train.stps=1"], "train.steps"),
        (["--clusters", "3", "--set", "bands=[1, 2]"], "all its bands"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(extra, words, store, tmp_path, capsys):
    arguments = ["overclustering", "--data", str(store.folder), "-o", str(tmp_path / "out"), *TINY, *extra]
    assert run_command(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert os.listdir(tmp_path) == []
