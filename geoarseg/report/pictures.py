"""The pictures of a report: JPEG and PNG of a bounded size, inside the page as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geoarseg.errors import InputError
from geoarseg.inference.predictor import NODATA_CONFIDENCE
from geoarseg.raster.legend import Colour, Legend
from geoarseg.raster.preview import Small, display_bands, stretch
from geoarseg.raster.source import GDAL_ERRORS, one_line, open_quietly

MAX_BYTES = 600_000
"""Size of a picture at most; a third more in the page, as base64."""
NO_DATA: Colour = (217, 217, 217)
"""The colour of pixels without data, in all pictures."""
CONFIDENCE_COLOURS: tuple[Colour, ...] = (
    (68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37),
)  # fmt: skip
"""Colours of 0, 20, 40 ... 100 percent: Viridis, which the colour-blind and grey printers tell apart too."""
_SHRINK = 0.8


@dataclass(frozen=True)
class Picture:
    """An encoded picture."""

    mime: str
    """`image/png` or `image/jpeg`."""
    content: bytes
    width: int
    """Pixels."""
    height: int
    """Pixels."""

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode('ascii')}"


def picture_of_image(small: Small, roles: Sequence[str | None]) -> tuple[Picture, str]:
    """A scene's thumbnail as JPEG, and which bands it shows."""
    image, valid = small
    bands, how = display_bands(roles)
    colours = (stretch(image, valid, bands) * 255).astype(np.uint8)
    colours[~valid] = NO_DATA
    return _fitted(Image.fromarray(colours), _as_jpeg, "image/jpeg", Image.Resampling.LANCZOS), how


def picture_of_map(path: Path, shape: tuple[int, int], legend: Legend) -> Picture:
    """A class raster in the colours of its legend, at the size (y, x) of the thumbnail.

    Raises:
        InputError: the raster cannot be read.
    """
    colours = [legend.colour_of(value) if value else NO_DATA for value in range(255)]
    return _of_indices(_reduced(path, shape), [*colours, NO_DATA])


def picture_of_confidence(path: Path, shape: tuple[int, int]) -> Picture:
    """A confidence raster in the colours of `CONFIDENCE_COLOURS`, at the size (y, x) of the thumbnail.

    Raises:
        InputError: the raster cannot be read.
    """
    stops = np.linspace(0, 100, len(CONFIDENCE_COLOURS))
    channels = [np.interp(np.arange(101), stops, channel) for channel in zip(*CONFIDENCE_COLOURS, strict=True)]
    ramp: list[Colour] = [(int(r), int(g), int(b)) for r, g, b in zip(*channels, strict=True)]
    percent = _reduced(path, shape)
    percent = np.where(percent > 100, NODATA_CONFIDENCE, percent // 2 * 2)  # even numbers: half the bytes
    return _of_indices(percent.astype(np.uint8), ramp + [NO_DATA] * 155)


def picture_of_png(png: bytes) -> Picture:
    """A finished picture such as a chart, brought below the size that a page can take."""
    with Image.open(io.BytesIO(png)) as opened:
        colours = opened.convert("RGB")
    few = colours.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return _fitted(few, _as_png, "image/png", Image.Resampling.NEAREST, MAX_BYTES // 2)


def _reduced(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A raster at the scale of a picture, (y, x), by its overviews."""
    try:
        with open_quietly(path) as dataset:
            values: NDArray[np.uint8] = dataset.read(1, out_shape=shape)
    except GDAL_ERRORS as error:
        raise InputError(f"{path} cannot be read ({one_line(error)}).", "Is the file complete?") from error
    return values


def _of_indices(indices: NDArray[np.uint8], colours: Sequence[Colour]) -> Picture:
    """A picture of numbers (y, x) from 0 to 255 and what colours they stand for."""
    picture = Image.fromarray(indices)
    picture.putpalette([channel for colour in colours for channel in colour])
    return _fitted(picture, _as_png, "image/png", Image.Resampling.NEAREST)


def _fitted(
    picture: Image.Image,
    encode: Callable[[Image.Image], bytes],
    mime: str,
    resampling: Image.Resampling,
    max_bytes: int = MAX_BYTES,
) -> Picture:
    """The picture, made smaller until its bytes are few enough."""
    content = encode(picture)
    while len(content) > max_bytes:
        size = (max(1, int(picture.width * _SHRINK)), max(1, int(picture.height * _SHRINK)))
        picture = picture.resize(size, resampling)
        content = encode(picture)
    return Picture(mime, content, picture.width, picture.height)


def _as_jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85, optimize=True, progressive=True)
    return buffer.getvalue()


def _as_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
