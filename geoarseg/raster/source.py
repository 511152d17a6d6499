"""One raster file: its metadata, read once, and its pixels, read window by window.

A `Source` holds metadata only, so it is small, frozen and picklable. Datasets are opened when pixels are
asked for, one handle per thread and process, and are never pickled.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # leaks out of some calls in place of a RasterioError
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterioWindow

from geoarseg.block_cache import bound_block_cache
from geoarseg.errors import InputError
from geoarseg.raster.bands import band_colours, check_band_count, check_bands, masked_bands
from geoarseg.raster.locate import PathLike, Version, digest_of_files, gdal_name, version_of
from geoarseg.raster.remote import PAUSES_S, gdal_options, is_remote, uncached
from geoarseg.raster.roles import guess_roles
from geoarseg.raster.validity import has_data
from geoarseg.raster.window import Window

Dataset = Any  # rasterio is untyped
Crs = Any

GDAL_ERRORS = (RasterioError, CPLE_BaseError, OSError)

_MAX_OPEN = 64  # handles per thread: a mosaic may have thousands of files
_handles = threading.local()
_opening = threading.Lock()  # `warnings.catch_warnings` is not thread-safe


@dataclass(frozen=True)
class Source:
    """One raster file."""

    path: str
    """Absolute path or GDAL name."""
    height: int
    """Rows."""
    width: int
    """Columns."""
    crs: Crs
    """The rasterio CRS, or None."""
    transform: Affine
    """From (column, row) to coordinates; the identity when there is no georeference."""
    bands: tuple[int, ...]
    """The chosen feature bands, counted from 1 as in the file."""
    band_names: tuple[str, ...]
    """Description of each chosen band."""
    band_roles: tuple[str | None, ...]
    """Guessed role of each chosen band."""
    dtype: str
    """Common dtype of the chosen bands in the file."""
    nodata: tuple[float | None, ...]
    """Nodata value of each chosen band."""
    alpha_bands: tuple[int, ...]
    """Bands that tell validity instead of features."""
    masked_bands: tuple[int, ...]
    """Bands whose mask (internal, `.msk`, or of the whole dataset) has to be read."""
    block_shape: tuple[int, int]
    """Height and width of the file's own blocks."""
    version: Version
    """Tells a file from an older one of that name, so that no handle to the older one is used."""

    @property
    def is_georeferenced(self) -> bool:
        """Whether the file says where it lies."""
        return not self.transform.is_identity

    @property
    def is_rotated(self) -> bool:
        """Whether rows and columns run askew to the axes of the CRS."""
        a, b, _, d, e, _ = self.transform[:6]
        return bool(max(abs(b), abs(d)) > 1e-9 * max(abs(a), abs(e)))

    def read(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Read a window that lies in the file.

        Returns:
            Image (band, y, x) float32, 0 where invalid, and valid (y, x) bool.

        Raises:
            InputError: the file cannot be read there.
        """
        try:
            pixels, valid = self._read_patiently(rasterio_window(window))
        except GDAL_ERRORS as error:
            raise InputError(
                f"Cannot read {self.path} at rows {window.row} to {window.row_stop}, "
                f"columns {window.col} to {window.col_stop} ({one_line(error)}).",
                "The server may answer later; the same command tries again."
                if is_remote(self.path)
                else "The file may be cut short or damaged: `gdalinfo -checksum` tells.",
            ) from error
        with np.errstate(over="ignore", invalid="ignore"):
            image = pixels.astype(np.float32)
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(image).all(axis=0)
        image[:, ~valid] = 0
        return image, valid

    def _read_patiently(self, area: RasterioWindow) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """As `_read`; a remote file is tried again, which GDAL does by itself except when an answer breaks off."""
        for wait_s in PAUSES_S if is_remote(self.path) else ():
            try:
                return self._read(area)
            except GDAL_ERRORS:
                time.sleep(wait_s)
                _forget(self.path, self.version)
        return self._read(area)

    def _read(self, area: RasterioWindow) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels as in the file (band, y, x), and which hold data as the file says (y, x)."""
        with rasterio.Env(**gdal_options(self.path)):  # without any, GDAL prints its warnings in threads of Dask
            dataset = _dataset(self.path, self.version)
            pixels = dataset.read(list(self.bands), window=area)
            valid = has_data(pixels, self.nodata)
            if self.alpha_bands:
                valid &= (dataset.read(list(self.alpha_bands), window=area) > 0).all(axis=0)
            if self.masked_bands:
                valid &= (dataset.read_masks(list(self.masked_bands), window=area) > 0).all(axis=0)
        return pixels, valid


def open_source(path: PathLike, bands: Sequence[int] | None = None) -> Source:
    """Read the metadata of one raster file.

    Args:
        path: a file, a URL or a GDAL name such as `/vsizip/...`.
        bands: bands to use, from 1 and in this order; None = all but alpha.

    Raises:
        InputError: there is no such file, or it is no raster that can be mapped.
        SettingsError: `bands` names bands that the file lacks.
    """
    name = gdal_name(path)
    try:
        with open_quietly(name) as dataset:
            return _describe(dataset, name, _version_of(dataset, name), bands)
    except GDAL_ERRORS as error:
        raise InputError(
            f"GDAL cannot read {path} as a raster ({one_line(error)}).",
            "Check the address, and that its server gives parts of files (Range requests)."
            if is_remote(name)
            else "Give a GeoTIFF or another raster file.",
        ) from error


def rasterio_window(window: Window) -> RasterioWindow:
    """The window in rasterio's form, which counts columns first."""
    return RasterioWindow(window.col, window.row, window.width, window.height)


def one_line(error: BaseException) -> str:
    """The message of an error, or of what caused it, on one line and without a final full stop."""
    while error.__cause__ is not None and "for details" in str(error):  # rasterio: "See ... for details"
        error = error.__cause__
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")


def open_quietly(name: PathLike, mode: str = "r", **profile: object) -> Dataset:
    """Open a dataset of rasterio without its warning that there is no georeference, which we handle."""
    bound_block_cache()
    options = gdal_options(os.fspath(name), opening=True)
    with _opening, warnings.catch_warnings(), rasterio.Env(**options):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(name, mode, **profile)


def _version_of(dataset: Dataset, name: str) -> Version:
    """The version of a file; that of a VRT tells its parts too, as far as they are on this machine."""
    version = version_of(name)
    return (*version, digest_of_files(dataset.files)) if dataset.driver == "VRT" else version


def _dataset(name: str, version: Version) -> Dataset:
    """The open dataset of this thread."""
    if getattr(_handles, "process", None) != os.getpid():
        # A forked child must not use, nor close, the handles that it inherited.
        _handles.inherited = getattr(_handles, "open", None)
        _handles.process, _handles.open = os.getpid(), OrderedDict()
    key = (name, version)
    if key in _handles.open:
        _handles.open.move_to_end(key)
    else:
        _handles.open[key] = open_quietly(name)
        while len(_handles.open) > _MAX_OPEN:
            _handles.open.popitem(last=False)[1].close()
    return _handles.open[key]


def _forget(name: str, version: Version) -> None:
    """Close this thread's dataset of a remote file and empty GDAL's cache of it, which keeps what broke off."""
    dataset = _handles.open.pop((name, version), None)
    if dataset is not None:
        dataset.close()
    with suppress(*GDAL_ERRORS), rasterio.Env(**uncached(name)):
        open_quietly(name).close()


def _describe(dataset: Dataset, name: str, version: Version, bands: Sequence[int] | None) -> Source:
    colours = band_colours(dataset)
    alphas = tuple(band for band, colour in enumerate(colours, 1) if colour == ColorInterp.alpha.name)
    features = [band for band in range(1, dataset.count + 1) if band not in alphas]
    if not features:
        raise InputError(f"{name} has no band to map ({dataset.count} bands, {len(alphas)} of them alpha).")
    chosen = tuple(features) if bands is None else check_bands(bands, name, dataset.count, alphas)
    check_band_count(name, len(chosen))
    dtypes = [dataset.dtypes[band - 1] for band in chosen]
    if any("complex" in dtype for dtype in dtypes):
        raise InputError(f"{name} holds complex numbers ({dtypes[0]}).", "Convert it to magnitudes first.")
    descriptions = [dataset.descriptions[band - 1] for band in features]
    guesses = guess_roles(descriptions, [colours[band - 1] for band in features])
    roles = dict(zip(features, guesses, strict=True))
    return Source(
        path=name,
        height=dataset.height,
        width=dataset.width,
        crs=dataset.crs or None,  # an empty CRS object is none
        transform=dataset.transform,
        bands=chosen,
        band_names=tuple(dataset.descriptions[band - 1] or f"band {band}" for band in chosen),
        band_roles=tuple(roles[band] for band in chosen),
        dtype=str(np.result_type(*dtypes)),
        nodata=tuple(dataset.nodatavals[band - 1] for band in chosen),
        alpha_bands=alphas,
        masked_bands=masked_bands(dataset, chosen),
        block_shape=dataset.block_shapes[chosen[0] - 1],
        version=version,
    )
