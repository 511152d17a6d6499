import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoarseg.errors import OutputError
from geoarseg.inference.spool import Spool, folder_of
from geoarseg.raster.window import tile_grid

HEIGHT, WIDTH, PLANES = 37, 53, ("classes", "confidence")
WINDOWS = [tile.core for tile in tile_grid(HEIGHT, WIDTH, core_px=16, halo_px=0, stride_px=1)]
PIXELS = np.random.default_rng(0).integers(0, 256, (len(PLANES), HEIGHT, WIDTH)).astype(np.uint8)
KEY = {"model": "a"}


def spool_at(output, key=KEY, planes=PLANES):
    return Spool(output, key, WINDOWS, (HEIGHT, WIDTH), planes)


def write(spool, numbers):
    for number in numbers:
        spool.write(number, [plane[WINDOWS[number].slices] for plane in PIXELS[: len(spool.counts)]])


def pixels_of(spool):
    return np.stack([np.fromfile(spool.path_of(plane), np.uint8).reshape(HEIGHT, WIDTH) for plane in PLANES])


@pytest.fixture
def output(tmp_path):
    return tmp_path / "map.tif"


@settings(max_examples=30)
@given(
    before=st.sets(st.integers(0, len(WINDOWS) - 1)),
    damage=st.lists(
        st.tuples(
            st.sampled_from(["classes.raw", "confidence.raw", "journal.txt"]), st.integers(0), st.binary(max_size=9)
        )
    ),
    cut=st.none() | st.tuples(st.sampled_from(["classes.raw", "confidence.raw", "journal.txt"]), st.integers(0, 2000)),
)
def test_whatever_is_damaged_is_done_again_and_the_rest_is_kept(tmp_path_factory, before, damage, cut):
    output = tmp_path_factory.mktemp("spool") / "map.tif"
    with spool_at(output) as spool:
        write(spool, sorted(before))
    changed = False
    for name, place, content in damage if before else ():
        file = folder_of(output) / name
        old = file.read_bytes()
        place %= len(old) + 1
        new = old[:place] + content + old[place + len(content) :]
        changed |= new != old
        file.write_bytes(new)
    if before and cut is not None:
        os.truncate(folder_of(output) / cut[0], cut[1])
        changed = True
    with spool_at(output) as spool:
        assert not spool.started_afresh
        assert spool.done <= before
        assert changed or spool.done == before
        for number in spool.done:
            window = WINDOWS[number].slices
            np.testing.assert_array_equal(pixels_of(spool)[:, *window], PIXELS[:, *window])
        write(spool, set(range(len(WINDOWS))) - spool.done)
        np.testing.assert_array_equal(pixels_of(spool), PIXELS)
        assert spool.counts.tolist() == [np.bincount(plane.ravel(), minlength=256).tolist() for plane in PIXELS]
    with spool_at(output) as spool:
        assert spool.done == set(range(len(WINDOWS)))


@pytest.mark.parametrize(
    "journal",
    [
        b"\xff\xfe\x00 1 2\n",
        b"0 1\n",
        b"-1 1 2\n",
        b"99999 1 2\n",
        b"9" * 5000 + b" 1 2\n",
        b"0 x 1\n",
        b"\n\n",
        b"0 1 2",
    ],
)
def test_a_journal_of_rubbish_promises_nothing(output, journal):
    with spool_at(output) as spool:
        write(spool, [0])
    (folder_of(output) / "journal.txt").write_bytes(journal)
    with spool_at(output) as spool:
        assert spool.done == set()
        write(spool, [0, 1])
    with spool_at(output) as spool:
        assert spool.done == {0, 1}


@pytest.mark.parametrize("arguments", [({"model": "b"}, PLANES), (KEY, PLANES[:1]), (KEY, PLANES[::-1])])
def test_other_arguments_start_afresh(output, arguments):
    with spool_at(output) as spool:
        write(spool, [0, 1])
    with spool_at(output, *arguments) as spool:
        assert spool.started_afresh
        assert spool.done == set()
    assert not folder_of(output).exists()


def test_a_damaged_key_starts_afresh(output):
    with spool_at(output) as spool:
        write(spool, [0, 1])
    (folder_of(output) / "arguments.json").write_bytes(b"\xff{")
    with spool_at(output) as spool:
        assert spool.started_afresh


def test_an_old_journal_under_a_new_key_promises_nothing(output):
    with spool_at(output) as spool:
        write(spool, [0, 1])
        kept = {name: (spool.folder / name).read_bytes() for name in ("journal.txt", "classes.raw", "confidence.raw")}
    with spool_at(output, {"model": "b"}) as spool:
        write(spool, [2])
    for name, content in kept.items():  # as a power cut may leave it
        (folder_of(output) / name).write_bytes(content)
    with spool_at(output, {"model": "b"}) as spool:
        assert spool.done == set()


def test_nothing_stays_when_nothing_was_finished_or_all_is(tmp_path):
    output = tmp_path / "new" / "folder" / "map.tif"
    with pytest.raises(KeyboardInterrupt), spool_at(output):
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
    with spool_at(output) as spool:
        write(spool, range(len(WINDOWS)))
        output.write_bytes(b"made of it")
        spool.finish()
    assert os.listdir(output.parent) == ["map.tif"]


def test_an_interruption_while_it_is_opened_loses_nothing(output, monkeypatch):
    with spool_at(output) as spool:
        write(spool, [0, 1])

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            spool_at(output).__enter__()
    with spool_at(output) as spool:
        assert spool.done == {0, 1}


def test_only_one_at_a_time(output):
    with spool_at(output) as spool:
        write(spool, [0])
        with pytest.raises(OutputError, match="is being written by another geoarseg"), spool_at(output):
            pass
        write(spool, [1])
    with spool_at(output) as spool:
        assert spool.done == {0, 1}


def test_what_is_never_written_takes_no_space(output):
    with Spool(output, KEY, WINDOWS, (20_000, 20_000), PLANES) as spool:
        write(spool, [0])
        assert sum(file.stat().st_blocks for file in spool.folder.iterdir()) * 512 < 2_000_000


def test_a_full_disk_keeps_what_is_finished(small_disk):
    disk = small_disk("256k")
    windows = [tile.core for tile in tile_grid(600, 600, core_px=100, halo_px=0, stride_px=1)]
    noise = np.random.default_rng(0).integers(0, 256, (100, 100)).astype(np.uint8)

    def spool():
        return Spool(disk / "map.tif", KEY, windows, (600, 600), ["classes"])

    def fill(to_write):
        for number in range(len(windows)):
            to_write.write(number, [noise])

    with spool() as full:
        with pytest.raises(OutputError, match="No space left"):
            fill(full)
        finished = set(full.done)
    assert 5 < len(finished) < len(windows)
    with spool() as again:
        assert again.done == finished
