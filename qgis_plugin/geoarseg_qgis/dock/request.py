"""What the user asks for, whether it makes sense, and the arguments of the command that does it. Pure: no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping

from ..command import QUALITIES, arguments
from .side import POLYGONS, WHOLE, Area, ImageLayer, Source

LEAST_CLASSES, MOST_CLASSES = 2, 254
AUTO = "auto"
"""What the command takes for as many classes as the image suggests."""
MOST_BANDS = 20
"""What the command takes."""
MOST_DRAWN_PIXELS = 100_000_000
"""More is not asked of a map service."""
TRIAL_STEPS = 12
TRIAL_PX = 1024
"""A trial trains so many steps, and maps a square of that side at most."""
OUTPUTS = ("model.safetensors", "classes.tif", "classes.gpkg", "preview.png", "report.html", "summary.json")
LEGEND_FILES = ("classes.tif", "classes.gpkg", "model.safetensors")
"""The outputs that carry a legend."""
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Request:
    """A map that the user asks for."""

    image: ImageLayer | None = None
    """The layer."""
    bands: tuple[int, ...] = ()
    """Its bands that take part, counted from 1."""
    roles: Mapping[int, str] = field(default_factory=dict)
    """The roles of bands, by their numbers, where the user changed the guess."""
    area: Area = field(default_factory=Area)
    """What of it."""
    classes: int | None = 6
    """Number of classes; None = as many as the image suggests."""
    quality: str = "balanced"
    """A key of `QUALITIES`."""
    device: str = "auto"
    """One of `DEVICES`."""
    folder: Path | None = None
    """Where the outputs go."""
    pixel: float = 0.0
    """Side of the pixels of an image that is drawn first, in its units; 0 = it is a file and has its own."""

    @property
    def measured_by(self) -> tuple[object, ...]:
        """What the time depends on: a trial holds as long as this stays."""
        key = self.image.key if self.image else ""
        return key, self.bands, self.area, self.classes, self.quality, self.device


@dataclass(frozen=True)
class Problem:
    """Why a request cannot be met."""

    field: str
    """The part of the form: `image`, `bands`, `area`, `classes` or `folder`."""
    kind: str
    """A key of the form's texts."""
    detail: str = ""
    """What the text names."""


def problem_of(request: Request) -> Problem | None:
    """The first thing that is wrong with a request, or None."""
    if request.image is None:
        return Problem("image", "no_image")
    if request.image.problem:
        return Problem("image", "bad_image", request.image.problem)
    if not request.bands:
        return Problem("bands", "no_bands")
    if len(request.bands) > MOST_BANDS:
        return Problem("bands", "many_bands", str(len(request.bands)))
    roles = [role for role in request.roles.values() if role]
    twice = next((role for role in roles if roles.count(role) > 1), "")
    if twice:
        return Problem("bands", "role_twice", twice)
    if request.image.is_service and request.area.kind == WHOLE:
        return Problem("area", "service_whole")
    if request.area.kind == POLYGONS and not request.area.key:
        return Problem("area", "no_polygons")
    if request.classes is not None and not LEAST_CLASSES <= request.classes <= MOST_CLASSES:
        return Problem("classes", "classes")
    if request.folder is None or not request.folder.is_absolute():
        return Problem("folder", "no_folder")
    if request.folder.exists() and not request.folder.is_dir():
        return Problem("folder", "folder_is_file", str(request.folder))
    return None


def replaced_by(request: Request) -> list[str]:
    """The names of earlier outputs in the folder, which the map would replace."""
    folder = request.folder
    return [name for name in OUTPUTS if (folder / name).is_file()] if folder is not None else []


def is_finished(request: Request) -> bool:
    """Whether a map is in the folder: the summary is written last."""
    return request.folder is not None and (request.folder / OUTPUTS[-1]).is_file()


def output_paths(request: Request) -> list[Path]:
    """All that the command will write."""
    assert request.folder is not None
    return [request.folder / name for name in OUTPUTS]


def run_arguments(request: Request, source: Source, *, go_on: bool = False) -> list[str]:
    """`geoarseg run`; with `go_on` it takes what an earlier call has finished, and replaces nothing."""
    return arguments(
        "run",
        source.path,
        settings=QUALITIES[request.quality],
        out=request.folder,
        overwrite=not go_on,
        log_json=True,
        **_common(request),
    )


def trial_arguments(request: Request, source: Source, folder: Path) -> list[list[str]]:
    """The commands of a trial, which write into a folder of their own: a few steps, then a piece of the map."""
    model = folder / "trial.safetensors"
    settings = {**QUALITIES[request.quality], "train.steps": TRIAL_STEPS}
    train = arguments("train", source.path, settings=settings, out=model, log_json=True, **_common(request))
    width, height = min(TRIAL_PX, source.width), min(TRIAL_PX, source.height)
    window = ((source.width - width) // 2, (source.height - height) // 2, width, height)
    device = None if request.device == "auto" else request.device
    segment = arguments(
        "segment",
        source.path,
        model=model,
        out=folder / "trial.tif",
        window=window,
        device=device,
        log_json=True,
    )
    return [train, segment]


def legend_arguments(folder: Path, edits: list[str]) -> list[str]:
    """`geoarseg legend` on all files of a map that carry one."""
    files = [str(folder / name) for name in LEGEND_FILES if (folder / name).is_file()]
    return ["legend", *edits, "--log-json", "--", *files]


def _common(request: Request) -> dict[str, object]:
    return {
        "classes": request.classes or AUTO,
        "bands": request.bands,
        "device": None if request.device == "auto" else request.device,
    }
