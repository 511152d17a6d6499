"""What a case of the table of odd input is, and the files that cases start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from tiny_model import tiny_predictor

from geoarseg.models import write_model

GRID = Affine(0.5, 0, 366015.25, 0, -0.5, 5809965.75)
TINY = ("-k", "2", "--steps", "2", "--set", "network.width=8", "--set", "network.blocks=1", "--set", "train.batch=2")
TINY += ("--set", "train.crop_px=16", "--set", "readers=0", "--device", "cpu", "--quiet")


@dataclass(frozen=True)
class Bench:
    """Where a case makes its input, and where its output shall go."""

    folder: Path
    """Holds the input."""
    out: Path
    """An empty folder for outputs."""

    def image(self, name="image.tif", data=(3, 40, 50), *, dtype="uint8", crs="EPSG:32633", transform=GRID, **profile):
        """A GeoTIFF of random pixels, or of `data` (band, y, x)."""
        if isinstance(data, tuple):
            data = np.random.default_rng(0).integers(1, 200, data).astype(dtype)
        path = self.folder / name
        bands, height, width = data.shape
        size = {"count": bands, "height": height, "width": width, "dtype": profile.pop("stored", data.dtype)}
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **size, **profile) as dataset:
            dataset.write(data)
        return path

    def damaged(self, change: Callable[[bytearray], bytes | bytearray], name="image.tif", **options) -> Path:
        """An image whose bytes `change` alters."""
        path = self.image(name, **options)
        path.write_bytes(change(bytearray(path.read_bytes())))
        return path

    def text(self, name: str, content: str | bytes) -> Path:
        """A file of this content."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def model(self, bands=3) -> Path:
        """A model of five classes."""
        path = self.folder / "model.safetensors"
        write_model(tiny_predictor(bands=bands), path)
        return path

    def segment(self, *images, model: Path | None = None, more=()) -> list[str]:
        """The arguments that map images."""
        model = model or self.model()
        names = [str(image) for image in images]
        return ["segment", *names, "-m", str(model), "-o", str(self.out / "classes.tif"), "--device", "cpu", *more]

    def run(self, *images, more=()) -> list[str]:
        """The arguments that train on images and map them."""
        return ["run", *(str(image) for image in images), "-o", str(self.out / "run"), *TINY, *more]

    def vectorize(self, classes, *, name="layer.gpkg", more=()) -> list[str]:
        """The arguments that make polygons."""
        return ["vectorize", str(classes), "-o", str(self.out / name), *more]


@dataclass(frozen=True)
class Case:
    """Odd input, and what comes of it."""

    name: str
    """What is odd."""
    arguments: Callable[[Bench], list[str]]
    """Makes the input; returns the command."""
    words: str = ""
    """Words of the one line of error; empty where there is nothing wrong with the input."""

    @property
    def exit_code(self) -> int:
        """2, the user's fault, or 0."""
        return 2 if self.words else 0
