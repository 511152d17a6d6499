"""One legend for all that belongs to a map: its class raster, its polygons and its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geoarseg.errors import InputError, SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model
from geoarseg.network.checkpoint import load_card, load_model
from geoarseg.progress import Progress
from geoarseg.raster.legend import Legend, LegendEdit
from geoarseg.raster.relabel import class_legend, relabel_raster
from geoarseg.vector.formats import FORMATS
from geoarseg.vector.relabel import layer_legend, relabel_layer

MODEL_ENDING = ".safetensors"


@dataclass(frozen=True)
class _Kind:
    """One kind of file that carries a legend."""

    read: Callable[[Path], Legend]
    """Reads it."""
    write: Callable[..., None]
    """Writes the file anew: path, legend, merges=, progress=."""


def read_any_legend(path: Path) -> Legend:
    """The legend of a class raster, a polygon layer, a model, or a JSON file of {value, name, colour}.

    Raises:
        UserError: the file cannot be read, or carries no legend.
    """
    if path.suffix.lower() != ".json":
        return _kind_of(path).read(path)
    try:
        return Legend.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", "Check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}).") from None


def relabel_files(paths: Sequence[Path], edit: LegendEdit, *, progress: Progress | None = None) -> list[Legend]:
    """Change the legend of files that belong together; nothing is written before all of them are found good.

    Args:
        paths: class rasters, polygon layers and models; each is written anew, whole or not at all.
        edit: the changes. Its values must be classes of one file at least.
        progress: hears of each file.

    Returns:
        The new legend of each file.

    Raises:
        UserError: a file cannot be read or written, or the edit names a class that none of them has.
    """
    legends = [read_any_legend(path) for path in paths]
    _check(edit, paths, legends)
    entries = {entry.value: entry for legend in reversed(legends) for entry in legend}
    results = []
    for path, legend in zip(paths, legends, strict=True):
        there = {entry.value for entry in legend}
        merges = {value: target for value, target in edit.merges.items() if value in there}
        whole = {target: entries[target] for target in merges.values()} | {e.value: e for e in legend}
        result = edit.applied_to(Legend(tuple(whole[value] for value in sorted(whole))))
        _kind_of(path).write(path, result, merges=merges, progress=progress or Progress())
        results.append(result)
    return results


def model_legend(path: Path) -> Legend:
    """The legend in a model's card.

    Raises:
        ModelFileError: the file cannot be used.
    """
    return Legend.from_rows(load_card(path).legend)


def relabel_model(path: Path, legend: Legend, *, merges: Mapping[int, int], progress: Progress) -> None:
    """Write another legend into a model's card, and which clusters are one class from now on.

    Raises:
        ModelFileError: the file cannot be used.
        OutputError: it cannot be written.
    """
    with progress.stage("relabel", total=1, unit="model") as stage:
        network, card = load_model(path)
        class_of = tuple(merges.get(number, number) for number in card.class_of)
        renewed = card.model_copy(update={"legend": legend.rows(), "class_of": class_of})
        write_model(Predictor(network, renewed, device="cpu"), path, overwrite=True)
        stage.advance()


_MODEL = _Kind(model_legend, relabel_model)
_LAYER = _Kind(layer_legend, relabel_layer)
_RASTER = _Kind(class_legend, relabel_raster)


def _kind_of(path: Path) -> _Kind:
    ending = path.suffix.lower()
    if ending == MODEL_ENDING:
        return _MODEL
    return _LAYER if ending in FORMATS else _RASTER


def _check(edit: LegendEdit, paths: Sequence[Path], legends: Sequence[Legend]) -> None:
    there = {entry.value for legend in legends for entry in legend}
    missing = sorted(edit.values - there)
    if missing:
        names = ", ".join(path.name for path in paths)
        known = ", ".join(map(str, sorted(there))) or "none"
        raise SettingsError(f"There is no class {missing[0]} in {names}.", f"The classes are {known}.")
