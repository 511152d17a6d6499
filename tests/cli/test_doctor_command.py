import json

from geoarseg import __version__, doctor
from geoarseg.cli.main import run_command


def test_json_holds_what_a_program_asks_for(capsys):
    assert run_command(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["schema"] == 1
    assert facts["healthy"] is True
    assert facts["geoarseg"] == __version__
    assert {"problems", "python", "torch", "cuda", "gpus", "gdal", "temporary", "system", "cores"} <= facts.keys()


def test_the_table_has_a_row_for_each(capsys):
    assert run_command(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["geoarseg", "Python", "program", "system", "torch"]
    assert lines[-1] == "All is well."


def test_a_problem_is_exit_code_1(monkeypatch, capsys):
    ill = doctor.Diagnosis(doctor.examine().facts, ("The disk is full.",))
    monkeypatch.setattr(doctor, "examine", lambda: ill)
    assert run_command(["doctor"]) == 1
    assert "The disk is full." in capsys.readouterr().out
    assert run_command(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["healthy"] is False
