"""Images: damaged, of odd sizes, types, grids and nodata values."""

import numpy as np
import rasterio
from affine import Affine
from case import GRID, Bench, Case
from rasterio.control import GroundControlPoint


def floats(dtype, *odd):
    pixels = np.random.default_rng(0).normal(100, 40, (3, 40, 50)).astype(dtype)
    for place, value in enumerate(odd):
        pixels[place % 3, 3 * place : 3 * place + 4, :9] = value
    return pixels


def vrt(bench: Bench, nodata: str, dtype="Byte", pixels=None):
    """The image behind a VRT that declares any nodata value, whether the type can hold it or not."""
    image = bench.image(data=(3, 40, 50) if pixels is None else pixels)
    bands = "".join(
        f'<VRTRasterBand dataType="{dtype}" band="{n}"><NoDataValue>{nodata}</NoDataValue><SimpleSource>'
        f'<SourceFilename relativeToVRT="1">{image.name}</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource>'
        "</VRTRasterBand>"
        for n in (1, 2, 3)
    )
    return bench.text("image.vrt", f'<VRTDataset rasterXSize="50" rasterYSize="40">{bands}</VRTDataset>')


def with_control_points(bench: Bench):
    path = bench.image(transform=None, crs=None)
    corners = ((0, 0), (0, 50), (40, 0), (40, 50))
    points = [GroundControlPoint(row, col, 366000 + col, 5809000 - row) for row, col in corners]
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points, rasterio.CRS.from_epsg(32633))
    return path


def masked_jpeg(bench: Bench):
    mask = np.ones((40, 50), bool)
    mask[:9] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = bench.image(compress="jpeg", photometric="ycbcr")
        with rasterio.open(path, "r+") as dataset:
            dataset.write_mask(mask)
    return path


def scaled(bench: Bench):
    path = bench.image()
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.0001, 0.0001, 0.0001), (-0.1, -0.1, -0.1)
    return path


def sparse(bench: Bench):
    path = bench.folder / "image.tif"
    profile = {"driver": "GTiff", "width": 2000, "height": 1000, "count": 3, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", tiled=True, sparse_ok=True, crs="EPSG:32633", transform=GRID, **profile) as dataset:
        dataset.write(np.full((3, 64, 64), 9, np.uint8), window=rasterio.windows.Window(256, 256, 64, 64))
    return path


def palette(bench: Bench):
    path = bench.image(data=(1, 40, 50), photometric="palette")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {value: (value, 255 - value, 0, 255) for value in range(256)})
    return path


def looping(bench: Bench):
    link = bench.folder / "loop.tif"
    link.symlink_to(link)
    return link


