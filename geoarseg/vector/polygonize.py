"""Strips of a class raster in, finished polygons out, as if the raster had been polygonized whole.

Each strip's corners are linked into chains (`corners`) and walked (`chains`). A chain that reaches the
strip's lower border waits, with everything of its region, and takes part in the next strip as one node;
nothing is cut at a seam, so nothing has to be mended there. A region is finished, and handed on, with the
strip in which its last chain closes. Memory holds one strip and the regions under way.

With 8-connectedness a feature is a multipolygon of the 4-connected regions that touch at corners. It is
always valid, where GDAL makes one ring that crosses itself; class, area and place are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geoarseg.vector.batch import PolygonBatch
from geoarseg.vector.chains import group, split_at_touching, walk
from geoarseg.vector.corners import CornerGraph, Keys, Marks, key_columns, key_rounded, key_rows, link_corners
from geoarseg.vector.ragged import Ragged, offsets_of, portions

Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]

_BATCH_VERTICES = 1 << 20  # of the polygons that are made at a time; a single one may have more
_OUTSIDE = -1  # stands around a raster without a no-data value


@dataclass(frozen=True)
class _Seam:
    """What is under way at the lower border of a strip: open chains, and closed rings of open features."""

    pixels: Ints
    """The strip's last row with a column outside at either side, (columns + 2,)."""
    chains: Ragged
    """Corner keys of the open chains."""
    head_columns: npt.NDArray[np.int32]
    """Lattice column in which each chain begins, upward, (chains,)."""
    tail_columns: npt.NDArray[np.int32]
    """Lattice column in which each chain ends, downward, (chains,)."""
    rings: Ragged
    """Corner keys of the closed rings."""
    classes: Ints
    """Class of each chain, then of each ring, (chains + rings,)."""
    regions: Ints
    """Region of each chain, then of each ring, (chains + rings,)."""
    features: Ints
    """Feature of each region, (regions,)."""
    first: Keys
    """Corner key at the first pixel of each region, (regions,)."""


@dataclass(frozen=True)
class _Finished:
    """The closed rings of finished features."""

    rings: Ragged
    """Their corner keys."""
    classes: Ints
    """Class of each ring, (rings,)."""
    regions: Ints
    """Region of each ring, (rings,)."""
    features: Ints
    """Feature of each region, (regions,)."""
    first: Keys
    """Corner key at the first pixel of each region, (regions,)."""
    marked: bool
    """Whether the keys have marks."""

    def batches(self) -> Iterator[PolygonBatch]:
        """The features, in parts: the last strip of a large raster finishes millions of vertices at once."""
        of_ring = self.features[self.regions]
        order = np.argsort(of_ring, kind="stable")
        at = np.append(_changes(of_ring[order]), len(order))  # the first ring of each feature
        vertices = offsets_of(self.rings.lengths[order])[at]
        for start, stop in portions(vertices, most=_BATCH_VERTICES, most_rows=len(at)):
            part = order[at[start] : at[stop]]
            rings, classes, regions = self.rings.take(part), self.classes[part], self.regions[part]
            yield _finish(rings, classes, regions, self.features, self.first, marked=self.marked)


def polygonize_strips(
    strips: Iterable[tuple[int, Ints]], *, width: int, connectedness: int = 4, nodata: int | None = 0
) -> Iterator[PolygonBatch]:
    """Polygonize a raster that comes in strips from top to bottom.

    Args:
        strips: (first row, (rows, width) classes of an integer type) of each strip, without gaps.
        width: columns of the raster, in pixels.
        connectedness: 4, or 8 to join pixels that touch at a corner.
        nodata: the value that makes no polygons, or None.

    Yields:
        the polygons that are finished with each strip; a batch is never empty.
    """
    return polygonize_marked(_unmarked(strips), width=width, connectedness=connectedness, nodata=nodata)


def polygonize_marked(
    strips: Iterable[tuple[int, Ints, Marks | None]], *, width: int, connectedness: int = 4, nodata: int | None = 0
) -> Iterator[PolygonBatch]:
    """Polygonize a raster whose vertices are marked with what becomes of them.

    Args:
        strips: (first row, (rows, width) classes, (rows, width + 1) marks of the vertices at the upper border of
            each row) of each strip; at last comes one without rows, with the marks of the lowest vertices.
            Borders with marks are noded, those with None instead are not.
        width: columns of the raster, in pixels.
        connectedness: 4, or 8 to join pixels that touch at a corner.
        nodata: the value that makes no polygons, or None.

    Yields:
        the polygons that are finished with each strip; a batch is never empty.
    """
    outside = _OUTSIDE if nodata is None else nodata
    seam = None
    for row, pixels, marks in strips:
        assert pixels.shape == (len(pixels), width), (pixels.shape, width)
        strip = pixels if len(pixels) else np.full((1, width), outside, np.int16)
        seam, finished = _advance(seam or _top(strip.dtype, width, outside), row, strip, outside, connectedness, marks)
        yield from finished.batches()
    assert seam is None or len(seam.chains) == len(seam.rings) == 0


