"""The files of a download of ISPRS Potsdam: which tiles are there, and which labels belong to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from geoarseg.datasets.listing import check_folder, find_zip, some_of
from geoarseg.errors import InputError
from geoarseg.progress import Progress

IMAGE_FOLDER = "4_Ortho_RGBIR"
LABEL_FOLDERS = (
    "5_Labels_all",
    "5_Labels_for_participants",
    "5_Labels_all_noBoundary",
    "5_Labels_for_participants_no_Boundary",
)
"""In the order in which they are preferred."""

Place = tuple[int, int]  # row and column of a tile in the mosaic, as in its file name

PARTICIPANT_TILES: frozenset[Place] = frozenset(
    [(row, col) for row in (2, 3, 4, 5) for col in (10, 11, 12)]
    + [(6, col) for col in range(7, 13)]
    + [(7, col) for col in range(7, 13)]
)
"""The 24 tiles whose labels the participants of the benchmark were given."""
ALL_TILES: frozenset[Place] = PARTICIPANT_TILES | {
    *((row, col) for row in (2, 3) for col in (13, 14)),
    *((row, col) for row in (4, 5) for col in (13, 14, 15)),
    *((6, col) for col in (13, 14, 15)),
    (7, 13),
}
"""All 38 tiles."""

_IMAGE = re.compile(r"top_potsdam_(\d+)_(\d+)_RGBIR\.tiff?", re.I)
_LABELS = re.compile(r"top_potsdam_(\d+)_(\d+)_label(_noBoundary)?\.tiff?", re.I)
_SIDECAR = (".tfw", ".xml", ".ovr")


@dataclass(frozen=True)
class Tile:
    """One tile."""

    place: Place
    """Row and column in the mosaic."""
    image: Path
    labels: Path | None
    """None = not labelled."""

    @property
    def without_boundary(self) -> bool:
        """Whether the edges of objects are black in the labels."""
        return self.labels is not None and "noboundary" in self.labels.stem.lower()


def list_tiles(
    folder: Path, *, labels: str | None, paper_split: bool, progress: Progress
) -> tuple[list[Tile], Path | None]:
    """The tiles in the order of their places, and the folder of their labels.

    Raises:
        InputError: there is no image, or not the wanted folder of labels.
    """
    check_folder(folder)
    image_folder = _find_images(folder)
    images = _numbered(image_folder, _IMAGE, progress)
    label_folder = _find_labels(folder, labels, progress)
    label_files = {} if label_folder is None else _numbered(label_folder, _LABELS, progress)
    _report(images, label_files, progress)
    used = {place: path for place, path in label_files.items() if not paper_split or place in PARTICIPANT_TILES}
    tiles = [Tile(place, image, used.get(place)) for place, image in sorted(images.items())]
    labelled = sum(tile.labels is not None for tile in tiles)
    progress.message(f"{len(tiles)} tiles, {labelled} of them with labels.")
    return tiles, label_folder


def _find_images(folder: Path) -> Path:
    for place in _nested(folder / IMAGE_FOLDER):
        if _holds(place, _IMAGE):
            return place
    archive = find_zip(folder, IMAGE_FOLDER)
    if archive is not None:
        raise InputError(f"{archive} is still packed.", f"Unzip it in {folder}.")
    raise InputError(
        f"There are no tiles in {folder / IMAGE_FOLDER}.", "They are named top_potsdam_2_10_RGBIR.tif and so on."
    )


def _find_labels(folder: Path, wanted: str | None, progress: Progress) -> Path | None:
    """The wanted folder of labels, or the first that holds some; None if none does."""
    if wanted is not None:
        for place in (*_nested(folder / wanted), *_nested(Path(wanted))):
            if _holds(place, _LABELS):
                return place
        raise InputError(
            f"There are no labels in {folder / wanted}.", "They are named top_potsdam_2_10_label.tif and so on."
        )
    by_name = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    found = [
        place
        for name in LABEL_FOLDERS
        if name.lower() in by_name
        for place in _nested(by_name[name.lower()])
        if _holds(place, _LABELS)
    ]
    if not found:
        archive = find_zip(folder, *LABEL_FOLDERS)
        hint = f"{archive.name} is still packed: unzip it." if archive else f"They are in {LABEL_FOLDERS[0]}."
        progress.warning(f"There are no labels in {folder}, so nothing can be scored. {hint}")
        return None
    others = [place.name for place in found[1:]]
    progress.message(f"Labels: {found[0].name}" + (f" (also there: {', '.join(others)})." if others else "."))
    return found[0]


def _nested(folder: Path) -> tuple[Path, Path]:
    """A folder, and one of its own name in it, which some archives make."""
    return folder, folder / folder.name


def _holds(folder: Path, pattern: re.Pattern[str]) -> bool:
    return folder.is_dir() and any(pattern.fullmatch(path.name) for path in folder.iterdir())


def _numbered(folder: Path, pattern: re.Pattern[str], progress: Progress) -> dict[Place, Path]:
    """The files of a folder by the place in their names, with a line on those that are no tiles."""
    files: dict[Place, Path] = {}
    surplus: list[str] = []
    for path in sorted(folder.iterdir()):
        match = pattern.fullmatch(path.name)
        if match is None:
            if path.is_file() and path.suffix.lower() not in _SIDECAR and not path.name.startswith("."):
                surplus.append(path.name)
            continue
        place = int(match[1]), int(match[2])
        if place in files:
            surplus.append(path.name)
        files.setdefault(place, path)
    if surplus:
        progress.warning(f"{len(surplus)} files in {folder.name} are not used: {some_of(surplus)}.")
    return files


def _report(images: dict[Place, Path], labels: dict[Place, Path], progress: Progress) -> None:
    missing = ALL_TILES - images.keys()
    if missing:
        progress.warning(f"{len(missing)} of the 38 tiles are missing: {some_of(_names(missing))}.")
    foreign = images.keys() - ALL_TILES
    if foreign:
        progress.warning(f"{len(foreign)} tiles are none of the 38; they are used: {some_of(_names(foreign))}.")
    orphans = labels.keys() - images.keys()
    if orphans:
        progress.warning(f"{len(orphans)} label files have no image and are not used: {some_of(_names(orphans))}.")


def _names(places: Iterable[Place]) -> list[str]:
    return [f"{row}_{col}" for row, col in sorted(places)]
