"""A program around the dock that remembers what it was asked for."""

from __future__ import annotations

from geoarseg_qgis.command import Event
from geoarseg_qgis.dock.classes import MapClass
from geoarseg_qgis.dock.job import Call, Ended, Job
from geoarseg_qgis.dock.side import AreaLayer, Band, ImageLayer, SideError, Source

ORTHO = ImageLayer("ortho", "Orthophoto 2023", tuple(Band(n, "", c) for n, c in enumerate(("red", "green", "blue"), 1)))
NAMED = tuple(Band(n, text) for n, text in enumerate(("Near infrared", "Red", "Green", "Blue", "SWIR", "thermal"), 1))
SATELLITE = ImageLayer("sat", "Landsat", NAMED)
SERVICE = ImageLayer("wms", "A map service", (Band(1),), problem="It is a map service: export it first.")
CLASSES = (
    MapClass(1, "class 1", "#337538", 0.5),
    MapClass(2, "class 2", "#ddcc77", 0.3),
    MapClass(3, "class 3", "#2e7ab8", 0.15),
    MapClass(4, "class 4", "#cc6677", 0.05),
)


class FakeSide:
    """Layers and a map in memory."""

    def __init__(self, folder):
        self.folder = folder
        self.layers, self.polygon_layers = [ORTHO, SATELLITE, SERVICE], [AreaLayer("fields", "Fields")]
        self.current = "ortho"
        self.changed = None
        self.sources, self.shown, self.styles, self.calls = [], [], [], []
        self.classes = CLASSES
        self.problem = self.suggestion = ""

    def images(self):
        return self.layers

    def areas(self):
        return self.polygon_layers

    def current_image(self):
        return self.current

    def watch(self, changed):
        self.changed = changed

    def folder_for(self, image):
        return self.folder / (self.suggestion or f"{image} land cover")

    def source(self, image, area, roles, folder):
        if self.problem:
            raise SideError(self.problem)
        self.sources.append((image, area, dict(roles)))
        return Source(f"/data/{image}.tif", 4000, 3000)

    def show(self, folder, name):
        if self.problem:
            raise SideError(self.problem)
        self.shown.append((folder, name))
        return self.classes

    def tidy(self, folder):
        self.calls.append("tidy")

    def restyle(self, classes):
        self.styles.append(tuple(classes))

    def release(self):
        self.calls.append("release")

    def reload(self):
        self.calls.append("reload")


class FakeJob(Job):
    """A job that ends as the test says; a cancel ends it at once."""

    def __init__(self, arguments):
        super().__init__(Call(tuple(arguments), {}))
        self.arguments = list(arguments)
        self.is_cancelled = False

    def tell(self, kind, stage=None, done=None, total=None, message="", **values):
        self.told.emit(Event(kind, stage, done, total, message, values))

    def cancel(self):
        self.is_cancelled = True
        self.ended.emit(Ended(130, True))

    def wait(self, seconds):
        return True

    def end(self, code=0, error="", fault=None, log=""):
        self.ended.emit(Ended(code, False, error, fault, log))


class FakeEngine:
    """Starts jobs that do nothing by themselves."""

    def __init__(self):
        self.jobs, self.absent, self.set_ups = [], "", 0

    def missing(self):
        return self.absent

    def start(self, title, arguments, outputs=()):
        self.jobs.append(FakeJob(arguments))
        return self.jobs[-1]

    def set_up(self):
        self.set_ups += 1