def _unmarked(strips: Iterable[tuple[int, Ints]]) -> Iterator[tuple[int, Ints, None]]:
    """The strips, and one without rows at the end."""
    end: tuple[int, Ints] | None = None
    for row, strip in strips:
        yield row, strip, None
        end = row + len(strip), strip[:0]
    if end is not None:
        yield *end, None


def _top(dtype: np.dtype[np.integer], width: int, outside: int) -> _Seam:
    none, no_columns = np.zeros(0, np.int64), np.zeros(0, np.int32)
    dtype = np.result_type(dtype, np.int16) if outside < 0 else dtype
    pixels = np.full(width + 2, outside, dtype)
    return _Seam(pixels, Ragged.empty(), no_columns, no_columns, Ragged.empty(), none, none, none, none)


def _advance(
    seam: _Seam, row: int, strip: Ints, outside: int, connectedness: int, marks: Marks | None = None
) -> tuple[_Seam, _Finished]:
    """Take in one strip: what is then under way, and what it finished."""
    grid = np.full((len(strip) + 1, strip.shape[1] + 2), outside, seam.pixels.dtype)
    grid[0], grid[1:, 1:-1] = seam.pixels, strip
    graph = link_corners(grid, row, outside, seam.tail_columns, seam.head_columns, marks)
    paths, path_of = walk(graph.successor)
    borders, classes = _join(seam, graph, paths, path_of)
    region, feature = _regions(seam, graph, len(paths), path_of, connectedness)
    first = _first_corners(seam, graph, region, path_of)

    is_open = np.zeros(len(paths), bool)
    is_open[path_of[: graph.first_corner]] = True
    open_paths, closed_paths = np.flatnonzero(is_open), np.flatnonzero(~is_open)
    new, old = len(paths), len(seam.chains)
    rings, origin = split_at_touching(borders.take(closed_paths))
    rings = Ragged.concatenate([rings, seam.rings])
    ring_region = np.concatenate([region[closed_paths[origin]], region[new + seam.regions[old:]]])
    ring_class = np.concatenate([classes[closed_paths[origin]], seam.classes[old:]])

    feature_is_open = np.zeros(len(feature), bool)
    feature_is_open[feature[region[open_paths]]] = True
    waits = feature_is_open[feature[ring_region]]
    done, waiting = np.flatnonzero(~waits), np.flatnonzero(waits)
    finished = _Finished(rings.take(done), ring_class[done], ring_region[done], feature, first, marks is not None)
    kept, regions = np.unique(np.concatenate([region[open_paths], ring_region[waiting]]), return_inverse=True)
    below = _Seam(
        pixels=grid[-1],
        chains=borders.take(open_paths),
        head_columns=_by_path(path_of[: graph.first_corner], graph.source_columns, new)[open_paths],
        tail_columns=_by_path(path_of[graph.first_terminal :], graph.terminal_columns, new)[open_paths],
        rings=rings.take(waiting),
        classes=np.concatenate([classes[open_paths], ring_class[waiting]]),
        regions=regions,
        features=np.unique(feature[kept], return_inverse=True)[1],
        first=first[kept],
    )
    return below, finished


def _by_path(paths: Ints, values: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.int32]:
    """The values of some of `count` paths, in the order of paths."""
    result = np.zeros(count, np.int32)
    result[paths] = values
    return result


def _join(seam: _Seam, graph: CornerGraph, paths: Ragged, path_of: Ints) -> tuple[Ragged, Ints]:
    """Corner keys along each path, chains from above included, and each path's class (paths,)."""
    ends = np.zeros(graph.first_corner, np.int64)
    lengths = np.concatenate([ends, graph.kept.astype(np.int64), seam.chains.lengths, ends])
    of_node = Ragged(np.concatenate([graph.keys[graph.kept], seam.chains.values]), offsets_of(lengths))
    joined = of_node.take(paths.values)
    classes = np.zeros(len(paths), seam.pixels.dtype)
    classes[path_of[graph.first_corner : graph.first_chain]] = graph.classes
    classes[path_of[graph.first_chain : graph.first_terminal]] = seam.classes[: len(seam.chains)]
    return Ragged(joined.values, joined.offsets[paths.offsets]), classes


