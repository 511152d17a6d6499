"""A polygon layer whose legend changes, written anew: names, colours, and classes that become one.

Features stream through. Only those of merged classes are held in memory: where they share borders, they become one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pyogrio
import pyproj

from geoarseg.errors import InputError, OutputError
from geoarseg.progress import Progress
from geoarseg.raster.legend import Legend, LegendEntry
from geoarseg.vector.formats import GEOJSON, format_of, whole_or_not_at_all
from geoarseg.vector.join import border_lengths, join_touching
from geoarseg.vector.style import complete_legend, read_colours, write_style
from geoarseg.vector.writing import write_here

_READ_ERRORS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowException, OSError, RuntimeError)
_CLASS, _NAME = "class", "name"
_STYLES = "layer_styles"


@dataclass(frozen=True)
class _Layer:
    """The layer in a file."""

    path: Path
    """The file."""
    name: str
    """What the layer is called in it."""
    schema: pa.Schema
    """Its columns."""
    geometry: str
    """The column that holds the geometry as WKB."""
    geometry_type: str
    """`Polygon` or `MultiPolygon`."""
    crs: str | None
    """Its coordinate system, as GDAL writes it."""

    @contextmanager
    def batches(self, columns: list[str] | None = None) -> Iterator[Iterator[pa.RecordBatch]]:
        """The features, or some of their columns, as record batches."""
        if self.path.suffix.lower() == ".parquet":
            with pa.parquet.ParquetFile(self.path) as file:
                yield file.iter_batches(columns=columns)
            return
        read_geometry = columns is None
        with pyogrio.open_arrow(
            self.path, layer=self.name, columns=columns, read_geometry=read_geometry, use_pyarrow=True
        ) as (_, reader):
            yield iter(reader)


def layer_legend(path: str | Path) -> Legend:
    """The legend of a polygon layer: names from its attributes, colours from its style.

    Raises:
        InputError: the file cannot be read, or is no layer of classes.
    """
    layer = _open(Path(path))
    names: dict[int, str] = {}
    try:
        with layer.batches([_CLASS, _NAME]) as batches:
            for batch in batches:
                pairs = pa.Table.from_batches([batch]).group_by([_CLASS, _NAME]).aggregate([])
                values, texts = pairs[_CLASS].to_pylist(), pairs[_NAME].to_pylist()
                names |= {int(value): str(text) for value, text in zip(values, texts, strict=True) if value is not None}
    except _READ_ERRORS as error:
        raise InputError(f"{path} cannot be read ({error}).", "Is the file complete?") from error
    colours = read_colours(layer.path, layer=layer.name)
    blank = complete_legend(None, names.keys() | colours.keys())
    return Legend(
        tuple(LegendEntry(e.value, names.get(e.value, e.name), colours.get(e.value, e.colour)) for e in blank)
    )


def relabel_layer(
    path: str | Path,
    legend: Legend,
    *,
    merges: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> None:
    """Give a polygon layer another legend, and join the polygons of merged classes where they touch.

    A joined polygon has the areas' sum and a perimeter of its own; what else there is, such as a mean of a raster, it
    has not. All other polygons keep what they have.

    Args:
        path: a layer that geoarseg wrote. A GeoPackage must hold no other layer.
        legend: the names and colours that it gets.
        merges: the class that takes over, by the value of the class that ends.
        progress: hears of the work.

    Raises:
        InputError: the file cannot be read, or is no layer of classes.
        OutputError: it cannot be written.
    """
    path = Path(path)
    layer = _open(path)
    if merges and format_of(path) is GEOJSON:
        raise InputError(
            f"The polygons of {path} cannot be joined: in GeoJSON, which has degrees, borders do not match exactly.",
            "Merge the class raster, and run `geoarseg vectorize` on it.",
        )
    with (
        (progress or Progress()).stage("relabel", total=1, unit="layer") as stage,
        whole_or_not_at_all(path, overwrite=True) as unfinished,
    ):
        try:
            joined = _joined(layer, legend, dict(merges or {}))
            records = _relabelled(layer, legend, dict(merges or {}), joined)
            if path.suffix.lower() == ".parquet":
                with pa.parquet.ParquetWriter(unfinished, layer.schema, compression="zstd") as writer:
                    for record in records:
                        writer.write_batch(record)
            else:
                kind = format_of(path)
                options = {"layer": layer.name, "driver": kind.driver, "geometry_name": layer.geometry, **kind.options}
                options |= {"geometry_type": layer.geometry_type, "crs": layer.crs}
                write_here(unfinished, layer.schema, records, options)
        except _READ_ERRORS as error:
            raise OutputError(f"{path} could not be written anew ({error}).", "Is the disk full?") from error
        write_style(unfinished, legend, layer=layer.name)
        stage.advance()


def _open(path: Path) -> _Layer:
    format_of(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")
    try:
        layer = _open_parquet(path) if path.suffix.lower() == ".parquet" else _open_gdal(path)
    except _READ_ERRORS as error:
        raise InputError(f"{path} cannot be read as a layer ({error}).") from error
    missing = [name for name in (_CLASS, _NAME) if name not in layer.schema.names]
    if missing:
        raise InputError(
            f"{path} has no attribute `{missing[0]}`.", "Give the polygons of a map, such as classes.gpkg."
        )
    return layer


def _open_parquet(path: Path) -> _Layer:
    schema = pa.parquet.read_schema(path)
    return _Layer(path, path.stem, schema, "geometry", "", None)


def _open_gdal(path: Path) -> _Layer:
    names = [name for name in pyogrio.list_layers(path)[:, 0].tolist() if name != _STYLES]
    if len(names) != 1:
        raise InputError(
            f"{path} holds {len(names)} layers ({', '.join(names[:5])}), and can only be written anew as a whole.",
            "Save the layer of classes into a file of its own.",
        )
    with pyogrio.open_arrow(path, layer=names[0], use_pyarrow=True) as (meta, reader):
        geometry = meta["geometry_name"] or "wkb_geometry"
        return _Layer(path, names[0], reader.schema, geometry, meta["geometry_type"], meta["crs"])


def _relabelled(
    layer: _Layer, legend: Legend, merges: dict[int, int], joined: pa.RecordBatch | None
) -> Iterator[pa.RecordBatch]:
    """The features with their new names; those of merged classes come joined at the end."""
    names = pa.array([legend.name_of(value) for value in range(256)], pa.string())
    gone = pa.array(sorted({*merges, *merges.values()}), pa.int32())
    with layer.batches() as batches:
        for batch in batches:
            classes = pc.cast(batch[_CLASS], pa.int32())
            batch = _with_column(batch, _NAME, names.take(classes))
            yield batch.filter(pc.invert(pc.is_in(classes, gone))) if merges else batch
    if joined is not None:
        yield joined


def _joined(layer: _Layer, legend: Legend, merges: dict[int, int]) -> pa.RecordBatch | None:
    """The features of the merged classes, as they are after the merge."""
    if not merges:
        return None
    wanted = pa.array(sorted({*merges, *merges.values()}), pa.int32())
    with layer.batches() as batches:
        parts = [batch.filter(pc.is_in(pc.cast(batch[_CLASS], pa.int32()), wanted)) for batch in batches]
    members = pa.Table.from_batches(parts, layer.schema).combine_chunks()
    if not len(members):
        return None
    old = members[_CLASS].to_numpy().astype(np.int64)
    classes = np.array([merges.get(value, value) for value in range(256)])[old]
    area = next((name for name in members.schema.names if name.startswith("area_")), None)
    areas = members[area].to_numpy() if area else np.zeros(len(members))
    wkb, of_class, sums = join_touching(members[layer.geometry].to_numpy(zero_copy_only=False), classes, areas)
    columns: dict[str, Any] = {
        layer.geometry: wkb,
        _CLASS: of_class,
        _NAME: [legend.name_of(value) for value in of_class.tolist()],
    }
    perimeter = next((name for name in members.schema.names if name.startswith("perim")), None)
    columns |= ({area: sums} if area else {}) | ({perimeter: border_lengths(wkb, _crs_of(layer))} if perimeter else {})
    return _record(layer.schema, columns, len(of_class))


def _crs_of(layer: _Layer) -> pyproj.CRS | None:
    if layer.path.suffix.lower() != ".parquet":
        return pyproj.CRS.from_user_input(layer.crs) if layer.crs else None
    geo = json.loads((layer.schema.metadata or {}).get(b"geo", b"{}"))
    described = geo.get("columns", {}).get(layer.geometry, {}).get("crs")
    return pyproj.CRS.from_json_dict(described) if described else None


def _record(schema: pa.Schema, columns: Mapping[str, Any], count: int) -> pa.RecordBatch:
    arrays = [
        _array(columns[field.name], field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.record_batch(arrays, schema=schema)


def _array(values: npt.ArrayLike, kind: pa.DataType) -> pa.Array:
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    array = pa.array(values, storage)
    return pa.ExtensionArray.from_storage(kind, array) if isinstance(kind, pa.BaseExtensionType) else array


def _with_column(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    index = batch.schema.get_field_index(name)
    arrays = batch.columns
    arrays[index] = pc.cast(values, batch.schema.field(index).type)
    return pa.record_batch(arrays, schema=batch.schema)
