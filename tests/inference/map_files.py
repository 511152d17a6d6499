"""Maps of random scenes, and what lies in their files."""

import numpy as np
import rasterio
from tiny_model import random_pixels

from geoarseg.inference import maps
from geoarseg.inference.maps import MapPaths, write_maps
from geoarseg.models import legend_of
from geoarseg.raster.scene import open_scene
from geoarseg.settings import SegmentSettings

HEIGHT, WIDTH, WINDOW_PX = 90, 110, 32
SETTINGS = SegmentSettings(window_px=WINDOW_PX)


def make_scene(make_raster, height=HEIGHT, width=WIDTH, seed=0):
    pixels, valid = random_pixels(height, width, seed)
    return open_scene(make_raster(np.where(valid, pixels, 0).astype("uint8"), nodata=0))


def paths_in(folder):
    return MapPaths(folder / "classes.tif", folder / "confidence.tif", folder / "probabilities.tif")


def write(scene, model, paths, **options):
    return write_maps(scene, model, paths, **({"legend": legend_of(model), "settings": SETTINGS} | options))


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def files(folder):
    """Bytes of all files by name, those in hidden folders too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Stopping:
    """Ends a segmentation after some windows, or counts them."""

    def __init__(self, monkeypatch, stop_after=None, fault=KeyboardInterrupt):
        real = maps.segment_tiles
        self.windows = 0

        def segment_tiles(*args):
            for done in real(*args):
                if self.windows == stop_after:
                    raise fault
                self.windows += 1
                yield done

        monkeypatch.setattr(maps, "segment_tiles", segment_tiles)