def _regions(seam: _Seam, graph: CornerGraph, paths: int, path_of: Ints, connectedness: int) -> tuple[Ints, Ints]:
    """Which paths bound one region.

    A border that begins like a hole belongs to the region of the border to its left, a chain to the region it
    had.

    Returns:
        the 4-connected region of each path and then of each region of the seam; the feature of each region.
    """
    path_of_corner = path_of[graph.first_corner : graph.first_chain]
    first = np.full(paths, -1, np.int32)
    first[path_of_corner[::-1]] = np.arange(len(path_of_corner) - 1, -1, -1, dtype=np.int32)
    first = first[first >= 0]
    holes = first[graph.begins_hole[first]]
    outer = path_of[graph.borders_left_of(holes)] if len(holes) else holes
    chain_paths = path_of[graph.first_chain : graph.first_terminal]
    count, region = group(
        paths + len(seam.features),
        np.concatenate([path_of_corner[holes], chain_paths]),
        np.concatenate([outer, paths + seam.regions[: len(chain_paths)]]),
    )
    if connectedness == 4:
        return region, np.arange(count)
    one, other = region[path_of_corner[graph.touching]].T
    _, feature = group(
        count + int(seam.features.max(initial=-1)) + 1,
        np.concatenate([one, region[paths:]]),
        np.concatenate([other, count + seam.features]),
    )
    return region, feature[:count]


def _first_corners(seam: _Seam, graph: CornerGraph, region: Ints, path_of: Ints) -> Keys:
    """The corner north-west of the first pixel, by row and column, of each region: its key, (regions,)."""
    first = np.full(int(region.max(initial=-1)) + 1, np.iinfo(np.int64).max, np.int64)
    of_corner = region[path_of[graph.first_corner : graph.first_chain]]
    first[of_corner[::-1]] = graph.keys[::-1]  # the last to write is the lowest
    above = region[len(region) - len(seam.first) :]
    np.minimum.at(first, above, seam.first)
    return first


def _finish(rings: Ragged, classes: Ints, region: Ints, feature: Ints, first: Keys, *, marked: bool) -> PolygonBatch:
    """Sort finished rings into features, the outer ring of each region first, and turn and close them."""
    x, y = key_columns(rings.values), key_rows(rings.values)
    starts = rings.offsets[:-1]
    right, below = np.roll(x, -1), np.roll(y, -1)
    right[rings.offsets[1:] - 1], below[rings.offsets[1:] - 1] = x[starts], y[starts]
    # Positive for outer rings, negative for holes. On noded borders edges lie askew.
    pixels = np.add.reduceat((x + right) * (below - y), starts) / 2
    order = np.lexsort((pixels < 0, region, feature[region]))
    region, pixels = region[order], pixels[order]
    feature = feature[region]

    lengths = rings.lengths[order] + 1
    offsets = offsets_of(lengths)
    # Walk each ring backwards from its first vertex, and end with it again.
    index = np.repeat(starts[order] + lengths - 1 + offsets[:-1], lengths)
    index -= np.arange(offsets[-1])
    index[offsets[:-1]] = starts[order]
    ring_starts = _changes(region)
    polygon_features = feature[ring_starts]
    polygon_starts = _changes(polygon_features)
    first = np.minimum.reduceat(first[region[ring_starts]], polygon_starts)
    return PolygonBatch(
        classes=classes[order][ring_starts][polygon_starts],
        pixels=np.add.reduceat(pixels, ring_starts[polygon_starts]),
        first_pixels=np.stack([key_rows(first), key_columns(first)], axis=1),
        corners=np.stack([x[index], y[index]], axis=1).astype(np.int32),
        ring_offsets=offsets,
        polygon_offsets=np.append(ring_starts, len(region)),
        feature_offsets=np.append(polygon_starts, len(ring_starts)),
        rounded=key_rounded(rings.values[index]) if marked else None,
    )


def _changes(sorted_values: Ints) -> npt.NDArray[np.int64]:
    """Where runs of equal values start."""
    return np.flatnonzero(np.concatenate([[True], sorted_values[1:] != sorted_values[:-1]])[: len(sorted_values)])
