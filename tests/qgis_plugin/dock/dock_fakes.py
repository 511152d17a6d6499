"""A program around the dock that remembers what it was asked for."""

from __future__ import annotations

from geoarseg_qgis.command import Event
from geoarseg_qgis.dock.classes import MapClass
from geoarseg_qgis.dock.job import Call, Ended, Job
from geoarseg_qgis.dock.side import AreaLayer, Band, ImageLayer, SideError, Source

ORTHO = ImageLayer("ortho", "Orthophoto 2023", tuple(Band(n, "", c) for n, c in enumerate(("red", "green", "blue"), 1)))
NAMED = tuple(Band(n, text) for n, text in enumerate(("Near infrared", "Red", "Green", "Blue", "SWIR", "thermal"), 1))
SATELLITE = ImageLayer("sat", "Landsat", NAMED)
SERVICE = ImageLayer("wms", "A map service", ORTHO.bands, is_service=True)
BROKEN = ImageLayer("broken", "A broken layer", (), problem="The layer cannot be read.")
CLASSES = (
    MapClass(1, "class 1", "#337538", 0.5),
    MapClass(2, "class 2", "#ddcc77", 0.3),
    MapClass(3, "class 3", "#2e7ab8", 0.15),
    MapClass(4, "class 4", "#cc6677", 0.05),
)

VALUE_OF = (2, 1, 4, 3)  # of each cluster in the raster of all of them
_CLASS_OF = {(2, 0.0): (1, 2, 2, 1), (3, 0.0): (2, 1, 3, 1), (2, 1.0): (1, 1, 1, 2), (3, 1.0): (1, 1, 3, 2)}


def model_facts(class_of=(1, 1, 1, 2)):
    """What `geoarseg info` says of a model of four clusters."""
    cuts = []
    for alpha in (0.0, 0.5, 1.0):
        for classes in (2, 3, 4):
            legend = [
                {"value": n, "name": f"cover {n} of {classes}", "colour": f"#0{classes}0{n}00"}
                for n in range(1, classes + 1)
            ]
            owners = _CLASS_OF.get((classes, round(alpha + 0.1)), VALUE_OF)
            cuts.append(
                {"classes": classes, "alpha": alpha, "class_of": owners, "information": classes / 4, "legend": legend}
            )
    return {"kind": "model", "classes": len(set(class_of)), "class_of": class_of, "cuts": cuts}


class FakeSide:
    """Layers and a map in memory."""

    def __init__(self, folder):
        self.folder = folder
        self.layers, self.polygon_layers = [ORTHO, SATELLITE, SERVICE, BROKEN], [AreaLayer("fields", "Fields")]
        self.current = "ortho"
        self.changed = None
        self.sources, self.shown, self.styles, self.calls = [], [], [], []
        self.classes = CLASSES
        self.problem = self.suggestion = ""
        self.cluster_styles, self.drawn = [], []

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

    def pixel_of(self, image):
        return 2.0

    def drawn_size(self, image, area, pixel):
        return round(2000 / pixel), round(3000 / pixel)

    def draw(self, image, area, pixel, folder):
        if self.problem:
            raise SideError(self.problem)
        self.drawn.append((image, area, pixel, folder, FakeJob(["draw"])))
        return self.drawn[-1][-1]

    def show(self, folder, name):
        if self.problem:
            raise SideError(self.problem)
        self.shown.append((folder, name))
        return self.classes

    def tidy(self, folder):
        self.calls.append("tidy")

    def restyle(self, classes):
        self.styles.append(tuple(classes))

    def show_clusters(self, path, name):
        if self.problem:
            raise SideError(self.problem)
        self.calls.append(f"clusters {path.name}")
        return {1: 0.4, 2: 0.3, 3: 0.2, 4: 0.1}

    def restyle_clusters(self, classes):
        self.cluster_styles.append(tuple(classes))

    def hide_clusters(self, *, show_map=True):
        self.calls.append("hide" if show_map else "hide for good")

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

    def end(self, code=0, error="", fault=None, log="", output="", kind=""):
        self.ended.emit(Ended(code, False, error, fault, log, output, kind))


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
