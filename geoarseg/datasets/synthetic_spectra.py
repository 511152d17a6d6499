"""From layout to pixels: reflectance, sun and shadow, haze, the sensor's blur and its noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from geoarseg.datasets.synthetic_layout import Layout
from geoarseg.datasets.synthetic_noise import FloatMap, layered_noise, smooth_noise
from geoarseg.datasets.synthetic_surfaces import MATERIALS, Material, Surface

BANDS = ("red", "green", "blue", "nir")
"""Names of the bands, in order."""

_SUN_ELEVATION = np.deg2rad(52.0)
_SKY = (0.36, 0.40, 0.48, 0.34)  # light in the shade relative to full sun: bluish, poor in near-infrared
_BLUR_PX = 0.75  # deviation of the point-spread function
_NOISE = 3.0  # deviation of the sensor's noise, in counts
_HAZE = 7.0  # counts added by the air, in blue


def render(layout: Layout, *, pixel_m: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photograph a layout from straight above.

    Args:
        layout: the ground.
        pixel_m: side of a pixel, in metres.
        rng: source of sun direction, textures, noise.

    Returns:
        (4, y, x) uint8: red, green, blue, near-infrared.
    """
    azimuth = float(rng.uniform(-0.75, 0.75)) - np.pi / 2  # where the shadows point: about north, up
    light = _direct_light(layout, azimuth, pixel_m)
    shape = layout.surface.shape
    texture = _textures(layout, pixel_m, rng)
    drift = _illumination((shape[0], shape[1]), rng)
    image = np.empty((len(BANDS), *shape), dtype=np.uint8)
    for band in range(len(BANDS)):
        radiance = _reflectance(layout, band) * texture * (_SKY[band] + (1 - _SKY[band]) * light)
        radiance = radiance * drift + _HAZE * (1.0, 1.1, 1.4, 0.5)[band]
        counts = ndimage.gaussian_filter(radiance, _BLUR_PX, mode="nearest")
        counts += rng.normal(0, _NOISE, shape)
        image[band] = np.clip(np.rint(counts), 1, 255)  # 0 stays free for nodata
    return image


def _reflectance(layout: Layout, band: int) -> FloatMap:
    base, tint, hue, rows = (
        np.array(column, dtype=np.float32)[layout.surface]
        for column in zip(*((m.colour[band], m.tint, m.hue[band], m.rows) for m in _in_order()), strict=True)
    )
    # Between the rows of a crop there is soil: bright in red, dark in near-infrared.
    sign = np.where(np.isin(layout.surface, (Surface.YOUNG_CROP, Surface.DENSE_CROP)) & (band == 3), -1, 1)
    shade = np.clip(1 + layout.tint * tint, 0.5, 1.6) * (1 + sign * rows * layout.rows)
    return np.asarray((base + layout.hue * hue) * shade, dtype=np.float32)


def _in_order() -> list[Material]:
    return [MATERIALS[surface] for surface in Surface]


def _textures(layout: Layout, pixel_m: float, rng: np.random.Generator) -> FloatMap:
    """Relative brightness of each pixel: fine grain and mottles of some metres, as strong as the surface has it."""
    shape = (layout.surface.shape[0], layout.surface.shape[1])
    grain = np.array([m.grain for m in _in_order()], dtype=np.float32)[layout.surface]
    mottle = np.array([m.mottle for m in _in_order()], dtype=np.float32)[layout.surface]
    fine = smooth_noise(shape, scale_px=max(0.8 / pixel_m, 1.2), rng=rng)
    coarse = layered_noise(shape, scale_px=14 / pixel_m, layers=3, rng=rng)
    return np.clip(1 + grain * fine + mottle * coarse, 0.3, 2.0)


def _direct_light(layout: Layout, azimuth: float, pixel_m: float) -> FloatMap:
    """Sunlight on each pixel relative to flat, unshaded ground."""
    toward_x, toward_y = -np.cos(azimuth), -np.sin(azimuth)  # to the sun, in the plane
    flat, level = np.sin(_SUN_ELEVATION), np.cos(_SUN_ELEVATION)
    rise = layout.slope_x * toward_x + layout.slope_y * toward_y
    facing = (flat - level * rise) / np.sqrt(1 + layout.slope_x**2 + layout.slope_y**2) / flat
    sunlit = 1 - ndimage.gaussian_filter(_shadow(layout.height_m, toward_x, toward_y, pixel_m).astype(np.float32), 0.6)
    return np.asarray(np.clip(facing, 0.1, 1.45) * sunlit, dtype=np.float32)


def _shadow(height_m: FloatMap, toward_x: float, toward_y: float, pixel_m: float) -> NDArray[np.bool_]:
    """Which pixels something higher hides from the sun: a walk towards it, pixel by pixel."""
    rows, cols = height_m.shape
    climb_m = pixel_m * np.tan(_SUN_ELEVATION)
    shadow = np.zeros(height_m.shape, dtype=bool)
    for step in range(1, int(float(height_m.max()) / climb_m) + 1):
        down, right = round(step * toward_y), round(step * toward_x)
        if abs(down) >= rows or abs(right) >= cols:
            break
        here = (slice(max(0, -down), rows - max(0, down)), slice(max(0, -right), cols - max(0, right)))
        there = (slice(max(0, down), rows - max(0, -down)), slice(max(0, right), cols - max(0, -right)))
        shadow[here] |= height_m[there] > height_m[here] + step * climb_m + 0.3
    return shadow


def _illumination(shape: tuple[int, int], rng: np.random.Generator) -> FloatMap:
    """A factor that drifts over the image, as between the strips of a flight and under thin cloud."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    ramp = 0.07 * (np.cos(angle) * x + np.sin(angle) * y)
    cloud = smooth_noise(shape, scale_px=max(shape) / 3, rng=rng)
    return np.asarray(np.clip(1 + ramp + 0.04 * cloud, 0.7, 1.3), dtype=np.float32)
