"""One legend for all that belongs to a map: its class raster, its polygons and its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from geoarseg.errors import InputError, SettingsError
from geoarseg.inference.predictor import Predictor
from geoarseg.models import write_model
from geoarseg.network.checkpoint import ModelCard, load_card, load_model
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path
from geoarseg.raster.legend import Legend, LegendEdit
from geoarseg.raster.relabel import class_legend, relabel_raster
from geoarseg.recut import Number, recut_card
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


def relabel_files(
    paths: Sequence[Path],
    edit: LegendEdit,
    *,
    classes: Number | None = None,
    alpha: float | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Legend]:
    """Change the legend of files that belong together; nothing is written before all of them are found good.

    Args:
        paths: class rasters, polygon layers and models; each is written anew, whole or not at all.
        edit: the changes. Its values must be classes of one file at least.
        classes: first merge the clusters of models to so many classes; None = as they are.
        alpha: first merge them to classes that may be so unequal, 0 to 1; None = as they are.
        out: write here what becomes of the only path, a model, which is left as it was; None = in its place.
        overwrite: replace what is there.
        progress: hears of each file.

    Returns:
        The new legend of each file.

    Raises:
        UserError: a file cannot be read or written, or the edit names a class that none of them has, or there is no
            such cut.
    """
    kinds = [_kind_of(path) for path in paths]
    if out is not None or classes is not None or alpha is not None:
        _check_models(paths, out)
        cut = _as_it_is if classes is None and alpha is None else partial(recut_card, classes=classes, alpha=alpha)
        kinds = [_Kind(partial(model_legend, cut=cut), partial(relabel_model, cut=cut, out=out))] * len(paths)
    if out is not None:
        check_output_path(out, overwrite)
    legends = [kind.read(path) for kind, path in zip(kinds, paths, strict=True)]
    _check(edit, paths, legends)
    entries = {entry.value: entry for legend in reversed(legends) for entry in legend}
    results = []
    for path, kind, legend in zip(paths, kinds, legends, strict=True):
        there = {entry.value for entry in legend}
        merges = {value: target for value, target in edit.merges.items() if value in there}
        whole = {target: entries[target] for target in merges.values()} | {e.value: e for e in legend}
        result = edit.applied_to(Legend(tuple(whole[value] for value in sorted(whole))))
        kind.write(path, result, merges=merges, progress=progress or Progress())
        results.append(result)
    return results


def _as_it_is(card: ModelCard) -> ModelCard:
    return card


def model_legend(path: Path, *, cut: Callable[[ModelCard], ModelCard] = _as_it_is) -> Legend:
    """The legend in a model's card, once that is cut.

    Raises:
        ModelFileError: the file cannot be used.
        SettingsError: its card cannot be cut so.
    """
    return Legend.from_rows(cut(load_card(path)).legend)


def relabel_model(
    path: Path,
    legend: Legend,
    *,
    merges: Mapping[int, int],
    progress: Progress,
    cut: Callable[[ModelCard], ModelCard] = _as_it_is,
    out: Path | None = None,
) -> None:
    """Cut a model's card, write another legend into it, and which clusters are one class from now on.

    Raises:
        ModelFileError: the file cannot be used.
        OutputError: it cannot be written.
    """
    with progress.stage("relabel", total=1, unit="model") as stage:
        network, card = load_model(path)
        card = cut(card)
        class_of = tuple(merges.get(number, number) for number in card.class_of)
        renewed = card.model_copy(update={"legend": legend.rows(), "class_of": class_of})
        write_model(Predictor(network, renewed, device="cpu"), out or path, overwrite=True)
        stage.advance()


_MODEL = _Kind(model_legend, relabel_model)
_LAYER = _Kind(layer_legend, relabel_layer)
_RASTER = _Kind(class_legend, relabel_raster)


def _kind_of(path: Path) -> _Kind:
    ending = path.suffix.lower()
    if ending == MODEL_ENDING:
        return _MODEL
    return _LAYER if ending in FORMATS else _RASTER


def _check_models(paths: Sequence[Path], out: Path | None) -> None:
    """Refuse to cut what is no model, or to write several files, or a map, to one path."""
    foreign = next((path for path in paths if _kind_of(path) is not _MODEL), None)
    if foreign is not None:
        raise SettingsError(
            f"-k, --alpha and -o are for models, but {foreign} is none.",
            "Make its map anew: geoarseg segment -k, then geoarseg vectorize.",
        )
    if out is not None and len(paths) > 1:
        raise SettingsError(f"-o writes one model, but there are {len(paths)} FILES.", "Name one.")
    if out is not None and _kind_of(out) is not _MODEL:
        raise SettingsError(f"-o writes a model, but {out} is no name of one.", f"Let it end in {MODEL_ENDING}.")


def _check(edit: LegendEdit, paths: Sequence[Path], legends: Sequence[Legend]) -> None:
    there = {entry.value for legend in legends for entry in legend}
    missing = sorted(edit.values - there)
    if missing:
        names = ", ".join(path.name for path in paths)
        known = ", ".join(map(str, sorted(there))) or "none"
        raise SettingsError(f"There is no class {missing[0]} in {names}.", f"The classes are {known}.")
