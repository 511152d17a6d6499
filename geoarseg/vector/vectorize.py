"""The job: a class raster in, a layer of polygons out, strip by strip."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyogrio
import shapely

from geoarseg.errors import InputError, SettingsError
from geoarseg.progress import Progress, Stage
from geoarseg.raster.legend import Legend
from geoarseg.settings import PolygonSettings
from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.counted import CountedRaster
from geoarseg.vector.dissolve import dissolved
from geoarseg.vector.formats import check_place, format_of
from geoarseg.vector.generalize import BLOCK_PIXELS, block_rows, generalization, least_pixels
from geoarseg.vector.layer import write_layer
from geoarseg.vector.marks import marked_strips
from geoarseg.vector.polygonize import polygonize_marked, polygonize_strips
from geoarseg.vector.probabilities import ProbabilityRaster
from geoarseg.vector.records import GEOMETRY, FeatureRecords
from geoarseg.vector.sieve import sieved
from geoarseg.vector.smooth import smoothed
from geoarseg.vector.source import ClassRaster
from geoarseg.vector.zonal import ValueRaster, ZonalMeans

_MIN_STRIP_ROWS = 16


@dataclass(frozen=True)
class VectorSummary:
    """What vectorizing made."""

    path: Path
    """The layer."""
    polygons: int
    """Number of polygons."""
    areas: dict[int, float]
    """Area of each class that occurs in the layer, by class value."""
    areas_before: dict[int, float]
    """Area of each class that occurs in the raster, before anything was cleaned."""
    area_column: str
    """The attribute with the area, and so its unit: `area_m2`, or `area_px` without a coordinate system."""
    names: dict[int, str]
    """Name of each class that occurs in either."""
    seconds: float
    """Time it took."""

    def changes(self) -> list[str]:
        """A line for each class whose area cleaning changed."""
        unit = self.area_column.removeprefix("area_")
        lines = []
        for value, name in self.names.items():
            before, after = self.areas_before.get(value, 0.0), self.areas.get(value, 0.0)
            if abs(after - before) > 1e-6 * before:
                share = f" ({after / before - 1:+.2%})" if before else ""
                lines.append(f"{name}: {before:.1f} {unit} before cleaning, {after:.1f} after{share}")
        return lines


def vectorize_raster(
    raster: ClassRaster,
    path: str | Path,
    *,
    legend: Legend | None = None,
    settings: PolygonSettings | None = None,
    measured: Sequence[ValueRaster] = (),
    likelihood: ProbabilityRaster | None = None,
    strip_rows: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> VectorSummary:
    """Turn a class raster into polygons and write them to a layer.

    Polygons are those of the whole raster, whatever the strips. Memory holds one strip, or three if borders are
    generalized, and the polygons under way; all of them if they are dissolved.

    Args:
        raster: the classes, as from `open_class_raster`.
        path: the layer; its ending chooses the format.
        legend: names and colours of the classes.
        settings: connectedness (with 8 the layer holds multipolygons), and how the map is cleaned: first sieved,
            then polygonized, simplified, smoothed, dissolved.
        measured: rasters on the same grid, whose means over their pixels the polygons get.
        likelihood: the probabilities of the classes, for a sieve by likelihood.
        strip_rows: rows in a strip, in pixels; by default half a million pixels' worth. Generalized borders have
            strips of their own.
        overwrite: replace the layer if it exists.
        progress: hears of each row.

    Raises:
        InputError: the raster or the ending of the name is of the wrong kind.
        OutputError: the layer exists, or cannot be written.
        SettingsError: strip_rows or the tolerance is out of range, or the sieve lacks what it needs.
    """
    started = time.monotonic()
    settings, path, progress = settings or PolygonSettings(), Path(path), progress or Progress()
    format_of(path)
    check_place(path, overwrite=overwrite)
    with _Job.of(raster, settings, measured, likelihood, path.parent, strip_rows, progress) as job:
        with progress.stage("vectorize", raster.height, "row") as stage:
            totals = write_layer(
                path,
                job.batches(stage),
                transform=raster.transform,
                crs=raster.crs,
                legend=legend,
                multi=job.multi,
                zonal=job.zonal.names,
                workers=settings.workers,
                overwrite=overwrite,
            )
        before = job.areas_before() or totals.areas
    return VectorSummary(
        path=path,
        polygons=totals.polygons,
        areas=totals.areas,
        areas_before=before,
        names={value: (legend or Legend(())).name_of(value) for value in sorted(before | totals.areas)},
        area_column=totals.area_column,
        seconds=time.monotonic() - started,
    )


def polygons_of(
    raster: ClassRaster,
    *,
    legend: Legend | None = None,
    settings: PolygonSettings | None = None,
    measured: Sequence[ValueRaster] = (),
    likelihood: ProbabilityRaster | None = None,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Turn a class raster into a GeoDataFrame with the attributes and geometries that a layer would have."""
    settings, progress = settings or PolygonSettings(), progress or Progress()
    with (
        tempfile.TemporaryDirectory() as folder,
        _Job.of(raster, settings, measured, likelihood, Path(folder), None, progress) as job,
        progress.stage("vectorize", raster.height, "row") as stage,
    ):
        records = FeatureRecords(
            job.batches(stage),
            transform=raster.transform,
            crs=raster.crs,
            legend=legend or Legend(()),
            multi=job.multi,
            zonal=job.zonal.names,
        )
        table = pa.Table.from_batches(records, schema=records.schema)
    geometry = shapely.from_wkb(table.column(GEOMETRY).to_numpy())
    return gpd.GeoDataFrame(table.drop_columns(GEOMETRY).to_pandas(), geometry=geometry, crs=raster.crs)


