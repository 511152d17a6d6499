import errno
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import rasterio

from geoarseg import errors
from geoarseg.cli import main
from geoarseg.cli.main import COMMANDS, run_command
from geoarseg.raster.atomic import output_error

TINY = ["-k", "3", "--steps", "3", "--device", "cpu", "--set", "network.width=8", "--set", "network.blocks=1"]
TINY += ["--set", "train.objective=ac", "--set", "train.batch=2", "--set", "train.crop_px=32"]


@pytest.fixture
def image(make_raster, tmp_path):
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    return str(make_raster(rng.integers(1, 255, (4, 70, 90)).astype(np.uint8), tmp_path / "in" / "image.tif", nodata=0))


def files_under(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) if folder.exists() else []


def test_run_writes_everything_and_its_parts_agree(image, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_command(["run", image, "-o", str(out), *TINY]) == 0, capsys.readouterr().err
    names = {"classes.tif", "classes.gpkg", "model.safetensors", "preview.png", "summary.json", "confidence.tif"}
    assert names <= set(files_under(out))
    with rasterio.open(image) as source, rasterio.open(out / "classes.tif") as classes:
        assert classes.crs == source.crs
        assert classes.transform == source.transform
        assert classes.shape == source.shape
        assert classes.dtypes == ("uint8",)
        assert classes.nodata == 0
        whole = classes.read(1)
        assert set(np.unique(whole)) <= {0, 1, 2, 3}
    summary = json.loads((out / "summary.json").read_text())
    assert [c["value"] for c in summary["classes"]] == [1, 2, 3]
    assert sum(c["share"] for c in summary["classes"]) == pytest.approx(1, abs=1e-5)
    pixel_area = abs(source.transform.a * source.transform.e)
    assert sum(c["area_m2"] for c in summary["classes"]) == pytest.approx((whole > 0).sum() * pixel_area)
    assert (out / "preview.png").read_bytes().startswith(b"\x89PNG")

    model, again, layer = out / "model.safetensors", tmp_path / "again.tif", tmp_path / "again.fgb"
    assert run_command(["segment", image, "-m", str(model), "-o", str(again), "--quiet", "--device", "cpu"]) == 0
    with rasterio.open(again) as repeated:
        np.testing.assert_array_equal(repeated.read(1), whole)
    assert run_command(["vectorize", str(again), "-o", str(layer)]) == 0
    capsys.readouterr()
    assert run_command(["info", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == 3
    assert run_command(["info", str(again)]) == 0
    assert summary["classes"][1]["name"] in capsys.readouterr().out


def test_the_seed_repeats_a_run(image, tmp_path):
    maps = []
    for name in ("a", "b"):
        assert run_command(["run", image, "-o", str(tmp_path / name), "--quiet", "--seed", "7", *TINY]) == 0
        with rasterio.open(tmp_path / name / "classes.tif") as dataset:
            maps.append(dataset.read(1))
    np.testing.assert_array_equal(*maps)


def test_json_lines_are_json_and_complete(image, tmp_path, capsys):
    assert run_command(["run", image, "-o", str(tmp_path / "out"), "--log-json", *TINY]) == 0
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert all({"event", "stage", "done", "total", "message"} <= event.keys() for event in events)
    ended = [event["stage"] for event in events if event["event"] == "end"]
    assert ended == ["statistics", "train", "legend", "segment", "write", "vectorize", "preview"]
    train_end = next(e for e in events if e["event"] == "end" and e["stage"] == "train")
    assert train_end["done"] == train_end["total"] == 3
    assert len(train_end["shares"]) == 3


def test_per_image_gives_each_its_map(make_raster, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    paths = [
        str(make_raster(rng.integers(1, 255, (3, 40, 50 + n)).astype(np.uint8), tmp_path / "in" / f"{n}.tif"))
        for n in range(2)
    ]
    assert run_command(["run", *paths, "-o", str(tmp_path / "out"), "--per-image", "--quiet", *TINY]) == 0
    for n in range(2):
        with rasterio.open(tmp_path / "out" / str(n) / "classes.tif") as dataset:
            assert dataset.width == 50 + n


# images, further arguments, words of the message
BAD = {
    "text file": ("{text}", [], "cannot read"),
    "missing": ("{missing}", [], "no file"),
    "one class": ("{image}", ["-k", "1"], "-k/--classes"),
    "band 9": ("{image}", ["--bands", "1,9"], "4"),
    "unwritable": ("{image}", ["-o", "{file}/out"], "file"),
    "typo in --set": ("{image}", ["--set", "train.stps=3"], "train.steps"),
    "no config": ("{image}", ["--config", "nowhere.yaml"], "nowhere.yaml"),
    "odd option": ("{image}", ["--stepz", "3"], "--stepz"),
    "odd time": ("{image}", ["--time-limit", "soon"], "90s"),
    "no gpu of that number": ("{image}", ["--device", "cuda:77"], "cuda:77"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_code_2(case, image, tmp_path, capsys):
    source, extra, words = BAD[case]
    places = {name: str(tmp_path / name) + ".tif" for name in ("text", "missing", "file")} | {"image": image}
    for name in ("text", "file"):
        (tmp_path / f"{name}.tif").write_text("this is no raster")
    before = files_under(tmp_path)
    arguments = ["run", source, "-o", str(tmp_path / "out"), *TINY, *extra]
    arguments = [argument.format(**places) for argument in arguments]
    code = run_command(arguments)
    error = capsys.readouterr().err
    assert code == 2, error
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert "Traceback" not in error
    assert files_under(tmp_path) == before


def test_nothing_is_overwritten_unasked(image, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "classes.tif").write_text("precious")
    assert run_command(["run", image, "-o", str(out), *TINY]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert files_under(out) == ["classes.tif"]
    assert run_command(["run", image, "-o", str(out), "--overwrite", "--quiet", *TINY]) == 0


def test_a_bug_of_ours_is_code_1_without_a_traceback(image, tmp_path, capsys, monkeypatch):
    from geoarseg import trained

    def broken(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setattr(trained, "train_network", broken)
    assert run_command(["run", image, "-o", str(tmp_path / "out"), "--quiet", *TINY]) == 1
    assert capsys.readouterr().err == "geoarseg: RuntimeError: boom (a bug in geoarseg; --debug shows where)\n"
    assert run_command(["run", image, "-o", str(tmp_path / "out"), "--quiet", "--debug", *TINY]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["GPU", "CPU", "Python"])
def test_too_little_memory_is_said(image, tmp_path, capsys, monkeypatch, place):
    import torch

    from geoarseg import trained

    errors = {
        "GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        "CPU": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        "Python": MemoryError(),
    }

    def too_much(*_, **__):
        raise errors[place]

    monkeypatch.setattr(trained, "train_network", too_much)
    assert run_command(["run", image, "-o", str(tmp_path / "out"), "--quiet", *TINY]) == 1
    error = capsys.readouterr().err
    assert "memory is not enough" in error
    assert "bug" not in error


def test_ctrl_c_is_130_and_says_how_to_go_on(image, tmp_path, capsys, monkeypatch):
    from geoarseg.inference import maps

    def interrupted(*args):
        yield next(segment_tiles(*args))
        raise KeyboardInterrupt

    segment_tiles = maps.segment_tiles
    monkeypatch.setattr(maps, "segment_tiles", interrupted)
    window = ["--set", "segment.window_px=32"]
    assert run_command(["run", image, "-o", str(tmp_path / "out"), "--no-confidence", *window, *TINY]) == 130
    error = capsys.readouterr().err
    assert "geoarseg: Interrupted; nothing half-written was left." in error
    # Windows differ in size at the edges, and any of them may be finished first.
    stopped = re.search(r"Stopped with ([1-9]\d?%) of the windows finished; the same command goes on", error)
    assert stopped, error
    assert [name for name in files_under(tmp_path / "out") if "partial" not in name] == ["model.safetensors"]

    monkeypatch.setattr(maps, "segment_tiles", segment_tiles)
    arguments = [image, "-m", str(tmp_path / "out" / "model.safetensors"), "-o", str(tmp_path / "out" / "classes.tif")]
    assert run_command(["segment", *arguments, *window, "--device", "cpu"]) == 0
    assert f"{stopped[1]} was finished before" in capsys.readouterr().err
    assert not any("partial" in name for name in files_under(tmp_path / "out"))


def test_a_full_disk_leaves_nothing_half_written(image, tmp_path, small_disk, capsys):
    disk = small_disk("64k")
    (disk / "filler").write_bytes(bytes(56_000))
    assert run_command(["run", image, "-o", str(disk / "out"), "--quiet", *TINY]) == 2
    error = capsys.readouterr().err
    assert [line.partition(":")[0] for line in error.splitlines()].count("geoarseg") == 1, error
    assert "No space left" in error
    assert files_under(disk) == ["filler"]


def test_every_command_has_help_and_a_line_in_the_readme(capsys):
    from pathlib import Path

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert run_command([name, "--help"]) == 0
        assert "result" in capsys.readouterr().out or name == "info"
        assert f"geoarseg {name}" in readme


def test_defaults_are_shown(capsys):
    run_command(["run", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert [text.index(f"{group}: ") for group in ("Map", "Training", "Settings", "Behaviour")] == sorted(
        text.index(f"{group}: ") for group in ("Map", "Training", "Settings", "Behaviour")
    )
    for words in ("default: 6", "default: 200", "default: 0", "default: auto"):
        assert words in text


def test_demo_scores_its_map_beside_kmeans(tmp_path, capsys):
    arguments = ["demo", "-o", str(tmp_path / "demo"), "--size", "96", "--quiet", "--potsdam-colours", *TINY]
    assert run_command(arguments) == 0, capsys.readouterr().err
    text = capsys.readouterr().out
    assert "geoarseg" in text
    assert "K-means" in text
    assert {"image.tif", "labels.tif", "kmeans.tif", "potsdam/labels.tif"} <= set(files_under(tmp_path / "demo"))


def test_the_module_starts_as_a_program():
    done = subprocess.run(
        [sys.executable, "-c", "from geoarseg.cli.main import main; main(['--version'])"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C"},
    )
    assert done.returncode == 0
    assert "geoarseg" in done.stdout


KINDS = {
    "user": (errors.InputError("It is no raster."), 2),
    "device": (errors.DeviceError("There is no device cuda here."), 2),
    "disk": (output_error("classes.tif", OSError(errno.ENOSPC, "No space left")), 2),
    "training": (errors.TrainingError("The loss is not finite."), 1),
    "internal": (KeyError("out of memory"), 1),
    "memory": (MemoryError(), 1),
    "interrupted": (KeyboardInterrupt(), 130),
}


@pytest.mark.parametrize("kind", KINDS)
def test_programs_hear_of_what_kind_an_error_is(kind, capsys, monkeypatch):
    error, code = KINDS[kind]
    assert told_of(error, capsys, monkeypatch) == (kind, code)


def test_memory_that_another_error_tells_of_is_memory(capsys, monkeypatch):
    error = errors.GeoArSegError("The window is too large.")
    error.__cause__ = MemoryError()
    assert told_of(error, capsys, monkeypatch) == ("memory", 1)


def test_a_wrong_option_is_of_the_users_kind(capsys):
    assert run_command(["info", "--log-json"]) == 2
    assert json.loads(capsys.readouterr().err)["kind"] == "user"


def told_of(error, capsys, monkeypatch):
    """The kind and the code that a command which fails so reports."""

    def fail(self, context):
        raise error

    monkeypatch.setattr(main.LazyGroup, "invoke", fail)
    code = run_command(["info", "x", "--log-json"])
    event = json.loads(capsys.readouterr().err)
    assert event["exit_code"] == code
    return event["kind"], code