def half(content: bytearray) -> bytearray:
    return content[: len(content) // 2]


def scrambled(content: bytearray) -> bytearray:
    content[-1500:-500] = bytes(1000)
    return content


def without_end(content: bytearray) -> bytearray:
    content[4:8] = b"\xff\xff\xff\x7f"  # where the first directory is
    return content


def segmented(make, **options):
    return lambda bench: bench.segment(make(bench), **options)


def pair(**second):
    """Two images of which the second is another one."""
    return lambda bench: bench.segment(bench.image("a.tif"), bench.image("b.tif", **second))


def two_numbers_of_bands(bench: Bench) -> list[str]:
    return bench.run(bench.image("a.tif"), bench.image("b.tif", data=(2, 40, 50), transform=BESIDE))


SHIFTED = GRID * Affine.translation(50.5, 0)
BESIDE = GRID * Affine.translation(50, 0)
PIXELS = floats("float32", np.nan, np.inf, -np.inf)

CASES = [
    Case("cut in half", segmented(lambda b: b.damaged(half)), "annot read"),
    Case("cut in half, compressed", segmented(lambda b: b.damaged(half, compress="deflate")), "annot read"),
    Case("six bytes", segmented(lambda b: b.damaged(lambda content: content[:6])), "cannot read"),
    Case("no bytes", segmented(lambda b: b.text("image.tif", b"")), "cannot read"),
    Case("no raster", segmented(lambda b: b.text("image.tif", b"\x00\xff" * 500)), "cannot read"),
    Case("directory beyond the end", segmented(lambda b: b.damaged(without_end)), "cannot read"),
    Case("damaged block", segmented(lambda b: b.damaged(scrambled, compress="lzw")), "Cannot read"),
    Case("damaged block, run", lambda b: b.run(b.damaged(scrambled, compress="lzw")), "Cannot read"),
    Case("VRT of nothing", segmented(lambda b: b.text("image.vrt", "<VRTDataset/>")), "cannot read"),
    Case("VRT of itself", segmented(lambda b: b.text("image.vrt", VRT_OF_ITSELF)), "annot read"),
    Case("zip of nothing", segmented(lambda b: b.text("image.zip", b"PK\x05\x06" + bytes(18))), "no raster"),
    Case("1 x 1", segmented(lambda b: b.image(data=(3, 1, 1)))),
    Case("1 x 1, run", lambda b: b.run(b.image(data=(3, 1, 1)))),
    Case("1 x 100000", segmented(lambda b: b.image(data=(3, 1, 100_000)))),
    Case("20000 x 1", segmented(lambda b: b.image(data=(3, 20_000, 1)))),
    Case("one band for a model of three", segmented(lambda b: b.image(data=(1, 40, 50))), "There is no band 2"),
    Case("300 bands, run", lambda b: b.run(b.image(data=(300, 4, 5), interleave="band")), "300 bands; at most 20"),
    Case("3 of 300 bands", segmented(lambda b: b.image(data=(300, 9, 9)), more=("--bands", "300,2,1"))),
    Case("band 0", segmented(lambda b: b.image(), more=("--bands", "0,1,2")), "from 1"),
    Case("complex", segmented(lambda b: b.image(data=floats("complex64"))), "complex numbers (complex64)"),
    Case("complex integers", segmented(lambda b: b.image(data=floats("complex64"), stored="complex_int16")), "complex"),
    Case("float64", segmented(lambda b: b.image(data=floats("float64")))),
    Case("beyond float32", segmented(lambda b: b.image(data=floats("float64", 1e300, -1e300)))),
    Case("NaN and infinities", segmented(lambda b: b.image(data=PIXELS))),
    Case("NaN and infinities, run", lambda b: b.run(b.image(data=PIXELS))),
    Case("huge values, run", lambda b: b.run(b.image(data=floats("float32", 3e38, -3e38)))),
    Case("all nodata", segmented(lambda b: b.image(data=np.zeros((3, 40, 50), np.uint8), nodata=0))),
    Case("all nodata, run", lambda b: b.run(b.image(data=np.zeros((3, 40, 50), np.uint8), nodata=0)), "valid"),
    Case("constant", segmented(lambda b: b.image(data=np.full((3, 40, 50), 7, np.uint8)))),
    Case("constant, run", lambda b: b.run(b.image(data=np.full((3, 40, 50), 7, np.uint8)))),
    Case("no CRS", segmented(lambda b: b.image(crs=None))),
    Case("neither CRS nor transform", segmented(lambda b: b.image(crs=None, transform=None))),
    Case("latitudes in metres", segmented(lambda b: b.image(crs="EPSG:4326"))),
    Case("rotated", segmented(lambda b: b.image(transform=GRID * Affine.rotation(30)))),
    Case("south up", segmented(lambda b: b.image(transform=GRID * Affine.scale(1, -1)))),
    Case("control points only", segmented(with_control_points)),
    Case("palette, run", lambda b: b.run(palette(b))),
    Case("JPEG with a mask", segmented(masked_jpeg)),
    Case("1 bit", segmented(lambda b: b.image(data=np.eye(40, 50, dtype=np.uint8)[None].repeat(3, 0), nbits=1))),
    Case("scale and offset", segmented(scaled)),
    Case("sparse", segmented(sparse)),
    Case("-9.2e18 on float32", segmented(lambda b: vrt(b, "-9.2e18", "Float32", floats("float32", -9.2e18)))),
    Case("-9999 on bytes", segmented(lambda b: vrt(b, "-9999"))),
    Case("NaN on bytes", segmented(lambda b: vrt(b, "nan"))),
    Case("1e400 on float32", segmented(lambda b: vrt(b, "1e400", "Float32"))),
    Case("nodata that is no number", segmented(lambda b: vrt(b, "none"))),
    Case("mixed CRS", pair(crs="EPSG:32634", transform=BESIDE), "different coordinate reference systems"),
    Case("mixed bands, run", two_numbers_of_bands, "different numbers of bands"),
    Case("mixed pixel sizes", pair(transform=BESIDE * Affine.scale(2)), "different pixel sizes"),
    Case("half a pixel apart", pair(transform=SHIFTED), "different pixel grids"),
    Case("one of two without a place", pair(transform=None), "no georeference"),
    Case("one of two rotated", pair(transform=BESIDE * Affine.rotation(3)), "rotated"),
    Case("symlink loop", segmented(looping), "loop.tif"),
    Case("folder without rasters", segmented(lambda b: b.text("note.txt", "x").parent), "no raster"),
    Case("NUL in the name", segmented(lambda b: b.folder / "a\0b.tif"), "no file"),
    Case("newline in a missing name", segmented(lambda b: b.folder / "no\nsuch.tif"), "no file"),
    Case("escape codes in a missing name", segmented(lambda b: b.folder / "\x1b[31mred.tif"), "No file"),
    *[
        Case(f"named {name!r}", lambda b, name=name: b.segment(b.image(name)))
        for name in (
            "two words.tif",
            'it\'s "quoted".tif',
            "two\nlines.tif",
            "Übersicht 图.tif",
            "-o.tif",
            "%s{}$(ls).tif",
        )
    ],
]
VRT_OF_ITSELF = (
    '<VRTDataset rasterXSize="9" rasterYSize="9">'
    + "".join(
        f'<VRTRasterBand dataType="Byte" band="{n}"><SimpleSource><SourceFilename relativeToVRT="1">image.vrt'
        f"</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
        for n in (1, 2, 3)
    )
    + "</VRTDataset>"
)
