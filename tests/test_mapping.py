import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from tiny_model import CLASSES, random_pixels, tiny_predictor
from told import Told

from geoarseg.errors import InputError, OutputError, SettingsError
from geoarseg.inference import maps
from geoarseg.mapping import segment_images
from geoarseg.settings import Settings

SETTINGS = Settings.model_validate({"segment": {"window_px": 32}})
HEIGHT, WIDTH = 60, 70


@pytest.fixture(scope="module")
def model():
    return tiny_predictor()


@pytest.fixture
def images(make_raster, tmp_path):
    """Two images side by side on one grid, with a gap of no data between them."""
    folder = tmp_path / "in"
    folder.mkdir()
    paths = []
    for number in range(2):
        pixels, valid = random_pixels(HEIGHT, WIDTH, seed=number)
        place = Affine(1, 0, 500_000 + 100 * number, 0, -1, 4_000_000)
        pixels = np.where(valid, pixels, 0).astype("uint8")
        paths.append(str(make_raster(pixels, folder / f"{number}.tif", nodata=0, transform=place)))
    return paths


def segment(images, model, out, **options):
    return segment_images(images, model, out, settings=SETTINGS, **options)


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix == ".tif")


def polygons(path, *boxes):
    """Boxes in metres right of and below the first image's corner."""
    shapes = [
        shapely.box(500_000 + left, 4_000_000 - low, 500_000 + right, 4_000_000 - up) for left, up, right, low in boxes
    ]
    gpd.GeoDataFrame(geometry=shapes, crs="EPSG:32633").to_crs("EPSG:4326").to_file(path)
    return path


def test_many_images_make_one_mosaic(images, model, tmp_path):
    (summary,) = segment(images, model, tmp_path / "mosaic.tif")
    mosaic = read(summary.classes)[0]
    assert mosaic.shape == (HEIGHT, 170)
    assert (mosaic[:, WIDTH:100] == 0).all()
    for number, image in enumerate(images):
        segment([image], model, tmp_path / f"{number}.tif")
        alone = read(tmp_path / f"{number}.tif")[0]
        part = mosaic[:, 100 * number : 100 * number + WIDTH]
        np.testing.assert_array_equal(part > 0, alone > 0)
        inner = slice(model.halo_px, -model.halo_px)  # at the edge, the mosaic sees more
        assert (part[:, inner] != alone[:, inner]).mean() < 0.01


def test_per_image_gives_each_its_rasters_and_goes_on_with_the_next(images, model, tmp_path):
    folders = {name: tmp_path / name for name in ("out", "confidence", "probabilities")}
    options = {"per_image": True, "confidence": folders["confidence"], "probabilities": folders["probabilities"]}
    assert len(segment(images, model, folders["out"], **options)) == 2
    for folder in folders.values():
        assert names(folder) == ["0.tif", "1.tif"]
    assert read(folders["probabilities"] / "1.tif").shape == (CLASSES, HEIGHT, WIDTH)
    (folders["out"] / "1.tif").unlink()
    told = Told()
    assert len(segment(images, model, folders["out"], progress=told, **options)) == 1
    assert told.texts[0].endswith("0.tif is there already.")
    with pytest.raises(OutputError, match=r"0\.tif exists"):
        segment_images(images, tiny_predictor(stride_px=4), folders["out"], settings=SETTINGS, **options)
    assert len(segment(images, model, folders["out"], overwrite=True, **options)) == 2


def test_per_image_checks_all_before_it_begins(images, model, tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "segment_tiles", lambda *_: pytest.fail("work began"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.tif").write_text("precious")
    with pytest.raises(OutputError, match=r"1\.tif exists"):
        segment(images, model, tmp_path / "out", per_image=True)
    assert names(tmp_path / "out") == ["1.tif"]


def test_per_image_needs_distinct_names_and_folders(images, model, tmp_path):
    with pytest.raises(InputError, match="the same name"):
        segment([images[0], images[0]], model, tmp_path / "out", per_image=True)
    with pytest.raises(SettingsError, match="Two outputs are to be in one folder"):
        segment(images, model, tmp_path / "out", per_image=True, probabilities=tmp_path / "out")


def test_an_area_leaves_the_rest_without_data(images, model, tmp_path):
    area = polygons(tmp_path / "area.gpkg", (10, 20, 30, 45))
    segment(images, model, tmp_path / "all.tif")
    segment(images, model, tmp_path / "part.tif", area=area)
    expected = read(tmp_path / "all.tif")[0]
    keep = np.zeros_like(expected, dtype=bool)
    keep[20:45, 10:30] = True
    np.testing.assert_array_equal(read(tmp_path / "part.tif")[0], np.where(keep, expected, 0))


def test_an_area_beside_the_image(images, model, tmp_path):
    area, told = polygons(tmp_path / "area.gpkg", (110, 5, 130, 25)), Told()
    with pytest.raises(InputError, match=r"No polygon of .* touches the image"):
        segment(images[:1], model, tmp_path / "a.tif", area=area)
    assert len(segment(images, model, tmp_path / "out", area=area, per_image=True, progress=told)) == 1
    assert names(tmp_path / "out") == ["1.tif"]
    assert "it gets no raster" in told.texts[0]


def test_a_window_counts_columns_first(images, model, tmp_path):
    segment(images, model, tmp_path / "all.tif")
    segment(images, model, tmp_path / "part.tif", window=(33, 21, 50, 30))
    np.testing.assert_array_equal(read(tmp_path / "part.tif")[0], read(tmp_path / "all.tif")[0, 21:51, 33:83])
    with rasterio.open(tmp_path / "part.tif") as part:
        assert (part.transform.c, part.transform.f) == (500_033, 3_999_979)
    with pytest.raises(SettingsError, match="leaves the image of 170 x 60 px"):
        segment(images, model, tmp_path / "b.tif", window=(150, 0, 50, 10))


def test_images_unlike_the_training_are_told_of_once(images, model, make_raster, tmp_path):
    trained = model.with_card(model.card.model_copy(update={"pixel_m": 10.0}))
    progress = Told()
    segment(images, trained, tmp_path / "out", per_image=True, progress=progress)
    (warning,) = progress.warnings
    assert images[0] in warning
    assert "1 m" in warning
    assert "10 m" in warning
