import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from geoarseg.datasets import prepare
from geoarseg.datasets.crops import Crops, cut_row, shrink_image, shrink_labels
from geoarseg.datasets.prepare import prepare_store
from geoarseg.datasets.store import INDEX_NAME, STATE_NAME, StoreSampler, open_store, store_statistics
from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.progress import Progress


class FakeSource:
    """Seven sources of none to three crops of 8 px, whose pixels follow from their number."""

    name, class_names, band_names, crop_px, unit = "fake", ("one", "two"), ("red", "nir"), 8, "file"

    def __init__(self, folder: Path, padded=False, broken=None):
        self.folder, self.padded, self.broken = folder, padded, broken
        self.sources = tuple(f"{number}.bin" for number in range(7))
        self.request = {"dataset": "fake"}
        folder.mkdir(exist_ok=True)
        for name in self.sources:
            if not (folder / name).exists():
                (folder / name).write_text(name)

    def files(self, number):
        return [self.folder / self.sources[number]]

    def read(self, number):
        if number == self.broken:
            raise InputError(f"Cannot read {self.sources[number]}.")
        rng, count = np.random.default_rng(number), number % 4
        valid = np.ones((count, 8, 8), dtype=bool)
        valid[:, :, 6:] = False
        return Crops(
            rng.integers(0, 256, (count, 2, 8, 8), dtype=np.uint8),
            rng.integers(0, 3, (count, 8, 8), dtype=np.uint8),
            number % 2 == 0,
            np.full((count, 2), number, dtype=np.int32),
            valid if self.padded else None,
            {"odd": number},
        )


