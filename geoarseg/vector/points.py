"""A layer of points with an empty field `class`: places that wait for a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from geoarseg.errors import OutputError
from geoarseg.vector.formats import format_of, whole_or_not_at_all


def write_points(
    path: Path,
    points: NDArray[Any],
    columns: Mapping[str, Sequence[Any]],
    *,
    crs: pyproj.CRS | None,
    overwrite: bool = False,
) -> None:
    """Write points, each with an empty text `class` to be filled in, and further columns.

    Args:
        path: the layer; its ending chooses the format.
        points: (point, 2), x and y.
        columns: further attributes, each as long.
        crs: coordinate system of the points.
        overwrite: replace an existing layer.

    Raises:
        InputError: the ending is unknown.
        OutputError: the file exists, or cannot be written.
    """
    kind = format_of(path)
    table = {"class": np.full(len(points), None, dtype=object), **columns}
    frame = geopandas.GeoDataFrame(table, geometry=shapely.points(points), crs=crs)
    with whole_or_not_at_all(path, overwrite=overwrite) as unfinished:
        try:
            if kind.driver is None:
                frame.to_parquet(unfinished)
                return
            options = {"layer": path.stem, "driver": kind.driver, "geometry_type": "Point", **kind.options}
            pyogrio.write_dataframe(frame, unfinished, **options)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, RuntimeError) as error:
            raise OutputError(f"{path} could not be written ({error}).", "Is the disk full?") from error
