import os

import pytest
from tiny_store import make_store

from geoarseg.cli.main import run_command


def test_the_list_needs_no_data(capsys):
    assert run_command(["reproduce", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 96
    assert any(line.split()[:3] == ["table-1a/F2-potsdam", "46.4", "train"] for line in lines)
    assert run_command(["reproduce", "--list", "table-1d"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_a_table_is_printed_and_written(tmp_path, capsys):
    data, out = make_store(tmp_path / "data"), tmp_path / "out"
    arguments = ["reproduce", "table-1a/random-potsdam", "--data", f"potsdam={data}", "-o", str(out)]
    arguments += ["--fraction", "0.001", "--device", "cpu", "--set", "network.blocks=1", "--set", "train.crop_px=32"]
    assert run_command([*arguments, "--set", "train.max_shift_px=2"]) == 0
    captured = capsys.readouterr()
    assert captured.out == (out / "table-1a.md").read_text()
    assert "Dry run" in captured.out


BAD = {
    "no name": ([], "nothing to reproduce"),
    "wrong name": (["table-9"], "Did you mean"),
    "no dataset there": (["table-1a", "--data", "potsdam={tmp}/none"], "no prepared dataset"),
    "no folder": (["table-1a", "--data", "potsdam"], "potsdam=FOLDER"),
    "fraction": (["table-1a", "--fraction", "2"], "fraction"),
    "seeds": (["table-1a", "--seeds", "one"], "whole numbers"),
    "device": (["table-1a", "--device", "cuda:77"], "cuda:77"),
    "odd device": (["table-1a", "--device", "quantum"], "device"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_code_2(case, tmp_path, capsys):
    arguments, words = BAD[case]
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    assert run_command(["reproduce", *arguments, "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1, error
    assert os.listdir(tmp_path) == []


def test_without_a_folder(capsys):
    assert run_command(["reproduce", "table-1a"]) == 2
    assert "--out" in capsys.readouterr().err
