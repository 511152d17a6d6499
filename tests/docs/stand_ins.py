"""Small files in the place of those that the documents speak of: an image, its tiles and labels, a finished run."""

from pathlib import Path

import geopandas
import numpy as np
import rasterio
from PIL import Image
from rasterio.windows import Window
from rasterio.windows import transform as transform_of
from shapely.geometry import Point, box

from geoarseg.cli.main import run_command
from geoarseg.datasets.synthetic import make_landscape, write_landscape
from geoarseg.raster.potsdam_colours import encode_colours

SIZE_PX = 64


def write_stand_ins(folder: Path) -> None:
    """Fill an empty folder, which must be the current one."""
    for name, seed in (("ortho", 0), ("other", 1)):
        files = write_landscape(folder / name, make_landscape(SIZE_PX, SIZE_PX, seed=seed))
        files.image.rename(folder / f"{name}.tif")
        files.labels.rename(folder / ("labels.tif" if name == "ortho" else "other_labels.tif"))
    (folder / "tiles").mkdir()
    for name, row in (("a", 0), ("b", SIZE_PX // 2)):
        _cut(folder / "ortho.tif", Window(0, row, SIZE_PX, SIZE_PX // 2), folder / "tiles" / f"{name}.tif")
    _write_labels(folder)
    _write_potsdam(folder / "SRC")
    _write_coco_stuff(folder / "SRC")
    consensus = ["--set", "train.objective=consensus", "--set", "train.overclustering=2"]
    _call("run", "ortho.tif", "-o", "out", *consensus)
    _call("segment", "other.tif", "-m", "out/model.safetensors", "-o", "other_classes.tif")
    _call("vectorize", "other_classes.tif", "-o", "other_classes.gpkg")
    _call("data", "prepare", "potsdam", "SRC", "potsdam", "--paper-split")
    for name in ("model.safetensors", "classes.tif", "confidence.tif"):
        (folder / name).write_bytes((folder / "out" / name).read_bytes())


def _call(*words: str) -> None:
    assert run_command([*words, "--quiet"]) == 0, words


def _cut(source: Path, window: Window, target: Path) -> None:
    with rasterio.open(source) as dataset:
        profile = dataset.profile | {"height": window.height, "width": window.width, "blockysize": 16}
        profile["transform"] = transform_of(window, dataset.transform)
        with rasterio.open(target, "w", **profile) as part:
            part.write(dataset.read(window=window))
            part.descriptions = dataset.descriptions


def _write_labels(folder: Path) -> None:
    """Points and polygons that have the class of the labels below them."""
    with rasterio.open(folder / "labels.tif") as dataset:
        labels, at, crs = dataset.read(1), dataset.transform, dataset.crs
    places = [(row, col) for row in range(4, SIZE_PX, 8) for col in range(4, SIZE_PX, 8) if labels[row, col]]
    classes = [f"class {labels[place]}" for place in places]
    points = [Point(*(at @ (col + 0.5, row + 0.5))) for row, col in places]
    fields = [box(*(at @ (col, row + 2)), *(at @ (col + 2, row))) for row, col in places]
    geopandas.GeoDataFrame({"class": classes}, geometry=points, crs=crs).to_file(folder / "points.gpkg")
    geopandas.GeoDataFrame({"class": classes}, geometry=points, crs=crs).to_file(folder / "sample.gpkg")
    geopandas.GeoDataFrame({"crop": classes}, geometry=fields, crs=crs).to_file(folder / "fields.gpkg")


def _write_potsdam(folder: Path) -> None:
    """Two tiles of 400 pixels with labels: one crop each."""
    rng = np.random.default_rng(0)
    for place in ("2_10", "6_7"):
        classes = np.kron(rng.integers(1, 7, (50, 50), dtype=np.uint8), np.ones((8, 8), dtype=np.uint8))
        pixels = rng.integers(0, 256, (4, *classes.shape), dtype=np.uint8)
        files = {"4_Ortho_RGBIR": ("RGBIR", pixels), "5_Labels_all": ("label", encode_colours(classes))}
        for name, (suffix, image) in files.items():
            path = folder / name / f"top_potsdam_{place}_{suffix}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            shape = {"count": len(image), "height": image.shape[1], "width": image.shape[2], "dtype": "uint8"}
            with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32633", **shape) as dataset:
                dataset.write(image)


def _write_coco_stuff(folder: Path) -> None:
    """A photograph of sky above grass in each split."""
    sky, grass = 156, 123
    labels = np.full((384, 384), sky, dtype=np.uint8)
    labels[192:] = grass
    for split in ("train2017", "val2017"):
        for path, pixels in ((folder / split, labels), (folder / "stuffthingmaps" / split, labels)):
            path.mkdir(parents=True)
            Image.fromarray(pixels).convert("RGB" if path.parent == folder else "L").save(
                path / ("1.jpg" if path.parent == folder else "1.png")
            )
