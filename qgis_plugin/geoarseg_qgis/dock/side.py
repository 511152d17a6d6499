"""What the dock asks of the program around it: layers, a map that follows, and commands that run in the background.

The modules `qgis_*` have these from QGIS; the tests have small ones of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Protocol, Sequence

from .classes import MapClass
from .job import Job

WHOLE, CANVAS, POLYGONS = "whole", "canvas", "polygons"
"""The kinds of area."""


class SideError(Exception):
    """Something asked for cannot be had; the text says why and what to do."""


@dataclass(frozen=True)
class Band:
    """One band of an image, alpha left out."""

    number: int
    """Counted from 1."""
    description: str = ""
    """Free text that came with it."""
    colour: str = ""
    """Its colour interpretation: `red`, `green`, `blue`, `nir` or anything else."""


@dataclass(frozen=True)
class ImageLayer:
    """A raster layer that may be mapped."""

    key: str
    """Names it for the program around."""
    name: str
    """What the user calls it."""
    bands: tuple[Band, ...]
    """Its bands."""
    problem: str = ""
    """Why it cannot be mapped; empty if it can."""
    is_service: bool = False
    """Whether it is no file but comes from a service: a part of it is drawn into a file first."""


@dataclass(frozen=True)
class AreaLayer:
    """A layer of polygons."""

    key: str
    """Names it for the program around."""
    name: str
    """What the user calls it."""


@dataclass(frozen=True)
class Area:
    """What of an image is to be mapped."""

    kind: str = WHOLE
    """`WHOLE`, `CANVAS` or `POLYGONS`."""
    key: str = ""
    """The layer of polygons."""


@dataclass(frozen=True)
class Source:
    """An image, or a part of it, as the command reads it."""

    path: str
    """File, address or virtual raster."""
    width: int
    """Columns."""
    height: int
    """Rows."""


class MapSide(Protocol):
    """Layers in, a styled map out. Everything happens in the thread of the widgets."""

    def images(self) -> Sequence[ImageLayer]:
        """The raster layers, in the order in which the user sees them."""

    def areas(self) -> Sequence[AreaLayer]:
        """The layers of polygons."""

    def current_image(self) -> str:
        """The key of the layer that the user has in hand; empty if it is no raster."""

    def watch(self, changed: Callable[[], None] | None) -> None:
        """Call `changed` whenever layers come or go; None ends it."""

    def folder_for(self, image: str) -> Path:
        """A folder for the outputs that does not exist yet."""

    def source(self, image: str, area: Area, roles: Mapping[int, str], folder: Path) -> Source:
        """The image as a file; a virtual raster goes into `folder` where one is needed.

        Args:
            image: its key.
            area: what of it.
            roles: band numbers and the roles that the user gave them, where they differ from the guess.
            folder: is made if needed.

        Raises:
            SideError: it cannot be had.
        """

    def pixel_of(self, image: str) -> float:
        """The side of a pixel of the screen in the units of an image that is no file."""

    def drawn_size(self, image: str, area: Area, pixel: float) -> tuple[int, int]:
        """Columns and rows of a part of an image that is no file, with pixels of that side.

        Raises:
            SideError: the area cannot be had.
        """

    def draw(self, image: str, area: Area, pixel: float, folder: Path) -> Job:
        """Draw a part of an image that is no file into one, in the background; `source` then takes that file.

        Raises:
            SideError: the area cannot be had.
        """

    def tidy(self, folder: Path) -> None:
        """Take away what `source` put into a folder: the work came to nothing."""

    def show(self, folder: Path, name: str) -> Sequence[MapClass]:
        """Load class raster and polygons of a folder of outputs; returns their legend.

        Raises:
            SideError: they cannot be loaded.
        """

    def restyle(self, classes: Sequence[MapClass]) -> None:
        """Give the shown map these names and colours; the files stay as they are."""

    def show_clusters(self, path: Path, name: str) -> Mapping[int, float]:
        """Load the raster of a model's clusters on top, in the place of the shown map; returns its values' shares.

        Raises:
            SideError: it cannot be loaded.
        """

    def restyle_clusters(self, classes: Sequence[MapClass]) -> None:
        """Give the clusters' raster the colours of classes; their values are those of clusters."""

    def hide_clusters(self, *, show_map: bool = True) -> None:
        """Take the clusters' raster away, and let the map be seen again if `show_map`."""

    def release(self) -> None:
        """Let go of the shown files, which are about to be replaced."""

    def reload(self) -> None:
        """Show the files anew."""


class Engine(Protocol):
    """Runs the command `geoarseg` in the background."""

    def missing(self) -> str:
        """Why there is no command; empty if there is one."""

    def start(self, title: str, arguments: Sequence[str], outputs: Sequence[Path] = ()) -> Job:
        """Start the command; the job's signals come in the thread of the widgets.

        Args:
            title: for lists of running tasks.
            arguments: what follows its name; the first is the subcommand.
            outputs: the files it writes; what it leaves unfinished beside them is taken away.
        """

    def set_up(self) -> None:
        """Let the user make, repair or choose the environment of the command."""
