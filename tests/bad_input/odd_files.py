"""Models, settings, vectors, labels and class rasters: damaged, foreign, hostile."""

import json
import pickle
import struct

import geopandas
import numpy as np
import shapely
from case import Bench, Case
from safetensors.numpy import save


class Malicious:
    """A pickle of it would run a program."""

    def __reduce__(self):
        return print, ("executed",)


def model_with(change):
    """An image and a model whose card `change` alters in place."""

    def arguments(bench: Bench) -> list[str]:
        path = bench.model()
        content = path.read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        card = json.loads(header["__metadata__"]["geoarseg"])
        change(card)
        header["__metadata__"]["geoarseg"] = json.dumps(card)
        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
        return bench.segment(bench.image(), model=path)

    return arguments


def model_of(content: bytes):
    return lambda bench: bench.segment(bench.image(), model=bench.text("model.safetensors", content))


def cut_model(bench: Bench) -> list[str]:
    path = bench.model()
    path.write_bytes(path.read_bytes()[:-100])
    return bench.segment(bench.image(), model=path)


def config(content: str | bytes, name="settings.yaml"):
    return lambda bench: bench.run(bench.image(), more=("--config", str(bench.text(name, content))))


def area(geometries, crs="EPSG:32633", name="area.gpkg"):
    def arguments(bench: Bench) -> list[str]:
        path = bench.folder / name
        geopandas.GeoDataFrame({"n": range(len(geometries))}, geometry=geometries, crs=crs).to_file(path)
        return bench.segment(bench.image(), more=("--aoi", str(path)))

    return arguments


def classes(bench: Bench):
    return bench.image("classes.tif", np.random.default_rng(0).integers(0, 4, (1, 40, 50)).astype(np.uint8), nodata=0)


def scored(make, more=()):
    return lambda bench: ["evaluate", str(classes(bench)), "--labels", str(make(bench)), *more]


def label_layer(bench: Bench):
    path = bench.folder / "labels.gpkg"
    box = shapely.box(366016, 5809950, 366030, 5809960)
    geopandas.GeoDataFrame({"kind": ["a"]}, geometry=[box], crs="EPSG:32633").to_file(path)
    return path


