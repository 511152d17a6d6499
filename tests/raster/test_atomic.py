import errno
import os
import stat

import pytest

from geoarseg.errors import InputError, OutputError
from geoarseg.raster.atomic import check_output_path, temporary_beside, whole_file


def test_the_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "a.txt"
    with whole_file(path) as temporary:
        temporary.write_text("whole")
        assert temporary.name == "a.txt"
        assert temporary.parent.name.startswith(".a.txt.tmp-")
        assert os.stat(temporary).st_dev == os.stat(path.parent).st_dev
        assert not path.exists()
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["a.txt"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def write_half(path, fault):
    with whole_file(path, overwrite=True) as temporary:
        temporary.write_text("half")
        raise fault


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), SystemExit(1), ValueError("x"), InputError("no input")])
def test_nothing_remains_after_a_failure_and_the_error_stays(tmp_path, fault):
    with pytest.raises(type(fault)):
        write_half(tmp_path / "new" / "a.txt", fault)
    assert os.listdir(tmp_path) == []


def test_an_existing_file_stays_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"a\.txt exists\. Pass --overwrite"), whole_file(path):
        pass
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt())
    assert path.read_text() == "old"
    with whole_file(path, overwrite=True) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EACCES, "Permission denied")])
def test_errors_of_the_system_become_output_errors(tmp_path, number, words):
    with pytest.raises(OutputError, match=rf"a\.txt: {words}") as caught, whole_file(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert caught.value.hint
    assert os.listdir(tmp_path) == []


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(OutputError), whole_file(tmp_path / "a.txt"):
        pass


def test_sidecars_come_with_the_file_or_not_at_all(tmp_path, monkeypatch):
    replace, moved = os.replace, []

    def failing(source, target):
        if target.name == "a.tif":
            raise OSError(errno.EIO, "broken")
        moved.append(target.name)
        replace(source, target)

    def write():
        with temporary_beside(tmp_path / "a.tif") as folder:
            for name in ("a.tif", "a.qml", "a.tif.aux.xml"):
                (folder / name).write_text(name)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OutputError):
        write()
    assert moved == ["a.qml", "a.tif.aux.xml"]
    assert os.listdir(tmp_path) == []
    monkeypatch.undo()
    write()
    assert sorted(os.listdir(tmp_path)) == ["a.qml", "a.tif", "a.tif.aux.xml"]


def test_places_that_cannot_be_written_are_refused_beforehand(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for path, words in [
        (file / "a.tif", "is not a folder"),
        (file / "b" / "a.tif", "is not a folder"),
        (tmp_path, "is a folder"),
        ("/vsimem/a.tif", "not on this machine"),
        ("s3://bucket/a.tif", "not on this machine"),
    ]:
        with pytest.raises(OutputError, match=words):
            check_output_path(path)
    assert check_output_path(file, overwrite=True) == file
    assert check_output_path(tmp_path / "none" / "a.tif") == tmp_path / "none" / "a.tif"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where nobody can create files")
def test_a_folder_that_even_root_cannot_write():
    with pytest.raises(OutputError, match=r"/proc"), whole_file("/proc/self/geoarseg.tif"):
        pass
