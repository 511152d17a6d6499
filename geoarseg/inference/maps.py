"""From a scene and a model to the rasters on disk: classes, and confidence on request, in one pass."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from geoarseg.inference.predictor import Predictor
from geoarseg.inference.stream import NODATA_CONFIDENCE, segment_windows
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, output_error
from geoarseg.raster.cog import write_cog
from geoarseg.raster.legend import Legend
from geoarseg.raster.scene import Scene
from geoarseg.raster.window import Window, tile_grid


@dataclass(frozen=True)
class MapSummary:
    """What a segmentation made."""

    classes: Path
    """The class raster."""
    confidence: Path | None
    """The confidence raster, if one was asked for."""
    pixels: tuple[int, ...]
    """Pixels by class value, from 0 (no data) to K."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the valid pixels of each class 1..K."""
        valid = max(sum(self.pixels[1:]), 1)
        return tuple(count / valid for count in self.pixels[1:])


def write_maps(
    scene: Scene,
    predictor: Predictor,
    path: Path,
    *,
    legend: Legend,
    confidence_path: Path | None = None,
    window_px: int = 1024,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MapSummary:
    """Segment a scene into a class raster and, if `confidence_path` is given, a confidence raster.

    Raises:
        InputError: the scene does not fit the model, or cannot be read.
        OutputError: an output exists, or cannot be written.
    """
    path = check_output_path(path, overwrite)
    counts = np.zeros(256, dtype=np.int64)
    grid = {"height": scene.height, "width": scene.width, "crs": scene.crs, "transform": scene.transform}
    if confidence_path is None:
        windows = segment_windows(scene, predictor, window_px=window_px, progress=progress)
        write_cog(
            path,
            ((w.window, _count(w.classes, counts)) for w in windows),
            legend=legend,
            overwrite=overwrite,
            **grid,
        )
    else:
        check_output_path(confidence_path, overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{confidence_path.name}.tmp-") as folder:
            try:
                with open(Path(folder) / "percent", "wb") as file:
                    for _ in range(scene.height):  # a full disk must show here: a mapped write would end the process
                        file.write(bytes(scene.width))
                kept = np.memmap(Path(folder) / "percent", np.uint8, "r+", shape=(scene.height, scene.width))
            except OSError as error:
                raise output_error(confidence_path, error) from error

            def blocks() -> Iterator[tuple[Window, npt.NDArray[np.uint8]]]:
                for done in segment_windows(scene, predictor, window_px=window_px, progress=progress):
                    kept[done.window.slices] = done.confidence
                    yield done.window, _count(done.classes, counts)

            write_cog(path, blocks(), legend=legend, overwrite=overwrite, **grid)
            tiles = tile_grid(scene.height, scene.width, core_px=1024, halo_px=0, stride_px=1)
            write_cog(
                confidence_path,
                ((tile.core, np.asarray(kept[tile.core.slices])) for tile in tiles),
                nodata=NODATA_CONFIDENCE,
                overview_resampling="average",
                overwrite=overwrite,
                **grid,
            )
            del kept
    return MapSummary(path, confidence_path, tuple(counts[: predictor.classes + 1].tolist()))


def _count(classes: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    counts += np.bincount(classes.ravel(), minlength=256)
    return classes
