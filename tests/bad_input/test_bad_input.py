"""The table of odd input: each case gets one clear line and its exit code, and leaves nothing half-written."""

import odd_files
import odd_images
import pytest
from case import Bench

from geoarseg.cli.main import run_command

CASES = {case.name: case for case in (*odd_images.CASES, *odd_files.CASES)}


def files_under(folder):
    return {path: path.lstat().st_size for path in folder.rglob("*")}


@pytest.fixture
def bench(tmp_path):
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    return Bench(tmp_path / "in", tmp_path / "out")


def test_the_names_of_the_cases_are_distinct():
    assert len(CASES) == len(odd_images.CASES) + len(odd_files.CASES)


@pytest.mark.filterwarnings("ignore::UserWarning")  # pyogrio's, of layers that are made odd on purpose
@pytest.mark.parametrize("name", CASES)
def test_odd_input(name, bench, capfd):
    case = CASES[name]
    arguments = case.arguments(bench)
    before = files_under(bench.folder)
    capfd.readouterr()
    code = run_command(arguments)
    said = capfd.readouterr()
    told = [line for line in said.err.splitlines() if line.startswith("geoarseg:")]
    assert code == case.exit_code, said.err[:3000]
    assert files_under(bench.folder) == before
    assert not [path for path in files_under(bench.out) if path.name.startswith(".")]
    assert "Traceback" not in said.err
    assert "executed" not in said.out + said.err
    if not case.words:
        assert told == []
        return
    assert len(told) == 1, said.err[:3000]
    assert case.words in told[0], told[0][:3000]
    assert len(told[0]) < 2000
    assert told[0].isprintable()
    assert files_under(bench.out) == {}
