"""Map quality on labelled scenes: the methods of `geoarseg compare`, at K = classes and four times as many clusters.

Run it as `python benchmarks/quality.py -o FOLDER`. It prints a table in Markdown, a row a method and a column a scene:
one-to-one accuracy at K / many-to-one accuracy at 4K (mean IoU at K), in %, mean ± standard deviation over the seeds. A
run that was cut off goes on where it stopped, and the folder keeps all maps. The synthetic scene is always there; the
others are used when the folder of real rasters is (`--data`).
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from geoarseg.compare import DEFAULT_METHODS, TITLES, compare
from geoarseg.config import load_settings
from geoarseg.datasets.synthetic import make_landscape, write_landscape
from geoarseg.progress import Progress
from geoarseg.raster.source import open_quietly

GAP_PX = 16  # nodata between patches that are put into one raster
NODATA = -1.0


@dataclass(frozen=True)
class Scene:
    """An image with labels."""

    name: str
    images: list[str]
    """Paths; several make one mosaic."""
    labels: list[str]
    classes: int
    """K: as many as the labels have."""


class Lines(Progress):
    """One line a trial."""

    def message(self, text):
        """Print it."""
        print(f"  {text}", flush=True)


def synthetic(folder):
    """The built-in scene."""
    files = write_landscape(folder, make_landscape(512, 512, seed=0), overwrite=True)
    return Scene("synthetic", [str(files.image)], [str(files.labels)], 6)


def halved(source, folder, classes):
    """A picture at half its resolution: 2 x 2 means of the image, every second label."""
    image, labels = read(source / "image.png")[:3], read(source / "label.png")[0]
    bands, height, width = image.shape
    means = image.reshape(bands, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return written(source.name, folder, means, labels[::2, ::2], classes)


def side_by_side(source, folder, classes):
    """Patches without a georeference, in one row with nodata between."""
    paths = sorted(source.glob("*_rgbn.tif"))
    images = [read(path) for path in paths]
    labels = [read(path.with_name(path.name.replace("rgbn", "label")))[0] for path in paths]
    bands, height, width = images[0].shape
    whole = np.full((bands, height, (width + GAP_PX) * len(paths) - GAP_PX), NODATA)
    classes_of = np.zeros(whole.shape[1:])
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        first = number * (width + GAP_PX)
        whole[:, :, first : first + width], classes_of[:, first : first + width] = image, label
    return written(source.name, folder, whole, classes_of, classes)


def tiles(source, classes):
    """Tiles that know where they lie."""
    paths = sorted(source.glob("*_rgbn.tif"))
    return Scene(source.name, [*map(str, paths)], [str(p).replace("rgbn", "label") for p in paths], classes)


def read(path):
    """All bands (band, y, x) of a file."""
    with open_quietly(path) as file:
        return file.read().astype(np.float32)


def written(name, folder, image, labels, classes):
    """A scene of these arrays, in two files."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, values, dtype, nodata in (
        ("image.tif", image, "float32", NODATA),
        ("labels.tif", labels[None], "uint8", None),
    ):
        count, height, width = values.shape
        shape = {"count": count, "height": height, "width": width}
        # A transform that says nothing but "one unit a pixel": image and labels lie on each other.
        place = {"transform": Affine(1, 0, 0, 0, -1, height), "nodata": nodata}
        with rasterio.open(folder / file, "w", driver="GTiff", dtype=dtype, **shape, **place) as target:
            target.write(values.astype(dtype))
    return Scene(name, [str(folder / "image.tif")], [str(folder / "labels.tif")], classes)


def scenes(data, out):
    """All scenes that there are."""
    yield synthetic(out / "scenes" / "synthetic")
    if not data.is_dir():
        print(f"No real rasters at {data}: the synthetic scene alone.")
        return
    for name, classes in (("potsdam_rgb_5cm", 5), ("loveda_rgb_30cm", 6)):
        yield halved(data / name, out / "scenes" / name, classes)
    yield tiles(data / "potsdam_enmap_30m", 6)
    yield side_by_side(data / "naip_rgbn_1m", out / "scenes" / "naip_rgbn_1m", 4)


def figure(trials, name, digits=1):
    """Mean and spread of a share over the seeds, in %."""
    values = [100 * getattr(trial, name) for trial in trials]
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


def cell(at_k, at_4k=()):
    """What the table says of a method on a scene; a dash where it was not run at 4K."""
    seconds = statistics.mean(trial.seconds for trial in at_k)
    iou = f"{100 * statistics.mean(trial.mean_iou for trial in at_k):.0f}"
    many = figure(at_4k, "many_to_one") if at_4k else "-"
    return f"{figure(at_k, 'one_to_one')} / {many} ({iou}), {seconds:.0f} s"


def main():
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, help="keeps the trials")
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder of the real rasters")
    parser.add_argument("--methods", default=",".join(DEFAULT_METHODS))
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--scenes", default="", help="some of them, by the beginning of their names")
    parser.add_argument("--factors", default="1,4", help="clusters for each class: at K, at 4K")
    parser.add_argument("--minutes", type=float, default=5, help="longest training of a network")
    parser.add_argument("--set", action="append", default=[], help="a setting: train.steps=400; in a folder of its own")
    options = parser.parse_args()
    methods, seeds = options.methods.split(","), [int(seed) for seed in options.seeds.split(",")]
    settings = load_settings(overrides=[f"train.time_limit_s={60 * options.minutes}", *options.set])
    wanted = tuple(options.scenes.split(","))
    chosen = [scene for scene in scenes(options.data, options.out) if scene.name.startswith(wanted)]
    columns = {scene.name: [] for scene in chosen}
    factors = [int(factor) for factor in options.factors.split(",")]
    for factor in factors:
        for scene in chosen:
            print(f"{scene.name}, {factor * scene.classes} clusters", flush=True)
            result = compare(
                scene.images,
                scene.labels,
                options.out / f"{scene.name}-{factor * scene.classes}",
                settings=settings,
                classes=factor * scene.classes,
                methods=methods,
                seeds=seeds,
                progress=Lines(),
            )
            columns[scene.name].append(result.trials)
    print(f"\n| method | {' | '.join(columns)} |\n{'|---' * (1 + len(columns))}|")
    for method in methods:
        cells = [cell(*([t for t in part if t.method == method] for part in both)) for both in columns.values()]
        print(f"| {TITLES[method]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