def bomb(name: str) -> str:
    """Nine lists of nine of the next: a thousand million entries if it is written out."""
    lists = ["&x0 [0, 0, 0, 0, 0, 0, 0, 0, 0]"]
    lists += [f"&x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 10)]
    return f"{name}: [[{', '.join(lists)}, *x9]]"


def shape(card):
    card["network"] |= {"form": "F5", "width": 1024, "stride_px": 32}


BOX = shapely.box(366016, 5809950, 366030, 5809960)
BOW_TIE = shapely.Polygon([(366016, 5809950), (366030, 5809960), (366030, 5809950), (366016, 5809960)])

MODELS = [
    Case("model cut", cut_model, "not a safetensors file"),
    Case("model of no bytes", model_of(b""), "not a safetensors file"),
    Case("model that is a pickle", model_of(pickle.dumps(Malicious())), "not a safetensors file"),
    Case("model whose header is huge", model_of(struct.pack("<Q", 2**63) + b"{}"), "not a safetensors file"),
    Case("model of others", model_of(save({"w": np.zeros(3, np.float32)})), "not written by geoarseg"),
    Case("model that is missing", lambda b: b.segment(b.image(), model=b.folder / "none"), "no model file"),
    Case("model that is a folder", lambda b: b.segment(b.image(), model=b.folder), "no model file"),
    Case("model that is the image", lambda b: b.segment(b.image(), model=b.image("m.tif")), "not a safetensors file"),
    Case("model of four bands", lambda b: b.segment(b.image(), model=b.model(bands=4)), "There is no band 4"),
    Case("model of the future", model_with(lambda card: card.update(format=99)), "another version"),
    Case("model with a further key", model_with(lambda card: card.update(run="os.system")), "another version"),
    Case("card of a giant network", model_with(shape), "weights"),
    Case("card with a scale of 0", model_with(lambda card: card.update(scale=[0, 1, 1])), "scale is not positive"),
    Case("card with NaN", model_with(lambda card: card.update(centre=[float("nan")] * 3)), "cannot be used"),
    Case("card without a legend's colours", model_with(lambda card: card.update(legend=[{"value": 1}])), "legend"),
    Case("card of 1e9 classes", model_with(lambda card: card.update(classes=10**9)), "classes"),
]
SETTINGS = [
    Case("YAML bomb as a number", config(bomb("classes")), "classes"),
    Case("YAML bomb as a section", config(bomb("segment")), "segment"),
    Case("YAML bomb as a list", config(bomb("bands")), "bands"),
    Case("YAML that holds itself", config("train: &a {steps: *a}"), "steps"),
    Case("YAML that is its own section", config("train: &a\n  train: *a\nbase: b.yaml\n"), "b.yaml"),
    Case("YAML 5000 brackets deep", config("classes: " + "[" * 5000), "settings.yaml"),
    Case("YAML that makes objects", config("classes: !!python/object/apply:os.getcwd []"), "not valid YAML"),
    Case("YAML of 5 MB", config("# " + "x" * 5_000_000), "settings.yaml"),
    Case("YAML of odd bytes", config(b"classes: \xff\xfe"), "cannot be read"),
    Case("YAML with a key of many lines", config('"two\\nlines": 3'), "no setting"),
    Case("YAML with a key that is a list", config("? [1, 2]\n: 3"), "not valid YAML"),
    Case("YAML with a number as key", config("3: 4"), "strings"),
    Case("settings in a folder", lambda b: b.run(b.image(), more=("--config", str(b.folder))), "cannot be read"),
    Case("a number of 5000 digits", config("classes: " + "9" * 5000), "digits"),
    Case("steps that are infinite", config("train: {steps: .inf}"), "steps"),
    Case("--set of rubbish", lambda b: b.run(b.image(), more=("--set", "train={[")), "not valid YAML"),
    Case("--set of a section", lambda b: b.run(b.image(), more=("--set", "train=3")), "train"),
]
VECTORS = [
    Case("area that is no layer", lambda b: b.segment(b.image(), more=("--aoi", str(b.text("a.gpkg", "x")))), "a.gpkg"),
    Case("area that is a raster", lambda b: b.segment(b.image(), more=("--aoi", str(b.image("a.tif")))), "a.tif"),
    Case("area that is missing", lambda b: b.segment(b.image(), more=("--aoi", "none.gpkg")), "none.gpkg"),
    Case("area of no features", area([]), "area.gpkg"),
    Case("area elsewhere", area([shapely.box(0, 0, 1, 1)]), "touches the image"),
    Case("area of points", area([shapely.Point(366020, 5809955)]), "area.gpkg"),
    Case("area of a bow tie", area([BOW_TIE])),
    Case("area of a box and an empty polygon", area([BOX, shapely.Polygon()])),
    Case(
        "labels of no features",
        scored(lambda b: b.text("l.geojson", '{"type":"FeatureCollection","features":[]}')),
        "l.geojson",
    ),
    Case("labels of broken JSON", scored(lambda b: b.text("l.geojson", '{"type":')), "l.geojson"),
    Case("labels without the field", scored(label_layer, ("--field", "nope")), "nope"),
    Case("labels without the layer", scored(label_layer, ("--layer", "nope", "--field", "kind")), "nope"),
    Case("labels of real numbers", scored(lambda b: b.image("l.tif", np.full((1, 40, 50), 1.5, np.float32))), "l.tif"),
    Case("labels that are missing", scored(lambda b: b.folder / "none.tif"), "none.tif"),
    Case(
        "labels without any label",
        scored(lambda b: b.image("l.tif", np.zeros((1, 40, 50), np.uint8), nodata=0)),
        "label",
    ),
    Case("polygons of an image", lambda b: b.vectorize(b.image()), "has 3 bands"),
    Case(
        "polygons of real numbers", lambda b: b.vectorize(b.image(data=np.ones((1, 4, 4), np.float32))), "whole numbers"
    ),
    Case("polygons of values over 255", lambda b: b.vectorize(b.image(data=np.full((1, 4, 4), 999, np.int16))), "999"),
    Case(
        "polygons of a cut raster",
        lambda b: b.vectorize(b.damaged(lambda c: c[:-900], data=(1, 40, 50))),
        "cannot be read",
    ),
    Case("polygons of a symlink loop", lambda b: b.vectorize(loop(b)), "loop.tif"),
    Case("polygons of no data", lambda b: b.vectorize(b.image(data=np.zeros((1, 9, 9), np.uint8), nodata=0))),
    Case("polygons of one pixel", lambda b: b.vectorize(b.image(data=np.ones((1, 1, 1), np.uint8)))),
    Case("polygons in an unknown format", lambda b: b.vectorize(classes(b), name="layer.xyz"), ".gpkg"),
    Case(
        "polygons in a name of two lines",
        lambda b: b.vectorize(classes(b), name="two\nlines.fgb"),
        "could not be written",
    ),
    Case("polygons in a name of quotes", lambda b: b.vectorize(classes(b), name='it\'s "quoted".gpkg')),
    Case("a legend that is no class", lambda b: ["legend", str(classes(b)), "--rename", "300=x"], "300"),
    Case("a legend of a text", lambda b: ["legend", str(b.text("a.tif", "x")), "--rename", "1=x"], "a.tif"),
    Case("info of a text", lambda b: ["info", str(b.text("a.tif", "x"))], "cannot read"),
]


def loop(bench: Bench):
    link = bench.folder / "loop.tif"
    link.symlink_to(link)
    return link


CASES = [*MODELS, *SETTINGS, *VECTORS]
