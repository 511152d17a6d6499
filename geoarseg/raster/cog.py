"""Blocks of pixels to one Cloud Optimized GeoTIFF, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET  # only writes XML, never parses it

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray

from geoarseg.block_cache import block_cache_for_copying
from geoarseg.errors import GeoArSegError, OutputError
from geoarseg.raster.atomic import check_output_path, output_error, temporary_beside
from geoarseg.raster.interruptible import interruptibly
from geoarseg.raster.legend import Legend
from geoarseg.raster.source import GDAL_ERRORS, Crs, open_quietly, rasterio_window
from geoarseg.raster.style import LEGEND_TAG, write_sidecars
from geoarseg.raster.window import Window, tile_grid

__all__ = ["check_output_path", "count_values", "write_cog", "write_cog_of_raw"]

_BLOCK_PX = 512
_CHECK_PIXELS = (4 * _BLOCK_PX) ** 2  # what is read at a time when values are counted, in values of all bands


def write_cog(
    path: str | os.PathLike[str],
    blocks: Iterable[tuple[Window, NDArray[np.uint8]]],
    *,
    height: int,
    width: int,
    crs: Crs,
    transform: Affine,
    nodata: int = 0,
    legend: Legend | None = None,
    overview_resampling: Literal["mode", "average"] = "mode",
    overwrite: bool = False,
) -> Path:
    """Write one band of uint8 as a Cloud Optimized GeoTIFF.

    The file appears when it is finished and checked, together with the sidecars of its legend: `.aux.xml`
    (category names) and `.qml` (QGIS style).

    Args:
        path: the file to write; missing folders are made.
        blocks: disjoint windows in any order, and their pixels (y, x); what they leave out becomes nodata.
        height: rows of the raster.
        width: columns of the raster.
        crs: anything rasterio takes as a CRS, or None.
        transform: from (column, row) to coordinates; the identity when there is no georeference.
        nodata: the value of pixels without data.
        legend: names and colours, for class rasters.
        overview_resampling: "mode" for classes, "average" for quantities.
        overwrite: replace an existing file.

    Returns:
        The path.

    Raises:
        OutputError: the file cannot be written, or exists already.
    """
    with temporary_beside(path, overwrite=overwrite) as folder:
        tiled, finished = folder / ".tiled.tif", folder / Path(path).name
        try:
            counts = _write_tiled(tiled, blocks, _profile(height, width, crs, transform, nodata), legend)
            _copy_as_cog(tiled, finished, overview_resampling)
            tiled.unlink()
            _check(finished, counts[None], transform)
        except GeoArSegError:
            raise
        except GDAL_ERRORS as error:
            raise output_error(path, error) from error
        if legend is not None:
            write_sidecars(finished, legend)
    if overwrite:
        _remove_stale_sidecars(Path(path), legend)
    return Path(path)


def write_cog_of_raw(
    path: str | os.PathLike[str],
    raws: Sequence[Path],
    counts: NDArray[np.int64],
    *,
    height: int,
    width: int,
    crs: Crs,
    transform: Affine,
    nodata: int = 0,
    legend: Legend | None = None,
    band_names: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    overview_resampling: Literal["mode", "average"] = "mode",
    overwrite: bool = False,
) -> Path:
    """As `write_cog`, of files that hold the pixels of one band each, row by row, one byte each.

    Args:
        path: the file to write.
        raws: the pixels of each band, height * width bytes; all in one folder.
        counts: how many pixels have each value, (band, 256); the result is checked against it.
        height: rows of the raster.
        width: columns of the raster.
        crs: anything rasterio takes as a CRS, or None.
        transform: from (column, row) to coordinates.
        nodata: the value of pixels without data.
        legend: names and colours, for class rasters.
        band_names: descriptions of the bands; none by default.
        tags: further metadata items of the file.
        overview_resampling: "mode" for classes, "average" for quantities.
        overwrite: replace an existing file.

    Raises:
        OutputError: the file cannot be written, or exists already.
    """
    with temporary_beside(path, overwrite=overwrite) as folder:
        finished, described = folder / Path(path).name, raws[0].with_suffix(".vrt")  # GDAL wants it beside the raw
        all_tags = dict(tags or {}) | ({LEGEND_TAG: legend.to_json()} if legend is not None else {})
        try:
            root = _empty_vrt(height, width, crs, transform, all_tags)
            for number, raw in enumerate(raws):
                root.append(_raw_band(raw.name, number + 1, width, nodata, legend, band_names[number : number + 1]))
            described.write_bytes(ET.tostring(root, encoding="utf-8"))
            _copy_as_cog(described, finished, overview_resampling)
            _check(finished, counts, transform)
        except GeoArSegError:
            raise
        except GDAL_ERRORS as error:
            raise output_error(path, error) from error
        if legend is not None:
            write_sidecars(finished, legend)
    if overwrite:
        _remove_stale_sidecars(Path(path), legend)
    return Path(path)


def _empty_vrt(height: int, width: int, crs: Crs, transform: Affine, tags: Mapping[str, str]) -> ET.Element:
    """GDAL's description of a raster, yet without bands."""
    root = ET.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    if crs is not None:
        ET.SubElement(root, "SRS", dataAxisToSRSAxisMapping="1,2").text = rasterio.CRS.from_user_input(crs).to_wkt()
    if not transform.is_identity:
        ET.SubElement(root, "GeoTransform").text = ", ".join(repr(float(v)) for v in transform.to_gdal())
    metadata = ET.SubElement(root, "Metadata")
    for key, value in tags.items():
        ET.SubElement(metadata, "MDI", key=key).text = value
    return root


