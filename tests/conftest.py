"""Fixtures for all rooms: rasters whose pixels know where they are, the real rasters, the report header."""

from __future__ import annotations

import importlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import settings

settings.register_profile("geoarseg", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("geoarseg")

REPOSITORY = Path(__file__).resolve().parents[1]
TRANSFORM = Affine(0.5, 0, 366015.25, 0, -0.5, 5809965.75)


def pytest_configure(config):
    """Workers of pytest-xdist share the cores: one thread for each, and for each program that it starts."""
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_report_header(config):
    lines = []
    for name in ("numpy", "torch", "rasterio", "xarray", "dask"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            lines.append(f"{name} absent")
            continue
        lines.append(f"{name} {module.__version__}")
        if name == "rasterio":
            lines.append(f"GDAL {module.__gdal_version__}")
    return ", ".join(lines)


@pytest.fixture(autouse=True, scope="module")
def _environment_kept():
    """Clusters of Dask leave OMP_NUM_THREADS=1 in the environment of the process that starts them."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real rasters, or a skip."""
    folder = Path(os.environ.get("GEOARSEG_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real rasters at {folder} (set GEOARSEG_TEST_DATA)")
    return folder


def _position_image(bands: int, height: int, width: int, dtype="uint16", *, row: int = 0, col: int = 0):
    """Pixels (band, y, x) that encode their own position, never 0; `row` and `col` are the first ones."""
    rows, cols = np.mgrid[row : row + height, col : col + width]
    band = np.arange(bands)[:, None, None]
    values = 1 + band * 7919 + rows * 251 + cols
    if np.dtype(dtype).kind in "iu":
        values = 1 + (values - 1) % np.iinfo(dtype).max
    return values.astype(dtype)


@pytest.fixture(scope="session")
def position_image() -> Callable[..., np.ndarray]:
    """Maker of the pixels of `make_raster`: `position_image(bands, height, width, dtype, row=, col=)`."""
    return _position_image


@pytest.fixture
def make_raster(tmp_path) -> Callable[..., Path]:
    """Factory of GeoTIFFs, by default of pixels that encode their own position."""
    import rasterio
    from rasterio.enums import ColorInterp

    count = 0

    def make(
        data=(3, 40, 50),
        path=None,
        *,
        dtype="uint16",
        crs="EPSG:32633",
        transform=TRANSFORM,
        nodata=None,
        alpha=None,
        mask=None,
        descriptions=None,
        colours=None,
        tiled=False,
        **profile,
    ) -> Path:
        """Write `data`, an array (band, y, x) or its shape; `alpha` and `mask` are arrays (y, x)."""
        nonlocal count
        count += 1
        path = Path(path) if path else tmp_path / f"raster_{count}.tif"
        image = _position_image(*data, dtype) if isinstance(data, tuple) else np.asarray(data)
        interpretation = [ColorInterp[name] for name in colours or ["undefined"] * len(image)]
        if alpha is not None:
            image = np.concatenate([image, alpha[None].astype(image.dtype)])
            interpretation.append(ColorInterp.alpha)
        blocks = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {}
        shape = {"count": image.shape[0], "height": image.shape[1], "width": image.shape[2]}
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(
                path,
                "w",
                driver="GTiff",
                dtype=image.dtype,
                crs=crs,
                transform=transform,
                nodata=nodata,
                **shape,
                **blocks,
                **profile,
            ) as dataset,
        ):
            dataset.colorinterp = interpretation
            dataset.write(image)
            for band, text in enumerate(descriptions or (), 1):
                dataset.set_band_description(band, text)
            if mask is not None:
                dataset.write_mask(mask.astype(bool))
        return path

    return make


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Callable[[str], Path]]:
    """Factory of file systems of a size such as "1m", or a skip."""
    disks = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk_{len(disks)}"
        folder.mkdir()
        try:
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
            failed = subprocess.run(command, capture_output=True, check=False).returncode != 0
        except OSError:
            failed = True
        if failed:
            pytest.skip("a small file system can only be mounted by root")
        disks.append(folder)
        return folder

    yield mount
    for folder in disks:
        subprocess.run(["umount", str(folder)], check=True)
