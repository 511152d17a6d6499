"""A small prepared dataset for tests: crops of flat patches, one colour a class, with noise."""

from pathlib import Path

import numpy as np

from geoarseg.datasets.crops import Crops
from geoarseg.datasets.prepare import prepare_store

COLOURS = np.random.default_rng(5).integers(20, 236, (16, 4))


class Patches:
    """One source of `crops` crops; the last two have no labels."""

    unit, padded = "file", False
    band_names = ("red", "green", "blue", "nir")

    def __init__(self, folder, name, classes, crops, crop_px, unlabelled):
        self.name, self.folder, self.crop_px = name, folder, crop_px
        self.class_names = tuple(f"class {value}" for value in range(1, classes + 1))
        self.sources = ("labelled.bin",) + (("other.bin",) if unlabelled else ())
        self.request = {"dataset": name}
        self._counts = (crops, unlabelled)
        folder.mkdir(parents=True, exist_ok=True)
        for source in self.sources:
            (folder / source).write_text(source)

    def files(self, number):
        return [self.folder / self.sources[number]]

    def read(self, number):
        rng, count, cell = np.random.default_rng(number), self._counts[number], self.crop_px // 4
        labels = rng.integers(1, len(self.class_names) + 1, (count, 4, 4)).repeat(cell, 1).repeat(cell, 2)
        images = COLOURS[labels].transpose(0, 3, 1, 2) + rng.integers(-15, 16, (count, 4, *labels.shape[1:]))
        labels[:, :2] = 0  # not scored
        return Crops(images.astype(np.uint8), labels.astype(np.uint8), number == 0, np.zeros((count, 2), np.int32))


def make_store(folder, *, name="potsdam", classes=6, crops=10, crop_px=32, unlabelled=2) -> Path:
    """Write a dataset to `folder` and give the folder."""
    prepare_store(Patches(folder.with_name(folder.name + "-source"), name, classes, crops, crop_px, unlabelled), folder)
    return folder
