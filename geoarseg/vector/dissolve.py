"""All polygons of a class as one multipolygon. These are as large as the map: memory holds them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.ragged import offsets_of


def dissolved(batches: Iterable[PolygonBatch]) -> Iterator[PolygonBatch]:
    """One batch with one feature for each class, by class value, once all `batches` have come."""
    parts: dict[int, list[PolygonBatch]] = defaultdict(list)
    for batch in batches:
        order = np.argsort(batch.classes, kind="stable")
        values, starts = np.unique(batch.classes[order], return_index=True)
        for value, features in zip(values.tolist(), np.split(order, starts[1:]), strict=True):
            parts[value].append(batch.take(features))
    for value in sorted(parts):
        yield _one_feature(parts.pop(value))


def _one_feature(batches: list[PolygonBatch]) -> PolygonBatch:
    """The features of all batches, which are of one class, as one."""
    vertices = np.concatenate([np.diff(batch.ring_offsets) for batch in batches])
    rings = np.concatenate([np.diff(batch.polygon_offsets) for batch in batches])
    zonal = [batch.zonal.sum(axis=0, keepdims=True) for batch in batches if batch.zonal is not None]
    whole = batches[0][:1]
    return replace(
        whole,
        pixels=np.array([sum(batch.pixels.sum() for batch in batches)]),
        corners=np.concatenate([batch.corners for batch in batches]),
        ring_offsets=offsets_of(vertices),
        polygon_offsets=offsets_of(rings),
        feature_offsets=np.array([0, len(rings)]),
        rounded=None,
        zonal=np.sum(zonal, axis=0) if zonal else None,
    )