class InterruptedProgress(Progress):
    """Ctrl-C after so many sources."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def on_change(self, stage):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def bytes_of(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture
def store(tmp_path):
    return prepare_store(FakeSource(tmp_path / "src", padded=True), tmp_path / "store")


def test_a_store_holds_what_the_sources_gave(tmp_path):
    source = FakeSource(tmp_path / "src")
    store = prepare_store(source, tmp_path / "deep" / "store")
    parts = [source.read(number) for number in range(7)]
    np.testing.assert_array_equal(store.images, np.concatenate([part.images for part in parts]))
    np.testing.assert_array_equal(store.labels, np.concatenate([part.labels for part in parts]))
    assert store.labelled.tolist() == [part.labelled for part in parts for _ in part.images]
    assert store.origins.tolist() == [[n, n, n] for n, part in enumerate(parts) for _ in part.images]
    assert isinstance(store.images, np.memmap)
    assert store.valid is None
    assert store.counts == {"odd": 21}
    assert store.crop_name(0) == "1.bin row 1 column 1"
    assert (len(store), store.band_count) == (9, 2)
    counted = np.bincount(store.labels[store.labelled].ravel(), minlength=3)
    np.testing.assert_array_equal(store.count_classes(), counted)
    assert STATE_NAME not in bytes_of(store.folder)


@pytest.mark.parametrize("after", range(2, 9))
def test_an_interrupted_preparation_goes_on_bit_for_bit(tmp_path, after):
    source = FakeSource(tmp_path / "src", padded=True)
    whole = bytes_of(prepare_store(source, tmp_path / "whole").folder)
    with pytest.raises(KeyboardInterrupt):
        prepare_store(source, tmp_path / "store", progress=InterruptedProgress(after))
    with pytest.raises(InputError, match="not finished"):
        open_store(tmp_path / "store")
    with open(tmp_path / "store" / "images.npy", "ab") as file:
        file.write(b"rubbish of an interrupted write" * 100)
    if after < 8:
        with pytest.raises(KeyboardInterrupt):
            prepare_store(source, tmp_path / "store", progress=InterruptedProgress(2))
    prepare_store(source, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == whole
    prepare_store(source, tmp_path / "store")  # a whole one is left as it is
    assert bytes_of(tmp_path / "store") == whole


def test_an_interrupt_in_the_middle_of_writing_loses_one_source_only(tmp_path, monkeypatch):
    source = FakeSource(tmp_path / "src")
    whole = bytes_of(prepare_store(source, tmp_path / "whole").folder)
    real = prepare.extend_digest

    def interrupted(digest, source, number):  # called when the crops are written and not yet counted
        if number == 4:
            raise KeyboardInterrupt
        return real(digest, source, number)

    monkeypatch.setattr(prepare, "extend_digest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare_store(source, tmp_path / "store")
    assert json.loads((tmp_path / "store" / STATE_NAME).read_text())["done"] == 4
    monkeypatch.setattr(prepare, "extend_digest", real)
    prepare_store(source, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == whole


def test_an_early_end_leaves_nothing(tmp_path):
    with pytest.raises(InputError):
        prepare_store(FakeSource(tmp_path / "src", broken=0), tmp_path / "deep" / "store")
    assert not (tmp_path / "deep").exists()
    (tmp_path / "store").mkdir()
    with pytest.raises(InputError):
        prepare_store(FakeSource(tmp_path / "src", broken=0), tmp_path / "store")
    assert bytes_of(tmp_path / "store") == {}


@pytest.mark.parametrize(("interval_s", "done"), [(0, 4), (1e9, 0)])
def test_after_a_crash_the_work_goes_on_behind_the_last_saved_state(tmp_path, monkeypatch, interval_s, done):
    monkeypatch.setattr(prepare, "_SAVE_INTERVAL_S", interval_s)
    source, real = FakeSource(tmp_path / "src"), FakeSource.read

    def read(self, number):
        if number == 4:
            shutil.copytree(tmp_path / "whole", tmp_path / "store")
        return real(self, number)

    monkeypatch.setattr(FakeSource, "read", read)
    whole = bytes_of(prepare_store(source, tmp_path / "whole").folder)
    monkeypatch.setattr(FakeSource, "read", real)
    assert json.loads((tmp_path / "store" / STATE_NAME).read_text())["done"] == done
    prepare_store(source, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == whole


def test_a_repaired_file_lets_the_work_go_on_and_a_changed_one_does_not(tmp_path):
    source = FakeSource(tmp_path / "src", broken=5)
    with pytest.raises(InputError, match=r"5\.bin"):
        prepare_store(source, tmp_path / "store")
    (tmp_path / "src" / "5.bin").write_text("repaired")
    before = bytes_of(tmp_path / "store")
    (tmp_path / "src" / "2.bin").write_text("changed behind our back")
    source.broken = None
    with pytest.raises(OutputError, match=r"changed since.*--overwrite"):
        prepare_store(source, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == before
    assert len(prepare_store(source, tmp_path / "store", overwrite=True)) == 9


@pytest.mark.parametrize("finished", [True, False])
def test_other_arguments_need_overwrite(tmp_path, finished):
    source = FakeSource(tmp_path / "src")
    if finished:
        prepare_store(source, tmp_path / "store")
    else:
        with pytest.raises(KeyboardInterrupt):
            prepare_store(source, tmp_path / "store", progress=InterruptedProgress(4))
    source.request = {"dataset": "fake", "paper split": True}
    with pytest.raises(OutputError, match="paper split null instead of true"):
        prepare_store(source, tmp_path / "store")
    assert len(prepare_store(source, tmp_path / "store", overwrite=True)) == 9


def test_foreign_files_are_never_touched(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "letter.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"letter\.txt"):
            prepare_store(FakeSource(tmp_path / "src"), tmp_path / "store", overwrite=overwrite)
    with pytest.raises(OutputError):
        prepare_store(FakeSource(tmp_path / "src"), tmp_path / "store" / "letter.txt")
    assert list(bytes_of(tmp_path / "store")) == ["letter.txt"]


def test_damaged_stores_are_refused(store):
    folder = store.folder
    images = (folder / "images.npy").read_bytes()
    index = (folder / INDEX_NAME).read_text()
    for content in (images[:-1], images + b"x", images[:50], b"", b"no array"):
        (folder / "images.npy").write_bytes(content)
        with pytest.raises(InputError, match=r"images\.npy is missing or damaged"):
            open_store(folder)
    (folder / "images.npy").unlink()
    with pytest.raises(InputError, match=r"images\.npy"):
        open_store(folder)
    (folder / "images.npy").write_bytes(images)
    open_store(folder)
    np.save(folder / "labelled.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"labelled\.npy"):
        open_store(folder)
    for text in ("{", "[]", index.replace('"crops"', '"crop"'), index.replace('"padded"', '"padding"')):
        (folder / INDEX_NAME).write_text(text)
        with pytest.raises(InputError, match=r"dataset\.json"):
            open_store(folder)
    (folder / INDEX_NAME).write_text(index.replace('"format": 1', '"format": 2'))
    with pytest.raises(InputError, match="newer geoarseg"):
        open_store(folder)
    with pytest.raises(InputError, match="no prepared dataset"):
        open_store(folder / "nowhere")


def test_whole_crops_are_drawn_as_they_are(store):
    images, valid = StoreSampler(store, seed=0).draw(50)
    assert images.shape == (50, 2, 8, 8)
    assert images.dtype == np.float32
    assert valid.dtype == bool
    masked = store.images * store.valid[:, None]
    seen = {next(n for n, crop in enumerate(masked) if np.array_equal(crop, image)) for image in images}
    assert seen == set(range(9))
    assert not valid[..., 6:].any()
    assert valid[..., :6].all()


def test_small_crops_lie_anywhere_and_a_subset_is_kept(store):
    sampler = StoreSampler(store, seed=0, crop_px=3, subset=[4])
    assert sampler.crop_px == 3
    images, valid = sampler.draw(400)
    places = set()
    for image, mask in zip(images, valid, strict=True):
        places |= {
            (row, col)
            for row in range(6)
            for col in range(6)
            if np.array_equal(image, store.images[4, :, row : row + 3, col : col + 3] * mask)
            and np.array_equal(mask, store.valid[4, row : row + 3, col : col + 3])
        }
    assert places == {(row, col) for row in range(6) for col in range(6)}


def test_a_sampler_is_repeatable_and_resumable(store):
    first, second = (StoreSampler(store, seed=3, crop_px=4) for _ in range(2))
    first.draw(7)
    second.restore(json.loads(json.dumps(first.state())))
    np.testing.assert_array_equal(first.draw(5)[0], second.draw(5)[0])
    again = StoreSampler(store, seed=3, crop_px=4).draw(5)[0]
    np.testing.assert_array_equal(StoreSampler(store, seed=3, crop_px=4).draw(5)[0], again)
    assert not np.array_equal(StoreSampler(store, seed=4, crop_px=4).draw(5)[0], again)


@pytest.mark.parametrize("options", [{"crop_px": 9}, {"crop_px": 0}, {"subset": []}, {"subset": [9]}])
def test_a_sampler_that_does_not_fit_is_refused(store, options):
    with pytest.raises(SettingsError):
        StoreSampler(store, seed=0, **options)


def test_statistics_are_those_of_the_valid_pixels(store):
    statistics = store_statistics(store, seed=0)
    pixels = np.moveaxis(store.images, 1, 0)[:, store.valid]
    low, middle, high = np.percentile(pixels, (5, 50, 95), axis=1)
    np.testing.assert_allclose(statistics.centre, middle)
    np.testing.assert_allclose(statistics.scale, (high - low) / 3.29, rtol=1e-6)


def test_shrinking_averages_images_and_picks_labels():
    image = np.random.default_rng(0).integers(0, 256, (2, 7, 9), dtype=np.uint8)
    for factor in (2, 3):
        rows, cols = 7 // factor, 9 // factor
        for row, col in np.ndindex(rows, cols):
            block = image[:, row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
            mean = np.floor(block.reshape(2, -1).astype(float).mean(axis=1) + 0.5)
            np.testing.assert_array_equal(shrink_image(image, factor)[:, row, col], mean)
        assert shrink_labels(image[0], factor).shape == (rows, cols)
    assert shrink_labels(image[0], 2)[1, 1] == image[0, 2, 2]
    assert shrink_labels(image[0], 3)[1, 1] == image[0, 4, 4]
    crops = cut_row(image[:, :3], 3)
    np.testing.assert_array_equal(crops[2], image[:, :3, 6:9])
