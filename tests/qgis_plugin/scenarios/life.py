"""Loads the plugin, runs an algorithm with feedback, cancels another halfway, and unloads the plugin."""

import sys
import warnings
from pathlib import Path

from harness import (
    Hearer,
    QgsApplication,
    QgsProject,
    Window,
    children,
    files_under,
    load_plugin,
    run_in_background,
    say,
    start_qgis,
)
from qgis.core import QgsProcessingOutputLayerDefinition, QgsProcessingUtils

image, folder = sys.argv[1], Path(sys.argv[2])
application = start_qgis()
warnings.simplefilter("error", ResourceWarning)
registry = QgsApplication.processingRegistry()
before = {"path": list(sys.path), "providers": {provider.id() for provider in registry.providers()}}

window = Window()
plugin = load_plugin(window)
provider = registry.providerById("geoarseg")
found = {
    "algorithms": sorted(algorithm.name() for algorithm in provider.algorithms()),
    "icons": [algorithm.icon().isNull() for algorithm in provider.algorithms()] + [provider.icon().isNull()],
    "helps": [bool(a.shortHelpString() and a.helpUrl() and a.tags()) for a in provider.algorithms()],
    "actions": len(window.menu.actions()),
}

small = {
    "INPUT": image,
    "CLASSES": 3,
    "QUALITY": 0,
    "DEVICE": 1,
    "SETTINGS": "train.objective=ac\ntrain.batch=2\ntrain.crop_px=32",
}
hearer = Hearer()
well, results, context = run_in_background(
    "geoarseg:run", {**small, "STEPS": 5, "CONFIDENCE": True, "OUTPUT": str(folder / "whole")}, hearer
)
layers, loading = {}, []


def loaded(path, details, context):
    """Renderer and legend of a result, loaded as the toolbox loads it."""
    layer = QgsProcessingUtils.mapLayerFromString(path, context)
    details.postProcessor().postProcessLayer(layer, context, hearer)
    renderer = layer.renderer()
    if renderer.type() == "categorizedSymbol":
        return [renderer.type(), [category.label() for category in renderer.categories()]]
    return [renderer.type(), [entry.label for entry in getattr(renderer, "classes", list)()]]


for path, details in context.layersToLoadOnCompletion().items():
    loading.append(details.name)
    layers[details.outputName] = loaded(path, details, context)

finished = {
    "well": well,
    "results": {name: Path(path).name for name, path in results.items()},
    "percents": hearer.percents,
    "heard": hearer.heard,
    "loading": sorted(loading),
    "layers": layers,
    "children": children(),
}

chosen = QgsProcessingOutputLayerDefinition(str(folder / "again.gpkg"), QgsProject.instance())
parameters = {"INPUT": results["CLASSES_RASTER"], "OUTPUT": chosen}
well, results, context = run_in_background("geoarseg:vectorize", parameters, Hearer())
((path, details),) = context.layersToLoadOnCompletion().items()
finished["polygons"] = loaded(path, details, context)

cancelling = Hearer(lambda percent: cancelling.cancel() if percent > 3 else None)
well, results, _ = run_in_background(
    "geoarseg:run", {**small, "STEPS": 20_000, "OUTPUT": str(folder / "part")}, cancelling
)
cancelled = {
    "results": results,
    "children": children(),
    "files": files_under(folder / "part"),
    "heard": cancelling.heard,
}

resuming = Hearer(lambda percent: resuming.cancel() if percent > 3 else None)
run_in_background("geoarseg:run", {**small, "STEPS": 20_000, "OUTPUT": str(folder / "part")}, resuming)
cancelled["resumed"] = resuming.heard

plugin.unload()
unloaded = {
    "path": sys.path == before["path"],
    "providers": {provider.id() for provider in registry.providers()} == before["providers"],
    "actions": len(window.menu.actions()),
    "foreign": sorted(name for name in ("torch", "geoarseg", "rasterio") if name in sys.modules),
}
QgsProject.instance().clear()
say(found=found, finished=finished, cancelled=cancelled, unloaded=unloaded)
application.exitQgis()
