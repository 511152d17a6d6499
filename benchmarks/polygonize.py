"""Claim: polygonizing a class map is as fast as gdal_polygonize.py and three times as fast as the plain way.

    python benchmarks/polygonize.py [--size N] [--smoothing 2.7] [--ending .gpkg] [--repeat N] [--keep FOLDER]

Each way turns the same class raster into a GeoPackage with its spatial index, in a process of its own, so
that its peak memory is its own too. The maps: noise, smoothed and cut into six classes (at the default of
10000 x 10000 some 2.2 million polygons), and the reference raster of Potsdam where it is present. The plain way
is what one writes first: rasterio.features.shapes over the whole raster, shapely, GeoDataFrame.to_file. Ours
also goes with `--simplify` of two pixels and `--smooth`, for its cost; nothing is compared to that.

gdal_polygonize.py (3.6) writes a GeoPackage without transactions, which costs it most of its time; with
`--ending .fgb` the tracing is compared rather than SQLite.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).resolve().parents[2] / "shared/data/potsdam_landcover_reference_1m.tif"
DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf"}
TWO = "geoarseg, 2 workers"
WAYS = ("geoarseg", TWO, "plain", "gdal_polygonize.py")
CLEANED = "geoarseg, cleaned"
CLAIMS = {"gdal_polygonize.py": "1.0, with 2 workers 1.7", "plain": "3.0"}  # times as long as ours


def main() -> None:
    """Compare all ways, or, as a child process, go one of them."""
    args = _arguments()
    if args.way:
        _child(args.way, args.raster, args.output)
        return
    folder = Path(args.keep or tempfile.mkdtemp(prefix="polygonize-"))
    folder.mkdir(exist_ok=True)
    try:
        rasters = {f"dense {args.size} x {args.size}": _dense_raster(folder, args.size, args.smoothing)}
        if REFERENCE.exists():
            rasters["reference 6600 x 12000"] = REFERENCE
        for name, raster in rasters.items():
            print(f"\n{name}")
            _compare(raster, folder, args.ending, args.repeat)
    finally:
        if not args.keep:
            shutil.rmtree(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000, help="side of the dense map in pixels")
    parser.add_argument("--smoothing", type=float, default=2.7, help="standard deviation of its blur in pixels")
    parser.add_argument("--ending", choices=list(DRIVERS), default=".gpkg", help="vector format")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each way; the fastest counts")
    parser.add_argument("--keep", help="work in this folder and keep it")
    parser.add_argument("--way", choices=(*WAYS, CLEANED), help=argparse.SUPPRESS)
    parser.add_argument("--raster", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _dense_raster(folder: Path, size: int, smoothing: float) -> Path:
    import rasterio
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    best, classes = np.full((size, size), -np.inf, np.float32), np.zeros((size, size), np.uint8)
    for value in range(1, 7):
        layer = gaussian_filter(rng.standard_normal((size, size), np.float32), smoothing)
        classes[layer > best] = value
        np.maximum(best, layer, out=best)
    path = folder / "dense.tif"
    profile = {
        "driver": "GTiff", "height": size, "width": size, "count": 1, "dtype": "uint8", "nodata": 0,
        "crs": "EPSG:32633", "transform": rasterio.Affine(0.5, 0, 360000, 0, -0.5, 5810000),
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(classes, 1)
    return path


def _compare(raster: Path, folder: Path, ending: str, repeat: int) -> None:
    results = {}
    outputs = {way: folder / f"way{number}{ending}" for number, way in enumerate(WAYS)}
    for way in WAYS:
        if way == "gdal_polygonize.py" and shutil.which(way) is None:
            print(f"  {way:20} is not installed: left out")
            continue
        runs = [_run(way, raster, outputs[way]) for _ in range(repeat)]
        results[way] = best = min(runs, key=lambda run: run["seconds"])
        claim = f"  (claimed on the dense map: {CLAIMS[way]} x)" if way in CLAIMS else ""
        memory = f"{best['memory_mb']:6.0f} MB at the peak"
        print(f"  {way:20} {best['seconds']:8.1f} s  {_ratios(best, results)}  {memory}{claim}")
    counts = {way: _contents(outputs[way]) for way in results}
    for way, (count, areas) in counts.items():
        assert count == counts["geoarseg"][0], f"{way}: {count} polygons, geoarseg {counts['geoarseg'][0]}"
        assert np.allclose(areas, counts["geoarseg"][1], rtol=1e-9), f"{way}: other areas than geoarseg"
    print(f"  the same {counts['geoarseg'][0]} polygons, the same areas")
    cleaned = folder / f"cleaned{ending}"
    run = _run(CLEANED, raster, cleaned)
    assert _contents(cleaned)[0] == counts["geoarseg"][0], "cleaning lost polygons"
    print(f"  {CLEANED:20} {run['seconds']:8.1f} s                    {run['memory_mb']:6.0f} MB at the peak")


def _ratios(run: dict[str, float], results: dict[str, dict[str, float]]) -> str:
    """How many times as long as ours with one worker, and with two, a way takes."""
    ours = (results[way]["seconds"] for way in ("geoarseg", TWO) if way in results)
    return " ".join(f"{run['seconds'] / seconds:6.2f} x" for seconds in ours).ljust(17)


def _run(way: str, raster: Path, output: Path) -> dict[str, float]:
    output.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--way", way, "--raster", str(raster), "--output", str(output)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _child(way: str, raster: Path, output: Path) -> None:
    """Work, and print seconds and peak memory as JSON; only gdal_polygonize.py is timed with its start."""
    ways = {
        "geoarseg": _geoarseg,
        TWO: _with_two_workers,
        CLEANED: _cleaned,
        "plain": _plain,
        "gdal_polygonize.py": _gdal_polygonize,
    }
    job = ways[way](raster, output)
    started = time.perf_counter()
    job()
    seconds = time.perf_counter() - started
    if way == "gdal_polygonize.py":
        peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    else:  # getrusage would count the parent's memory, from which this process was forked
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak_kb = int(status.split("VmHWM:")[1].split()[0])
    if way == TWO:
        peak_kb += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"seconds": seconds, "memory_mb": peak_kb / 1024}))


def _geoarseg(raster: Path, output: Path, **cleaning: float):
    from geoarseg.settings import PolygonSettings
    from geoarseg.vector.source import open_class_raster
    from geoarseg.vector.vectorize import vectorize_raster

    def job() -> None:
        with open_class_raster(raster) as source:
            vectorize_raster(source, output, settings=PolygonSettings(**cleaning))

    return job


def _with_two_workers(raster: Path, output: Path):
    return _geoarseg(raster, output, workers=2)


def _cleaned(raster: Path, output: Path):
    import rasterio

    with rasterio.open(raster) as file:
        pixel_m = abs(file.transform.a)
    return _geoarseg(raster, output, simplify_m=2 * pixel_m, smooth=True)


def _plain(raster: Path, output: Path):
    import geopandas as gpd
    import rasterio
    import rasterio.features
    from shapely.geometry import shape

    def job() -> None:
        with rasterio.open(raster) as file:
            classes, transform, crs = file.read(1), file.transform, file.crs
        shapes = list(rasterio.features.shapes(classes, mask=classes != 0, transform=transform))
        frame = gpd.GeoDataFrame(
            {"class": [int(value) for _, value in shapes]}, geometry=[shape(s) for s, _ in shapes], crs=crs
        )
        frame["area_m2"] = frame.area
        frame.to_file(output, driver=DRIVERS[output.suffix])

    return job


def _gdal_polygonize(raster: Path, output: Path):
    def job() -> None:
        command = [
            "gdal_polygonize.py",
            "-q",
            str(raster),
            "-f",
            DRIVERS[output.suffix],
            str(output),
            output.stem,
            "class",
        ]
        subprocess.run(command, check=True)

    return job


def _contents(layer: Path) -> tuple[int, np.ndarray]:
    """Number of polygons and their sorted areas, without polygons of no data, which GDAL may add."""
    import pyogrio
    import shapely

    counts, areas = 0, []
    name = pyogrio.list_layers(layer)[0, 0]
    with pyogrio.open_arrow(layer, layer=name, columns=["class"], use_pyarrow=True) as (meta, reader):
        for record in reader:
            geometry = record.column(meta["geometry_name"] or "wkb_geometry").to_numpy(zero_copy_only=False)
            keep = record.column("class").to_numpy(zero_copy_only=False) != 0
            areas.append(shapely.area(shapely.from_wkb(geometry[keep])))
            counts += int(keep.sum())
    return counts, np.sort(np.concatenate(areas))


if __name__ == "__main__":
    main()
