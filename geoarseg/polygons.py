"""From a class raster file to polygons: cleaned, measured, written. What is measured may lie in other rasters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj

from geoarseg.errors import InputError, SettingsError
from geoarseg.progress import Progress
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.style import read_legend
from geoarseg.raster.window import Window
from geoarseg.settings import PolygonSettings
from geoarseg.vector.generalize import generalization, least_pixels
from geoarseg.vector.probabilities import open_probabilities
from geoarseg.vector.source import check_same_grid, open_class_raster
from geoarseg.vector.vectorize import VectorSummary, vectorize_raster
from geoarseg.vector.zonal import ValueRaster, open_confidence


def vectorize_file(
    classes: Path,
    path: Path,
    *,
    settings: PolygonSettings | None = None,
    probabilities: Path | None = None,
    confidence: Path | None = None,
    images: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> VectorSummary:
    """Turn a class raster file into polygons, with the legend it carries.

    Args:
        classes: the class raster.
        path: the layer to write; its ending chooses the format.
        settings: how the polygons are cleaned, and what is measured in the images.
        probabilities: a raster of percent on the same grid, with a band for each class, for a sieve by likelihood.
        confidence: a raster of percent on the same grid, whose mean the polygons get.
        images: the image of the map, as one mosaic on the same grid; needed if something is measured in it.
        overwrite: replace an existing layer.
        progress: hears of it all.

    Raises:
        InputError: a raster is of the wrong kind, or lies on another grid.
        OutputError: the layer exists, or cannot be written.
        SettingsError: what is to be measured has no image.
    """
    settings = settings or PolygonSettings()
    with ExitStack() as stack:
        raster = stack.enter_context(open_class_raster(classes))
        likelihood = None
        if probabilities is not None:
            likelihood = stack.enter_context(open_probabilities(probabilities, raster))
        measured: list[ValueRaster] = []
        if confidence is not None:
            measured.append(stack.enter_context(open_confidence(confidence, raster)))
        if settings.bands or settings.ndvi:
            if not images:
                raise SettingsError("Means of bands need the image.", "Name it with --image.")
            scene = open_scene(list(images))
            check_same_grid(scene, Path(images[0]), raster)
            measured.append(SceneValues(scene, bands=settings.bands or (), ndvi=settings.ndvi))
        return vectorize_raster(
            raster,
            path,
            legend=read_legend(classes),
            settings=settings,
            measured=measured,
            likelihood=likelihood,
            overwrite=overwrite,
            progress=progress,
        )


def check_polygon_settings(scene: Scene, settings: PolygonSettings) -> None:
    """Raise an error if a map of this scene could not become polygons in this way, before any work is done.

    Raises:
        InputError: the scene lacks a band.
        SettingsError: a setting does not fit the scene.
    """
    crs = pyproj.CRS.from_wkt(scene.crs.to_wkt()) if scene.crs else None
    grid = (crs, scene.transform, (scene.height, scene.width))
    generalization(*grid, simplify_m=settings.simplify_m, smooth=settings.smooth)
    least_pixels(*grid, sieve_px=settings.sieve_px, min_area_m2=settings.min_area_m2)
    if settings.bands or settings.ndvi:
        SceneValues(open_scene(list(scene.paths)), bands=settings.bands or (), ndvi=settings.ndvi)


def needs_probabilities(settings: PolygonSettings) -> bool:
    """Whether the sieve asks for the probabilities of all classes."""
    sieves = settings.sieve_px is not None or settings.min_area_m2 is not None
    return sieves and settings.sieve_by == "likelihood"


class SceneValues:
    """Bands of a scene and its vegetation index, as `ZonalMeans` takes them: `mean_<band>` and `mean_ndvi`.

    Args:
        scene: the image, with all its bands but alpha.
        bands: numbers of the bands, from 1.
        ndvi: whether the index is wanted. Pixels whose red and near infrared add up to 0 have none.

    Raises:
        InputError: the image lacks a band.
    """

    def __init__(self, scene: Scene, *, bands: Sequence[int], ndvi: bool) -> None:
        self._scene, self._bands = scene, tuple(bands)
        for band in bands:
            if band > scene.band_count:
                raise InputError(f"{scene.paths[0]} has no band {band}.", f"It has the bands 1 to {scene.band_count}.")
        self._ndvi = _red_and_nir(scene) if ndvi else None

    @property
    def names(self) -> Sequence[str]:
        """The columns, the vegetation index last."""
        return [*(f"mean_{band}" for band in self._bands), *(["mean_ndvi"] if self._ndvi else [])]

    def rows(self, start: int, stop: int) -> Iterator[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
        """Each band in the rows from `start` to before `stop`, and where it has values; then the index."""
        image, valid = self._scene.read(Window(start, 0, stop - start, self._scene.width))
        for band in self._bands:
            yield np.where(valid, image[band - 1], 0).astype(np.float64), valid
        if self._ndvi:
            red, nir = (image[band].astype(np.float64) for band in self._ndvi)
            total = nir + red
            has_index = valid & (total != 0)
            yield np.divide(nir - red, total, out=np.zeros_like(total), where=has_index), has_index


def _red_and_nir(scene: Scene) -> tuple[int, int]:
    """The red and the near infrared band, from 0."""
    if not {"red", "nir"} <= set(scene.band_roles):
        raise InputError(
            f"{scene.paths[0]} does not say which of its bands ({', '.join(scene.band_names)}) are red and near "
            "infrared, so it has no vegetation index.",
            'Describe its bands as "red" and "nir".',
        )
    return scene.band_roles.index("red"), scene.band_roles.index("nir")
