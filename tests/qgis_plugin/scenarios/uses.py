"""The ways in which people come: a map service, an address, the Python console, a model, the environment's window."""

import http.server
import os
import sys
import threading
from pathlib import Path

from harness import QgsProject, Window, files_under, load_plugin, say, start_qgis
from osgeo import gdal
from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop
from qgis.PyQt.QtGui import QColor, QImage

image, folder = sys.argv[1], Path(sys.argv[2])
application = start_qgis()
plugin = load_plugin(Window())
import processing  # noqa: E402 -- is there only once Processing is

told = {}
small = {
    "CLASSES": 3,
    "QUALITY": 0,
    "DEVICE": 1,
    "STEPS": 3,
    "SETTINGS": "train.objective=ac\ntrain.batch=2\ntrain.crop_px=32",
    "LOAD": False,
}


def attempt(name, parameters):
    """What the console gets of an algorithm: its results, or the text of what is wrong."""
    try:
        return processing.run(name, parameters)
    except Exception as error:
        return str(error)


# ---- a layer of tiles, as of a map service: one tile for the whole world, red in the west and green in the east
tile = QImage(256, 256, QImage.Format.Format_RGB32)
for x in range(256):
    for y in range(256):
        tile.setPixelColor(
            x, y, QColor(200 - y // 8, 10 + x % 7, 20) if x < 128 else QColor(10, 200 - y // 8, 30 + x % 5)
        )
(folder / "tiles" / "0" / "0").mkdir(parents=True)
tile.save(str(folder / "tiles" / "0" / "0" / "0.png"))
address = (folder / "tiles").as_uri() + "/{z}/{x}/{y}.png"
service = QgsRasterLayer(f"type=xyz&url={address}&zmax=0&zmin=0", "tiles", "wms")
QgsProject.instance().addMapLayer(service)
world = "-20000000,20000000,-20000000,20000000 [EPSG:3857]"
told["service valid"] = service.isValid()
told["service refused"] = attempt("geoarseg:run", {**small, "INPUT": service, "OUTPUT": str(folder / "no")})
told["service too large"] = attempt(
    "geoarseg:run", {**small, "INPUT": service, "RESOLUTION": 1, "OUTPUT": str(folder / "no")}
)
made = attempt(
    "geoarseg:run",
    {**small, "INPUT": service, "RESOLUTION": 300000, "EXTENT": world, "OUTPUT": str(folder / "service")},
)
told["service"] = made
if isinstance(made, dict):
    classes = gdal.Open(made["CLASSES_RASTER"])
    told["service size"] = [classes.RasterXSize, classes.RasterYSize]
    told["service files"] = files_under(folder / "service")

# ---- an image by its address


class Ranges(http.server.BaseHTTPRequestHandler):
    """A server of one file, whole or in parts, as GDAL asks for."""

    def log_message(self, *words):
        pass

    def do_HEAD(self):
        self.answer(b"" if self.path == "/image.tif" else None, Path(image).stat().st_size)

    def do_GET(self):
        content = Path(image).read_bytes()
        first, last = 0, len(content) - 1
        if "Range" in self.headers:
            first, last = (int(word or last) for word in self.headers["Range"].partition("=")[2].split("-"))
        part = content[first : last + 1]
        self.answer(
            part if self.path == "/image.tif" else None, len(part), (first, first + len(part) - 1, len(content))
        )

    def answer(self, body, length, part=None):
        self.send_response(404 if body is None else 206 if part and "Range" in self.headers else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(0 if body is None else length))
        if part and "Range" in self.headers:
            self.send_header("Content-Range", "bytes {}-{}/{}".format(*part))
        self.end_headers()
        self.wfile.write(body or b"")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
threading.Thread(target=server.serve_forever, daemon=True).start()
remote = QgsRasterLayer(f"/vsicurl/http://127.0.0.1:{server.server_port}/image.tif", "by address")
made = attempt("geoarseg:run", {**small, "INPUT": remote, "OUTPUT": str(folder / "remote")})
told["remote"] = made

# ---- a virtual raster, with a value of no data that the user has added
gdal.Translate(str(folder / "virtual.vrt"), image, format="VRT", bandList=[1, 2, 3])
virtual = QgsRasterLayer(str(folder / "virtual.vrt"), "virtual")
told["virtual"] = attempt("geoarseg:run", {**small, "INPUT": virtual, "OUTPUT": str(folder / "virtual")})

# ---- a model of two algorithms
model = QgsProcessingModelAlgorithm("map and polygons", "tests")
model.addModelParameter(QgsProcessingParameterRasterLayer("image", "image"), QgsProcessingModelParameter("image"))
source = QgsProcessingModelChildParameterSource
first = QgsProcessingModelChildAlgorithm("geoarseg:segment")
first.setChildId("segment")
first.addParameterSources("INPUT", [source.fromModelParameter("image")])
first.addParameterSources("MODEL", [source.fromStaticValue(str(folder / "virtual" / "model.safetensors"))])
model.addChildAlgorithm(first)
second = QgsProcessingModelChildAlgorithm("geoarseg:vectorize")
second.setChildId("vectorize")
second.addParameterSources("INPUT", [source.fromChildOutput("segment", "OUTPUT")])
output = QgsProcessingModelOutput("polygons", "polygons")
output.setChildOutputName("OUTPUT")
output.setChildId("vectorize")
second.setModelOutputs({"polygons": output})
model.addChildAlgorithm(second)
try:
    made = processing.run(model, {"image": image, "vectorize:polygons": str(folder / "model.gpkg")})
    told["model"] = QgsVectorLayer(str(folder / "model.gpkg")).featureCount()
except Exception as error:
    told["model"] = str(error)

# ---- the environment's window
plugin.open_environment()
dialog = plugin._dialog


def wait():
    """Until the window's work is done."""
    loop = QEventLoop()
    dialog._task.ended.connect(lambda *_: loop.quit())
    loop.exec_() if hasattr(loop, "exec_") else loop.exec()


dialog.check()
wait()
told["checked"] = dialog.status.text()
told["buttons"] = [dialog.install_button.text(), dialog.remove_button.isEnabled(), dialog.cancel_button.isEnabled()]
dialog.python.setFilePath(str(folder / "no python"))
dialog.install()
wait()
told["not installed"] = dialog.status.text()
os.environ["GEOARSEG_COMMAND"] = str(folder / "gone")
dialog.refresh()
told["none"] = dialog.status.text()

plugin.unload()
server.shutdown()
QgsProject.instance().clear()
say(**told)
del service, remote, virtual, model, first, second, output
application.exitQgis()
