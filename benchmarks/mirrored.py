"""Large rasters for the benchmarks: a scene repeated by mirrors until it has the size. No claim of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

REAL_SCENE = Path(__file__).resolve().parents[2] / "shared/data/haiti_rapideye_rgbn_5m.tif"
_ROWS = 1024  # written at a time


def mirrored_raster(path: Path, size: int) -> Path:
    """Write a four-band GeoTIFF of size x size pixels: the real scene, or where it is missing a synthetic one."""
    image, crs, transform = _scene()
    profile = {
        "driver": "GTiff", "count": len(image), "height": size, "width": size, "dtype": image.dtype,
        "crs": crs, "transform": transform, "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "zlevel": 1, "num_threads": "all_cpus", "bigtiff": "if_safer",
        "photometric": "minisblack",  # else the fourth band is taken for alpha
    }  # fmt: skip
    columns = _mirror(np.arange(size), image.shape[2])
    with rasterio.Env(GDAL_CACHEMAX=256), rasterio.open(path, "w", **profile) as file:
        for row in range(0, size, _ROWS):
            rows = _mirror(np.arange(row, min(row + _ROWS, size)), image.shape[1])
            file.write(image[:, rows][:, :, columns], window=Window(0, row, size, len(rows)))
    return path


def _scene():
    """Pixels (band, y, x), CRS and transform."""
    if REAL_SCENE.exists():
        with rasterio.open(REAL_SCENE) as file:
            return file.read(), file.crs, file.transform
    from geoarseg.datasets.synthetic import make_landscape

    landscape = make_landscape(512, 512, seed=0)
    return landscape.image, landscape.crs, landscape.transform


def _mirror(index, length):
    folded = index % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)
