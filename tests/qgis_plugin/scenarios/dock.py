"""Drives the dock from a layer to a saved legend, then starts again and unloads the plugin in the middle."""

import json
import sys
import time
from pathlib import Path

from harness import Window, children, files_under, load_plugin, say, start_qgis
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsLayerTreeModel,
    QgsProject,
    QgsRasterLayer,
    QgsRasterSymbolLegendNode,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtGui import QColor, QImage
from qgis.PyQt.QtWidgets import QApplication, QDockWidget

image, folder = sys.argv[1], Path(sys.argv[2])
application = start_qgis()


class WindowWithMap(Window):
    """A window with a canvas and a layer in hand."""

    def __init__(self):
        super().__init__()
        self.canvas, self.refreshed = QgsMapCanvas(self.window), []

    def mapCanvas(self):
        return self.canvas

    def activeLayer(self):
        return layer

    def layerTreeView(self):
        return self

    def refreshLayerSymbology(self, key):
        self.refreshed.append(key)


def wait(what, seconds=240):
    """Let Qt work until something has come about."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, panel.log.toPlainText()
        application.processEvents()
        time.sleep(0.02)


def choose(box, key):
    box.setCurrentIndex(box.findData(key))


project = QgsProject.instance()
layer = QgsRasterLayer(image, "An image")
# a map service of one tile for the whole world, red in the west and green in the east
tile = QImage(256, 256, QImage.Format.Format_RGB32)
for x in range(256):
    for y in range(256):
        west, east = QColor(200 - y // 8, 10 + x % 7, 20), QColor(10, 200 - y // 8, 30 + x % 5)
        tile.setPixelColor(x, y, west if x < 128 else east)
(folder / "tiles" / "0" / "0").mkdir(parents=True)
tile.save(str(folder / "tiles" / "0" / "0" / "0.png"))
address = (folder / "tiles").as_uri() + "/{z}/{x}/{y}.png"
service = QgsRasterLayer(f"type=xyz&url={address}&zmax=0&zmin=0", "A service", "wms")
fields = QgsVectorLayer(f"Polygon?crs={layer.crs().authid()}", "Fields", "memory")
extent = layer.extent()
part = extent.buffered(-extent.width() / 4)
feature = QgsFeature()
from qgis.core import QgsGeometry  # noqa: E402

feature.setGeometry(QgsGeometry.fromRect(part))
fields.dataProvider().addFeatures([feature])
project.addMapLayers([layer, service, fields])
window = WindowWithMap()
window.canvas.setDestinationCrs(layer.crs())
window.canvas.resize(400, 400)
window.canvas.setExtent(part)
plugin = load_plugin(window)

import geoarseg_qgis.command as command  # noqa: E402 -- from the profile, where the plugin is installed

command.QUALITIES["quick"]["train.steps"] = 6
plugin.toggle_dock()
panel = plugin._dock.panel
panel.show()
form, story, side = panel.form, panel.story, panel.story.side
seen = {
    "images": [entry.name for entry in side.images()],
    "services": [entry.is_service for entry in side.images()],
    "areas": [entry.name for entry in side.areas()],
    "roles": form.bands.roles(),
    "chosen": form.image.currentText(),
}

from geoarseg_qgis.dock.side import Area  # noqa: E402

sizes = {}
for name, area in (("whole", Area()), ("canvas", Area("canvas")), ("polygons", Area("polygons", fields.id()))):
    source = side.source(layer.id(), area, {}, folder / name)
    dataset = gdal.Open(source.path)  # a band does not keep it alive
    mask = dataset.GetRasterBand(1).GetMaskBand().ReadAsArray()
    sizes[name] = [source.width, source.height, int((mask > 0).sum())]
named = gdal.Open(side.source(layer.id(), Area(), {1: "nir", 2: "", 3: "red"}, folder / "roles").path)
roles = [named.GetRasterBand(number).GetDescription() for number in (1, 2, 3)]

choose(form.quality, "quick")
choose(form.area, "canvas")
choose(form.device, "cpu")
form.classes.setValue(4)
form.folder.setText(str(folder / "map"))
form.measure_button.click()
wait(lambda: story.state == "asking")
measured = form.time.text()
form.start_button.click()
wait(lambda: story.state == "naming")
maps = [project.mapLayer(key) for key in side._shown]
shown = {
    "names": sorted(entry.name() for entry in maps),
    "shares": sum(row.share for row in story.table.rows),
    "curve": len(panel.progress.curve.points),
    "files": files_under(folder / "map"),
}
raster, polygons = maps
table = story.table
first, second, third, fourth = (row.value for row in table.rows)
table.rename(first, "fields")
table.recolour(first, "#010203")
table.merge([second, third])
left = table.rows[1].value
styled = {
    "raster": [[entry.value, entry.label, entry.color.name()] for entry in raster.renderer().classes()],
    "polygons": [[entry.value(), entry.label()] for entry in polygons.renderer().categories()],
    "refreshed": len(set(window.refreshed)),
}
panel.legend.save_button.click()
wait(lambda: story.state == "naming")
saved = {
    "failure": "" if panel.banner.isHidden() else panel.banner.text.text(),
    "valid": [entry.isValid() for entry in maps],
    "values": sorted({entry["class"] for entry in polygons.getFeatures()}),
    "texts": sorted({entry["name"] for entry in polygons.getFeatures()}),
    "raster": [[entry.value, entry.label, entry.color.name()] for entry in raster.renderer().classes()],
    "expected": sorted({first, left, fourth}),
    "opened": [row.name for row in side.show(folder / "map", "again")],
    "layers": len(project.mapLayers()),
}


def looks(layer):
    return {entry.value: entry.color.name() for entry in layer.renderer().classes()}


def legend_texts(layer):
    """What the layer tree shows of a layer."""
    node = project.layerTreeRoot().findLayer(layer.id())
    entries = tree.layerLegendNodes(node)
    return [entry.data(0) for entry in entries if isinstance(entry, QgsRasterSymbolLegendNode)]


def ticked(layers):
    root = project.layerTreeRoot()
    return [root.findLayer(entry.id()).itemVisibilityChecked() for entry in layers]


maps = [project.mapLayer(key) for key in side._shown]  # opened anew
tree = QgsLayerTreeModel(project.layerTreeRoot())
panel.legend.cut_button.click()
wait(lambda: story.state == "cutting")
(trial,) = project.mapLayersByName("On trial: An image")
sliders = panel.cut
sliders.classes.setValue(2)
sliders.follow()
two = looks(trial)
hidden, first_is_trial = ticked(maps), project.layerTreeRoot().layerOrder()[0] == trial
sliders.classes.setValue(7)
sliders.unequal.setValue(0)
wait(lambda: len(set(looks(trial).values())) == 7)
seven = looks(trial)
tree.refreshLayerLegend(project.layerTreeRoot().findLayer(trial.id()))
texts, rows = legend_texts(trial), [sliders.model.at(row).name for row in range(7)]
sliders.back_button.click()
back = {"shown": ticked(maps), "trials": len(project.mapLayersByName("On trial: An image"))}
panel.legend.cut_button.click()
wait(lambda: story.state == "cutting")
sliders.classes.setValue(7)
sliders.make_button.click()
wait(lambda: story.state != "remaking")
again = [project.mapLayer(key) for key in side._shown]
recut = {
    "clusters": story.cuts.clusters,
    "colours": [len(set(two.values())), len(set(seven.values()))],
    "values": [len(two), len(seven)],
    "texts": texts,
    "rows": rows,
    "hidden": hidden,
    "first": first_is_trial,
    "back": back,
    "state": story.state,
    "names": sorted(entry.name() for entry in again),
    "files": files_under(folder / "map_7_classes"),
    "model": str(folder / "map_7_classes" / "model.safetensors"),
    "classes": [row.value for row in story.table.rows],
    "shares": sum(row.share for row in story.table.rows),
    "trials": len(project.mapLayersByName("On trial: An image")),
    "old": ticked(maps),
}
panel.story.back()
panel.story.open(folder / "map_7_classes")
recut["reopened"] = [list(story.origin.images), story.origin.model.parent.name, panel.legend.cut_button.isEnabled()]

# ---- the map service: drawn first, cancelled once
panel.story.back()
window.canvas.setDestinationCrs(service.crs())
window.canvas.setExtent(QgsRectangle(-2e7, -2e7, 2e7, 2e7))
choose(form.image, service.id())
screen = [form.pixel.value(), window.canvas.extent().width() / window.canvas.width()]
form.pixel.setValue(1)
refused = [form.note.text(), form.start_button.isEnabled()]
form.pixel.setValue(250_000)
said = form.time.text()
form.classes.setValue(form.classes.minimum())
form.folder.setText(str(folder / "from a service"))
form.start_button.click()
panel.waiting.cancel_button.click()
wait(lambda: story.state == "asking")
left = [name for name in files_under(folder / "from a service") if "input" in name]
form.start_button.click()
wait(lambda: story.state == "naming")
mapped = gdal.Open(str(folder / "from a service" / "classes.tif"))
drawn = {
    "screen": screen,
    "refused": refused,
    "said": said,
    "left": left,
    "size": [mapped.RasterXSize, mapped.RasterYSize],
    "expected": side.drawn_size(service.id(), Area("canvas"), 250_000),
    "bands": json.loads((folder / "from a service" / "summary.json").read_text())["bands"],
    "files": files_under(folder / "from a service"),
    "polygons": side.drawn_size(service.id(), Area("polygons", fields.id()), 10),
}
del mapped
panel.legend.cut_button.click()
wait(lambda: story.state == "cutting")
auto = {
    "text": form.classes.text(),
    "asked": json.loads((folder / "from a service" / "summary.json").read_text())["settings"]["auto_classes"],
    "made": len(story.table.rows),
    "slider": sliders.classes.value(),
    "kept": sliders.told.text(),
}
sliders.back_button.click()
form.classes.setValue(4)
choose(form.image, layer.id())
choose(form.area, "whole")

panel.story.back()
command.QUALITIES["quick"]["train.steps"] = 10**6
form.folder.setText(str(folder / "another"))
form.start_button.click()
wait(lambda: len(panel.progress.curve.points) > 1)
running = len(children())
started = time.monotonic()
plugin.unload()
seconds = time.monotonic() - started
QApplication.sendPostedEvents(None, 52)  # DeferredDelete
wait(lambda: not children())
unloaded = {
    "running": running,
    "seconds": seconds,
    "children": children(),
    "docks": len(window.window.findChildren(QDockWidget)),
    "files": [name for name in files_under(folder / "another") if ".state" not in name],
}
project.clear()
# Datasets and widgets must go before QGIS does.
del named, dataset
sip.delete(window.window)
say(
    seen=seen,
    sizes=sizes,
    roles=roles,
    measured=measured,
    shown=shown,
    styled=styled,
    saved=saved,
    recut=recut,
    drawn=drawn,
    auto=auto,
    unloaded=unloaded,
)
application.exitQgis()
