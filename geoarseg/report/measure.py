"""The figures of each class, measured anew in the files of a run: classes may have been merged since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from geoarseg.errors import InputError
from geoarseg.progress import Progress
from geoarseg.raster.legend import MAX_CLASSES, NODATA_CLASS, Legend
from geoarseg.report.summary import ClassRow, Pixels, RunSummary
from geoarseg.vector.area import area_rule
from geoarseg.vector.counted import CountedRaster
from geoarseg.vector.source import open_class_raster

_STRIP_PIXELS = 1 << 22


def remeasured(
    summary: RunSummary, classes: Path, polygons: Path, legend: Legend, *, progress: Progress | None = None
) -> RunSummary:
    """The summary with the figures that the class raster and the polygons have now.

    Args:
        summary: what the run wrote.
        classes: the class raster.
        polygons: the GeoPackage of its polygons.
        legend: the classes to tell of.
        progress: hears of each strip.

    Raises:
        InputError: a file cannot be read.
    """
    counts, areas_before, column = _raster_figures(classes, progress or Progress())
    areas, number = _polygon_areas(polygons, column)
    valid = sum(counts[value] for value in range(1, MAX_CLASSES + 1))
    # What the run found out of a class that has other pixels by now, such as a merged one, is true no more.
    known = {row.value: row for row in summary.classes if abs(row.share - counts[row.value] / max(valid, 1)) < 1e-5}
    rows = tuple(
        ClassRow(
            value=entry.value,
            share=counts[entry.value] / max(valid, 1),
            area=areas.get(entry.value, 0.0),
            area_before=areas_before.get(entry.value, 0.0),
            unit=column.removeprefix("area_"),
            confidence=known[entry.value].confidence if entry.value in known else None,
            evidence=known[entry.value].evidence if entry.value in known else "",
        )
        for entry in legend
    )
    pixels = Pixels(valid=valid, nodata=summary.height * summary.width - valid)
    return summary.model_copy(update={"classes": rows, "pixels": pixels, "polygons": number})


def _raster_figures(path: Path, progress: Progress) -> tuple[list[int], dict[int, float], str]:
    """Pixels by value, area by class, and what the column of areas is called."""
    with open_class_raster(path) as raster:
        counted, counts = CountedRaster(raster), np.zeros(256, dtype=np.int64)
        rows = max(1, _STRIP_PIXELS // raster.width)
        starts = range(0, raster.height, rows)
        with progress.stage("measure", total=len(starts), unit="strip") as stage:
            for start in starts:
                values = counted.rows(start, min(start + rows, raster.height))
                counts += np.bincount(values[values >= 0], minlength=256)
                stage.advance()
        if raster.nodata is not None and raster.nodata >= 0:
            counts[raster.nodata] = 0
        counts[NODATA_CLASS] = 0
        return counts.tolist(), counted.areas(), area_rule(raster.crs, raster.transform).column


def _polygon_areas(path: Path, column: str) -> tuple[dict[int, float], int]:
    """Area of each class, and the number of polygons; SQLite adds them up, whatever their number."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Make it anew with geoarseg vectorize.")
    # The column is one of two names of ours.
    query = f'SELECT class, SUM("{column}") AS area, COUNT(*) AS polygons FROM "classes" GROUP BY class'  # noqa: S608 # nosec B608
    try:
        table = pyogrio.read_dataframe(path, sql=query, sql_dialect="SQLITE", read_geometry=False)
    except (DataLayerError, DataSourceError, RuntimeError) as error:
        raise InputError(
            f"{path} cannot be read as the polygons of a run ({' '.join(str(error).split())}).",
            "Make it anew with geoarseg vectorize.",
        ) from None
    areas = dict(zip(table["class"].astype(int).tolist(), table["area"].astype(float).tolist(), strict=True))
    return areas, int(table["polygons"].sum())
