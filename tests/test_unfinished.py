"""Leftovers of killed processes go, and nothing of those that are at work."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from geoarseg.raster.atomic import whole_file
from geoarseg.unfinished import remove_leftovers, unfinished_folder
from geoarseg.vector.formats import whole_or_not_at_all

WRITER = """
import sys
from pathlib import Path
from geoarseg.unfinished import unfinished_folder
with unfinished_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start():
    """Starter of another process that is at work on a file; gives it, and the name of its folder."""
    processes = []

    def writer(path):
        command = [sys.executable, "-c", WRITER, str(path)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process, process.stdout.readline().strip()

    yield writer
    for process in processes:
        process.kill()
        process.communicate()


def end(process):
    os.kill(process.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    process.wait()


def test_the_folder_is_new_and_goes_with_all_that_is_in_it(tmp_path):
    with unfinished_folder(tmp_path / "a.txt") as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith(".a.txt.tmp-")
        assert os.listdir(folder) == []
        (folder / "b").write_text("b")
    assert os.listdir(tmp_path) == []


def test_a_killed_writer_is_cleared_away_by_the_next(tmp_path, start):
    process, name = start(tmp_path / "a.txt")
    end(process)
    assert sorted(os.listdir(tmp_path)) == [name, f"{name}.lock"]
    with whole_file(tmp_path / "a.txt") as file:
        assert not (tmp_path / name).exists()
        file.write_text("whole")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_writer_that_lives_is_left_in_peace(tmp_path, start):
    process, name = start(tmp_path / "a.txt")
    remove_leftovers(tmp_path / "a.txt")
    with whole_file(tmp_path / "a.txt") as file:
        file.write_text("whole")
    assert sorted(os.listdir(tmp_path)) == [name, f"{name}.lock", "a.txt"]
    assert (tmp_path / name / "half").read_text() == "half"
    process.communicate()
    assert process.returncode == 0
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_layer_clears_away_too(tmp_path, start):
    process, name = start(tmp_path / "a.gpkg")
    end(process)
    with whole_or_not_at_all(tmp_path / "a.gpkg", overwrite=False) as file:
        file.write_text("whole")
    assert name not in os.listdir(tmp_path)
    assert os.listdir(tmp_path) == ["a.gpkg"]


def test_leftovers_of_one_file_alone_are_removed(tmp_path):
    for name in (".map[1].tif.tmp-abc", ".map1.tif.tmp-abc", ".map[1].tif.windows"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "map.tif").write_text("half")
    remove_leftovers(tmp_path / "map[1].tif")
    assert sorted(os.listdir(tmp_path)) == [".map1.tif.tmp-abc", ".map[1].tif.windows"]
    remove_leftovers(tmp_path / "no folder" / "map.tif")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_what_a_link_leads_to_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    (tmp_path / ".a.txt.tmp-x").symlink_to(tmp_path / "mine")
    (tmp_path / ".a.txt.tmp-y").write_text("a file")
    remove_leftovers(tmp_path / "a.txt")
    assert os.listdir(tmp_path / "mine") == ["letter"]
    assert (tmp_path / ".a.txt.tmp-y").exists()


def test_the_lock_is_there_before_the_folder_and_after_it(tmp_path, monkeypatch):
    seen = []

    def note(act):
        def noted(path, *arguments, **options):
            seen.append(any(name.endswith(".lock") for name in os.listdir(tmp_path)))
            return act(path, *arguments, **options)

        return noted

    monkeypatch.setattr(Path, "mkdir", note(Path.mkdir))
    monkeypatch.setattr(shutil, "rmtree", note(shutil.rmtree))
    with unfinished_folder(tmp_path / "a.txt") as folder:
        assert folder.is_dir()
    assert seen[-2:] == [True, True]
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError), unfinished_folder(tmp_path / "none" / "a.txt"):
        pass
    assert os.listdir(tmp_path) == []


def test_many_writers_at_once_do_not_disturb_each_other(tmp_path):
    faults = []

    def write(number):
        try:
            for _ in range(30):
                with whole_file(tmp_path / "a.txt", overwrite=True) as file:
                    file.write_text(str(number))
        except Exception as error:  # what goes wrong in a thread is told by the test
            faults.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert os.listdir(tmp_path) == ["a.txt"]