def _raw_band(
    raw: str, number: int, width: int, nodata: int, legend: Legend | None, names: Sequence[str]
) -> ET.Element:
    """GDAL's description of a raw file as a band."""
    band = ET.Element("VRTRasterBand", dataType="Byte", band=str(number), subClass="VRTRawRasterBand")
    for name in names:
        ET.SubElement(band, "Description").text = name
    ET.SubElement(band, "NoDataValue").text = str(nodata)
    ET.SubElement(band, "SourceFilename", relativeToVRT="1").text = raw
    for item, number in (("ImageOffset", 0), ("PixelOffset", 1), ("LineOffset", width)):
        ET.SubElement(band, item).text = str(number)
    if legend is not None:
        ET.SubElement(band, "ColorInterp").text = "Palette"
        table = ET.SubElement(band, "ColorTable")
        colours: dict[int, tuple[int, ...]] = dict(legend.colormap())
        for index in range(256):
            levels = zip(("c1", "c2", "c3", "c4"), colours.get(index, (0, 0, 0, 255)), strict=True)
            ET.SubElement(table, "Entry", {channel: str(level) for channel, level in levels})
    return band


def _profile(height: int, width: int, crs: Crs, transform: Affine, nodata: int) -> dict[str, object]:
    return {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": 1,
        "dtype": "uint8",
        "crs": crs,
        "transform": transform,
        "nodata": nodata,
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
        "compress": "lzw",
        "bigtiff": "if_safer",
        "sparse_ok": True,  # blocks never written cost nothing, and read as nodata
    }


def _write_tiled(
    path: Path,
    blocks: Iterable[tuple[Window, NDArray[np.uint8]]],
    profile: dict[str, object],
    legend: Legend | None,
) -> NDArray[np.int64]:
    """Write the blocks as they come; returns how many pixels have each value, (256,)."""
    counts = np.zeros(256, dtype=np.int64)
    with open_quietly(path, "w", **profile) as dataset:
        if legend is not None:
            dataset.write_colormap(1, legend.colormap())
            dataset.update_tags(**{LEGEND_TAG: legend.to_json()})
        for window, pixels in blocks:
            dataset.write(pixels, 1, window=rasterio_window(window))
            counts += np.bincount(pixels.ravel(), minlength=256)
        missing = dataset.height * dataset.width - int(counts.sum())
        if missing < 0:
            raise ValueError(f"the blocks overlap: they hold {-missing} pixels more than the raster")
        counts[int(dataset.nodata)] += missing
    return counts


def _copy_as_cog(source: Path, finished: Path, overview_resampling: str) -> None:
    options = {
        "COMPRESS": "DEFLATE",
        "LEVEL": "5",  # 6, the default, takes 1.7 times as long for an eighth fewer bytes
        # Differences of neighbours are small for quantities, but arbitrary for classes.
        "PREDICTOR": "YES" if overview_resampling == "average" else "NO",
        "BLOCKSIZE": str(_BLOCK_PX),
        "BIGTIFF": "IF_SAFER",
        "OVERVIEW_RESAMPLING": overview_resampling.upper(),
        "NUM_THREADS": "ALL_CPUS",
    }

    def copy() -> None:
        with block_cache_for_copying(), rasterio.Env():  # without it, GDAL prints its warnings in this thread
            rasterio.shutil.copy(source, finished, driver="COG", **options)

    interruptibly(copy)


def _check(path: Path, counts: NDArray[np.int64], transform: Affine) -> None:
    """Read the result back: GDAL can lose pixels on a full disk without an error."""
    found = count_values(path)
    with open_quietly(path) as dataset:
        if dataset.transform != transform:
            raise OutputError(f"Cannot write {path.name}: GDAL changed its transform.")
    if not np.array_equal(found, counts):
        raise OSError(f"{int(np.abs(found - counts).sum()) // 2} pixels were lost in writing")


def count_values(path: Path) -> NDArray[np.int64]:
    """How often each value occurs in a raster of uint8, (band, 256); all bands are read at once, in windows."""
    with open_quietly(path) as dataset:
        found = np.zeros((dataset.count, 256), np.int64)
        core_px = max(int((_CHECK_PIXELS / dataset.count) ** 0.5) // _BLOCK_PX, 1) * _BLOCK_PX
        for tile in tile_grid(dataset.height, dataset.width, core_px=core_px, halo_px=0, stride_px=1):
            for band, pixels in zip(found, dataset.read(window=rasterio_window(tile.core)), strict=True):
                band += np.bincount(pixels.ravel(), minlength=256)
    return found


def _remove_stale_sidecars(path: Path, legend: Legend | None) -> None:
    """Remove what GDAL kept beside the replaced file: overviews, masks and statistics of other pixels."""
    stale = [".ovr", ".msk"] if legend is not None else [".ovr", ".msk", ".aux.xml"]
    for suffix in stale:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