def read_polygons(path: str | Path) -> gpd.GeoDataFrame:
    """Read a layer that `vectorize_raster` wrote.

    Raises:
        InputError: the file is missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if path.suffix.lower() == ".parquet":
        return gpd.read_parquet(path)
    layers = pyogrio.list_layers(path)[:, 0]  # a GeoPackage holds its style as a second one
    return gpd.read_file(path, layer=path.stem if path.stem in layers else layers[0])


class _Job:
    """The way of one raster through all steps that are asked for, with the areas it had before."""

    def __init__(
        self,
        raster: ClassRaster,
        settings: PolygonSettings,
        measured: Sequence[ValueRaster],
        strip_rows: int | None,
    ) -> None:
        if strip_rows is not None and strip_rows < 1:
            raise SettingsError(f"A strip must have at least 1 row, not {strip_rows}.")
        self._settings = settings
        grid = (raster.crs, raster.transform, (raster.height, raster.width))
        self._generalization = generalization(*grid, simplify_m=settings.simplify_m, smooth=settings.smooth)
        self._least_pixels = least_pixels(*grid, sieve_px=settings.sieve_px, min_area_m2=settings.min_area_m2)
        is_cleaned = self._generalization is not None or self._least_pixels > 1
        self._counted = CountedRaster(raster) if is_cleaned else None
        self._raster = self._counted or raster
        self._rows = strip_rows or max(_MIN_STRIP_ROWS, BLOCK_PIXELS // raster.width)
        self.zonal = ZonalMeans(
            measured, width=raster.width, connectedness=settings.connectedness, nodata=raster.nodata
        )
        self.multi = settings.connectedness == 8 or settings.dissolve

    @classmethod
    @contextmanager
    def of(
        cls,
        raster: ClassRaster,
        settings: PolygonSettings,
        measured: Sequence[ValueRaster],
        likelihood: ProbabilityRaster | None,
        folder: Path,
        strip_rows: int | None,
        progress: Progress,
    ) -> Iterator[_Job]:
        """The job, once the raster is sieved if that is asked for; `folder` takes the sieve's temporary file."""
        job = cls(raster, settings, measured, strip_rows)
        if settings.sieve_by == "likelihood" and job._least_pixels > 1 and likelihood is None:
            raise SettingsError(
                "The sieve by likelihood needs the probabilities of the classes.", "Name them with --probabilities."
            )
        if job._least_pixels <= 1:
            yield job
            return
        with sieved(
            job._raster,
            min_pixels=job._least_pixels,
            connectedness=settings.connectedness,
            folder=folder,
            likelihood=likelihood if settings.sieve_by == "likelihood" else None,
            progress=progress,
        ) as job._raster:
            yield job

    def areas_before(self) -> dict[int, float]:
        """Area of each class in the raster; empty if nothing is cleaned."""
        return self._counted.areas() if self._counted else {}

    def batches(self, stage: Stage) -> Iterator[PolygonBatch]:
        """The polygons, as they are finished."""
        plan, width, nodata = self._generalization, self._raster.width, self._raster.nodata
        connectedness = self._settings.connectedness
        if plan is None:
            strips = self._strips(self._rows, stage)
            batches = polygonize_strips(strips, width=width, connectedness=connectedness, nodata=nodata)
        else:
            strips = self._strips(block_rows(width), stage)
            marked = marked_strips(strips, width=width, height=self._raster.height, generalization=plan)
            batches = polygonize_marked(marked, width=width, connectedness=connectedness, nodata=nodata)
            if plan.reach is not None:
                batches = (smoothed(batch, plan.reach) for batch in batches)
        if self.zonal.names:
            batches = map(self.zonal.measured, batches)
        return dissolved(batches) if self._settings.dissolve else batches

    def _strips(self, rows: int, stage: Stage) -> Iterator[tuple[int, npt.NDArray[np.integer]]]:
        strips = self._read(rows, stage)
        return self.zonal.watch(strips) if self.zonal.names else strips

    def _read(self, rows: int, stage: Stage) -> Iterator[tuple[int, npt.NDArray[np.integer]]]:
        for start in range(0, self._raster.height, rows):
            stop = min(start + rows, self._raster.height)
            yield start, self._raster.rows(start, stop)
            stage.advance(stop - start)
