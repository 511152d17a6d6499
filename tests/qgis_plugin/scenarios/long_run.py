"""Runs a training without end in the background, and says the number of its process; others kill it, or us."""

import sys

from harness import Hearer, QgsApplication, Window, children, load_plugin, run_in_background, say, start_qgis

image, folder = sys.argv[1:]
application = start_qgis()
plugin = load_plugin(Window())
told = []


def tell(percent):
    if percent > 3 and not told:
        told.extend(children())
        say(children=told)


hearer = Hearer(tell)
parameters = {"INPUT": image, "CLASSES": 3, "QUALITY": 0, "STEPS": 20_000, "DEVICE": 1}
parameters["SETTINGS"] = "train.objective=ac\ntrain.batch=2\ntrain.crop_px=32"
lines = []
QgsApplication.messageLog().messageReceived.connect(lambda text, tag, level: lines.append(text))
well, results, _ = run_in_background("geoarseg:run", {**parameters, "OUTPUT": folder}, hearer)
say(well=well, results=results, lines=lines, children=children(), heard=hearer.heard)
plugin.unload()
application.exitQgis()
