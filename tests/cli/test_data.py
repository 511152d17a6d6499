import json

import numpy as np
import pytest

from geoarseg.cli.main import run_command
from geoarseg.raster.potsdam_colours import encode_colours


@pytest.fixture
def source(make_raster, tmp_path):
    """A download of ISPRS Potsdam with one labelled tile and one without labels."""
    folder = tmp_path / "src"
    for name in ("4_Ortho_RGBIR", "5_Labels_all"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for place in ("2_10", "2_13"):
        image = rng.integers(0, 256, (4, 400, 800), dtype=np.uint8)
        make_raster(image, folder / "4_Ortho_RGBIR" / f"top_potsdam_{place}_RGBIR.tif")
    classes = np.repeat(np.array([1, 1, 5, 4], dtype=np.uint8), 200)[None].repeat(400, axis=0)
    make_raster(encode_colours(classes), folder / "5_Labels_all" / "top_potsdam_2_10_label.tif")
    return folder


def files_under(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def test_prepare_then_info(source, tmp_path, capsys):
    out = tmp_path / "store"
    assert run_command(["data", "prepare", "potsdam-3", str(source), str(out)]) == 0
    error = capsys.readouterr().err
    assert "potsdam-3: 4 crops, 2 with labels." in error
    assert "36 of the 38 tiles are missing" in error
    assert run_command(["data", "info", str(out), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["crops"], facts["labelled"]) == (4, 2)
    assert [entry["share"] for entry in facts["classes"]] == [0.75, 0, 0.25]
    assert run_command(["data", "info", str(out)]) == 0
    text = capsys.readouterr().out
    assert "roads and cars" in text
    assert "75.0%" in text


def test_again_overwrite_and_other_arguments(source, tmp_path, capsys):
    out = tmp_path / "store"
    arguments = ["data", "prepare", "potsdam", str(source), str(out), "--quiet"]
    assert run_command(arguments) == 0
    before = (out / "images.npy").stat().st_mtime_ns
    assert run_command(arguments) == 0
    assert (out / "images.npy").stat().st_mtime_ns == before
    capsys.readouterr()
    assert run_command([*arguments, "--paper-split"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run_command([*arguments, "--paper-split", "--overwrite"]) == 0


def test_progress_as_json_lines(source, tmp_path, capsys):
    assert run_command(["data", "prepare", "potsdam", str(source), str(tmp_path / "store"), "--log-json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    end = next(event for event in events if event["event"] == "end")
    assert (end["stage"], end["done"], end["total"], end["unit"]) == ("prepare", 2, 2, "tile")


def test_ctrl_c_is_130_and_the_same_command_goes_on(source, tmp_path, capsys, monkeypatch):
    from geoarseg.datasets.potsdam import PotsdamTiles

    real = PotsdamTiles.read

    def interrupted(self, number):
        if number == 1:
            raise KeyboardInterrupt
        return real(self, number)

    arguments = ["data", "prepare", "potsdam", str(source), str(tmp_path / "store")]
    monkeypatch.setattr(PotsdamTiles, "read", interrupted)
    assert run_command(arguments) == 130
    assert run_command(["data", "info", str(tmp_path / "store")]) == 2
    assert "not finished" in capsys.readouterr().err
    monkeypatch.setattr(PotsdamTiles, "read", real)
    assert run_command(arguments) == 0
    assert "going on behind 1 of 2 tiles" in capsys.readouterr().err


# arguments behind `data`, words of the message
BAD = {
    "no such dataset": (["prepare", "vaihingen", "{src}", "{out}"], "vaihingen"),
    "no folder": (["prepare", "potsdam", "{nowhere}", "{out}"], "no folder"),
    "a file": (["prepare", "coco-stuff", "{file}", "{out}"], "is a file"),
    "nothing usable": (["prepare", "coco-stuff-3", "{src}", "{out}"], "no images with labels"),
    "no such labels": (["prepare", "potsdam", "{src}", "{out}", "--labels", "6_Labels"], "6_Labels"),
    "option of another": (["prepare", "coco-stuff", "{src}", "{out}", "--paper-split"], "Potsdam only"),
    "least side": (["prepare", "potsdam", "{src}", "{out}", "--min-side", "3"], "COCO-Stuff only"),
    "negative side": (["prepare", "coco-stuff", "{src}", "{out}", "--min-side", "-3"], "negative"),
    "folder of others": (["prepare", "potsdam", "{src}", "{src}"], "other files"),
    "file in the way": (["prepare", "potsdam", "{src}", "{file}"], "not a folder"),
    "cut short": (["prepare", "potsdam", "{cut}", "{out}"], "Cannot read"),
    "no store": (["info", "{src}"], "no prepared dataset"),
    "no subcommand": ([], "Missing command"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_code_2(case, source, make_raster, tmp_path, capsys):
    arguments, words = BAD[case]
    (tmp_path / "file").write_text("precious")
    (tmp_path / "cut" / "4_Ortho_RGBIR").mkdir(parents=True)
    cut = make_raster((4, 400, 400), tmp_path / "cut/4_Ortho_RGBIR/top_potsdam_2_10_RGBIR.tif", dtype="uint8")
    cut.write_bytes(cut.read_bytes()[:200_000])
    places = {name: str(tmp_path / name) for name in ("src", "out", "nowhere", "file", "cut")}
    before = files_under(tmp_path)
    assert run_command(["data", *(argument.format(**places) for argument in arguments)]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("geoarseg: ")]
    assert len(error) == 1, error
    assert words in error[0]
    assert files_under(tmp_path) == before


def test_help_tells_the_result(capsys):
    for arguments in (["data"], ["data", "prepare"]):
        assert run_command([*arguments, "--help"]) == 0
        assert "result" in capsys.readouterr().out
