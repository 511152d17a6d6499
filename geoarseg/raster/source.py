"""One raster file: its metadata, read once, and its pixels, read window by window.

A `Source` holds metadata only, so it is small, frozen and picklable. Datasets are opened when pixels are
asked for, one handle per thread and process, and are never pickled.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError  # leaks out of some calls in place of a RasterioError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterioWindow

from geoarseg.block_cache import bound_block_cache
from geoarseg.errors import InputError, SettingsError
from geoarseg.raster.roles import guess_roles
from geoarseg.raster.validity import has_data
from geoarseg.raster.window import Window

PathLike = str | os.PathLike[str]
Dataset = Any  # rasterio is untyped
Crs = Any
Version = tuple[int, int, int]  # inode, size and modification time; zeros if not a local file

MAX_BANDS = 20
"""More feature bands than that are a hyperspectral cube, which the network is not made for."""
GDAL_ERRORS = (RasterioError, CPLE_BaseError, OSError)

_NO_VERSION = (0, 0, 0)
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
        area = rasterio_window(window)
        try:
            with rasterio.Env():  # without it, GDAL prints its warnings in threads of Dask
                dataset = _dataset(self.path, self.version)
                pixels = dataset.read(list(self.bands), window=area)
                valid = has_data(pixels, self.nodata)
                if self.alpha_bands:
                    valid &= (dataset.read(list(self.alpha_bands), window=area) > 0).all(axis=0)
                if self.masked_bands:
                    valid &= (dataset.read_masks(list(self.masked_bands), window=area) > 0).all(axis=0)
        except GDAL_ERRORS as error:
            raise InputError(
                f"Cannot read {self.path} at rows {window.row} to {window.row_stop}, "
                f"columns {window.col} to {window.col_stop} ({one_line(error)}).",
                "The file may be cut short or damaged: `gdalinfo -checksum` tells.",
            ) from error
        with np.errstate(over="ignore", invalid="ignore"):
            image = pixels.astype(np.float32)
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(image).all(axis=0)
        image[:, ~valid] = 0
        return image, valid


def open_source(path: PathLike, bands: Sequence[int] | None = None) -> Source:
    """Read the metadata of one raster file.

    Args:
        path: a file, a URL or a GDAL name such as `/vsizip/...`.
        bands: bands to use, from 1 and in this order; None = all but alpha.

    Raises:
        InputError: there is no such file, or it is no raster that can be mapped.
        SettingsError: `bands` names bands that the file lacks.
    """
    name, version = _locate(path)
    try:
        with open_quietly(name) as dataset:
            return _describe(dataset, name, version, bands)
    except GDAL_ERRORS as error:
        raise InputError(
            f"GDAL cannot read {path} as a raster ({one_line(error)}).",
            "Give a GeoTIFF or another raster file.",
        ) from error


def rasterio_window(window: Window) -> RasterioWindow:
    """The window in rasterio's form, which counts columns first."""
    return RasterioWindow(window.col, window.row, window.width, window.height)


def one_line(error: BaseException) -> str:
    """The message of an error, or of what caused it, on one line and without a final full stop."""
    while error.__cause__ is not None and "for details" in str(error):  # rasterio: "See ... for details"
        error = error.__cause__
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")


def _locate(path: PathLike) -> tuple[str, Version]:
    """GDAL's name for a path, and the version of a local file."""
    text = os.fspath(path)
    if text.startswith(("http://", "https://")):
        return f"/vsicurl/{text}", _NO_VERSION
    if text.startswith("/vsi"):
        return text, _NO_VERSION
    if os.path.exists(text):
        status = os.stat(text)
        return os.path.abspath(text), (status.st_ino, status.st_size, status.st_mtime_ns)
    if re.match(r"\w{2,}:", text):  # s3://..., NETCDF:file:variable; a single letter is a Windows drive
        return text, _NO_VERSION
    raise InputError(f"There is no file {text}.", "Check the path.")


def open_quietly(name: PathLike, mode: str = "r", **profile: object) -> Dataset:
    """Open a dataset of rasterio without its warning that there is no georeference, which we handle."""
    bound_block_cache()
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(name, mode, **profile)


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


def _describe(dataset: Dataset, name: str, version: Version, bands: Sequence[int] | None) -> Source:
    colours = _colours(dataset)
    alphas = tuple(band for band, colour in enumerate(colours, 1) if colour == ColorInterp.alpha.name)
    features = [band for band in range(1, dataset.count + 1) if band not in alphas]
    if not features:
        raise InputError(f"{name} has no band to map ({dataset.count} bands, {len(alphas)} of them alpha).")
    chosen = tuple(features) if bands is None else _check_bands(bands, name, dataset.count, alphas)
    if len(chosen) > MAX_BANDS:
        raise InputError(
            f"{name} has {len(chosen)} bands; at most {MAX_BANDS} can be used.",
            "Pick some with --bands, as in --bands 4,3,2.",
        )
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
        masked_bands=_masked_bands(dataset, chosen),
        block_shape=dataset.block_shapes[chosen[0] - 1],
        version=version,
    )


def _colours(dataset: Dataset) -> list[str | None]:
    try:
        return [colour.name for colour in dataset.colorinterp]
    except ValueError:  # an interpretation of a newer GDAL that rasterio has no name for
        return [None] * dataset.count


def _check_bands(bands: Sequence[int], name: str, count: int, alphas: tuple[int, ...]) -> tuple[int, ...]:
    chosen = tuple(int(band) for band in bands)
    if not chosen or len(set(chosen)) < len(chosen):
        raise SettingsError(f"The bands must be different numbers from 1 upward, not {list(bands)}.")
    for band in chosen:
        if not 1 <= band <= count:
            alpha = f" ({len(alphas)} of them alpha)" if alphas else ""
            raise SettingsError(
                f"There is no band {band}: {name} has {count} band{'s' * (count != 1)}{alpha}.",
                f"Bands are counted from 1 to {count}.",
            )
        if band in alphas:
            raise SettingsError(
                f"Band {band} of {name} is an alpha band: it only tells which pixels are valid.",
                f"If it is near-infrared in truth: `gdal_edit.py -colorinterp_{band} undefined FILE`.",
            )
    return chosen


def _masked_bands(dataset: Dataset, chosen: tuple[int, ...]) -> tuple[int, ...]:
    """Bands whose mask says more than nodata values and alpha bands, which are looked at by themselves."""
    flags = {band: set(dataset.mask_flag_enums[band - 1]) for band in chosen}
    masked = [
        band
        for band in chosen
        if not flags[band] & {MaskFlags.all_valid, MaskFlags.alpha} and flags[band] != {MaskFlags.nodata}
    ]
    if masked and all(MaskFlags.per_dataset in flags[band] for band in masked):
        return (masked[0],)
    return tuple(masked)
