"""Named classes from a few labels: clusters get the class that their labels vote for. Nothing is trained.

The model is read with each cluster as a class, its probabilities are looked up at the labels, and the votes make
classes of clusters, many to one. The model file gets the classes and their legend, so every map made with it has them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoarseg.clusters import as_clusters, distances_of, with_classes
from geoarseg.errors import InputError
from geoarseg.evaluation.label_places import LabelPlaces, read_label_places
from geoarseg.evaluation.naming_report import NamedClass, NamedCluster, NamingReport
from geoarseg.evaluation.voting import LabelVotes, Naming, Prior, cross_validate, name_clusters
from geoarseg.explain import measure_model
from geoarseg.inference.places import probabilities_at
from geoarseg.inference.predictor import Predictor
from geoarseg.inference.survey import Site, SiteSearch, measure_spectra, survey
from geoarseg.mapping import segment_scene
from geoarseg.models import write_model
from geoarseg.polygons import vectorize_file
from geoarseg.progress import Progress
from geoarseg.raster.atomic import check_output_path, whole_file
from geoarseg.raster.legend import Colour, Legend, LegendEntry
from geoarseg.raster.scene import Scene, open_scene
from geoarseg.raster.spectra import Spectrum, merge_spectra
from geoarseg.raster.suggest import suggest
from geoarseg.settings import Settings
from geoarseg.vector.formats import check_place, format_of
from geoarseg.wishes import find_wishes, write_wishes

Unlabelled = Literal["nearest", "apart"]
"""Clusters without labels: each follows the nearest labelled cluster, or all become a class "unlabelled"."""

_GROUPS_ACROSS = 8  # groups of neighbouring labels, across the labels' extent
_LEAST_GROUP_PX = 32
_APART = ("unlabelled", (190, 190, 190))


@dataclass(frozen=True, eq=False)
class _Look:
    """What is known of the clusters without labels."""

    spectra: tuple[Spectrum, ...]
    """Of each cluster."""
    sites: dict[int, tuple[Site, ...]]
    """Their largest patches, by cluster from 1."""
    distances: NDArray[np.float64]
    """How far they are from each other, (cluster, cluster), by the merge tree and the spectra."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each cluster, (cluster,)."""
        return np.array([spectrum.share for spectrum in self.spectra])


def name_model(
    model: Path,
    labels: Sequence[str],
    *,
    images: Sequence[str] = (),
    field: str | None = None,
    layer: str | None = None,
    prior: Prior = "between",
    unlabelled: Unlabelled = "nearest",
    suggestions: Path | None = None,
    out: Path | None = None,
    settings: Settings | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> NamingReport:
    """Name the classes of a model by labels, and write them into its file; on request, map and polygons as well.

    Args:
        model: the model file, which is written anew.
        labels: vector layers of points and polygons, and rasters of class values.
        images: the image that the labels lie on; empty = those of the `summary.json` beside the model.
        field: field of a vector layer that holds the class; None = `class`, `class_id` or `value`.
        layer: layer of a vector file.
        prior: how common the classes are taken to be.
        unlabelled: what becomes of clusters without labels.
        suggestions: a point layer to write, of the places where one more label would help most.
        out: a folder for `classes.tif`, `classes.gpkg` and `naming.json`.
        settings: seed, device, windows and polygons count.
        overwrite: replace existing outputs; the model is replaced in any case.
        progress: hears of it all.

    Raises:
        UserError: the model, the labels or the image cannot be used, or an output not written.
    """
    settings, progress = settings or Settings(), progress or Progress()
    _check_outputs(suggestions, out, overwrite)
    clusters = as_clusters(Predictor.from_file(model, device=settings.device))
    scene = open_scene(list(images or _images_beside(model)), bands=clusters.card.bands)
    places = read_label_places(labels, scene, field=field, layer=layer, seed=settings.seed, progress=progress)
    places, votes = _voting(places, scene, clusters, progress)
    look = _look(scene, clusters, settings.seed, progress)
    naming = name_clusters(votes, look.shares, look.distances, prior=prior)
    class_of, names = _classes(naming, places.names, unlabelled)
    legend = _legend(class_of, names, places, look, scene)
    validation = cross_validate(votes, _groups(places), look.shares, look.distances, prior=prior, seed=settings.seed)
    report = NamingReport(
        _named_classes(class_of, legend, votes, places, look, validation.recalls if validation else None),
        _named_clusters(class_of, legend, naming, votes, look),
        validation,
        None if validation else _why_not(places),
        find_wishes(
            naming, [legend.name_of(value) for value in class_of], places.names, look.spectra, look.sites, scene
        ),
        _notes(places, class_of, names, naming),
    )
    named = clusters.with_card(with_classes(clusters.card, class_of, legend))
    named = measure_model(named, [scene], roles=scene.band_roles, seed=settings.seed, progress=progress)
    write_model(named, model, overwrite=True)
    if suggestions is not None:
        write_wishes(suggestions, report.wishes, scene, overwrite=overwrite)
    if out is not None:
        _write_map(out, scene, named, report, settings, overwrite, progress)
    return report


def _check_outputs(suggestions: Path | None, out: Path | None, overwrite: bool) -> None:
    if suggestions is not None:
        format_of(suggestions)
        check_place(suggestions, overwrite=overwrite)
    if out is not None:
        for name in ("classes.tif", "classes.gpkg", "naming.json"):
            check_output_path(out / name, overwrite)


def _images_beside(model: Path) -> list[str]:
    """The images that the summary of the model's run names, if they are files here: it may be a stranger's."""
    path = model.with_name("summary.json")
    try:
        images = json.loads(path.read_text(encoding="utf-8"))["images"]
    except (OSError, ValueError, KeyError, TypeError):
        images = None
    if not (
        isinstance(images, list) and images and all(isinstance(name, str) and Path(name).is_file() for name in images)
    ):
        raise InputError(f"No summary.json beside {model} tells where its image is.", "Name it with --image.")
    return images


def _voting(
    places: LabelPlaces, scene: Scene, clusters: Predictor, progress: Progress
) -> tuple[LabelPlaces, LabelVotes]:
    """The labels where the image has data, and their votes."""
    found = probabilities_at(scene, clusters, places.pixels, progress=progress).astype(np.float64)
    seen = np.isfinite(found[:, 0])
    if not seen.any():
        raise InputError("No label lies where the image has data.", "Check the image's nodata value and its mask.")
    kept = places.only(seen)
    if len(kept.names) < 2:
        raise InputError(f"All labels are of one class, {kept.names[0]}.", "Two classes or more are needed.")
    if lost := len(places.sizes) - len(kept.sizes):
        progress.warning(f"{lost} of {len(places.sizes)} labels lie where the image has no data.")
    return kept, LabelVotes(found[seen], kept.classes, kept.weights, len(kept.names))


def _look(scene: Scene, clusters: Predictor, seed: int, progress: Progress) -> _Look:
    count, search = clusters.classes, SiteSearch()

    def searched() -> Any:
        for block in survey([scene], clusters, range(1, count + 1), seed=seed, progress=progress):
            search.add(block)
            yield block

    spectra = measure_spectra(searched(), clusters=count)
    return _Look(spectra, search.sites(), distances_of(clusters.card, spectra))


def _classes(naming: Naming, names: tuple[str, ...], unlabelled: Unlabelled) -> tuple[list[int], list[str]]:
    """The class of each cluster, numbered from 1 without gaps in the order of the labels, and the classes' names."""
    raw = naming.class_of.copy()
    if unlabelled == "apart":
        raw[~naming.labelled] = len(names)
    present, numbers = np.unique(raw, return_inverse=True)
    return (numbers + 1).tolist(), [(*names, _APART[0])[index] for index in present]


def _legend(class_of: Sequence[int], names: Sequence[str], places: LabelPlaces, look: _Look, scene: Scene) -> Legend:
    """The labels' own colours where they have some; else those that the spectra suggest."""
    suggestions = suggest(merge_spectra(look.spectra, class_of), scene.band_roles)
    colours: list[Colour] = [
        places.colours.get(name, _APART[1] if name == _APART[0] else suggestion.colour)
        for name, suggestion in zip(names, suggestions, strict=True)
    ]
    return Legend(tuple(LegendEntry(v, n, c) for v, (n, c) in enumerate(zip(names, colours, strict=True), 1)))


def _groups(places: LabelPlaces) -> NDArray[np.int64]:
    """The group of each pixel (pixel,): units whose first pixels share a cell of a grid over the labels."""
    first = places.pixels[np.unique(places.units, return_index=True)[1]]
    extent = int((first.max(axis=0) - first.min(axis=0)).max()) + 1
    side = max(_LEAST_GROUP_PX, -(-extent // _GROUPS_ACROSS))
    cells = (first - first.min(axis=0)) // side
    return np.asarray((cells[:, 0] * (_GROUPS_ACROSS + 1) + cells[:, 1])[places.units])


def _why_not(places: LabelPlaces) -> str:
    groups = _groups(places)
    single = [name for index, name in enumerate(places.names) if len(np.unique(groups[places.classes == index])) < 2]
    return (
        "The accuracy cannot be known: it takes two classes with labels in two places each, apart from each other, but "
        f"{', '.join(single)} {'has' if len(single) == 1 else 'have'} one place only."
    )


def _named_classes(
    class_of: Sequence[int],
    legend: Legend,
    votes: LabelVotes,
    places: LabelPlaces,
    look: _Look,
    recalls: tuple[float | None, ...] | None,
) -> tuple[NamedClass, ...]:
    """The classes of the map, then those of the labels that no cluster became."""
    heard = dict(zip(places.names, votes.votes().sum(axis=1).tolist(), strict=True))
    right = dict(zip(places.names, recalls or [None] * len(heard), strict=True))
    found = []
    for entry in legend:
        members = tuple(n for n, value in enumerate(class_of, 1) if value == entry.value)
        share = float(sum(look.spectra[n - 1].share for n in members))
        labels, recall = heard.get(entry.name, 0.0), right.get(entry.name)
        found.append(NamedClass(entry.value, entry.name, entry.hex, labels, members, share, recall))
    there = {entry.name for entry in legend}
    lost = [NamedClass(0, n, "#000000", heard[n], (), 0.0, right[n]) for n in places.names if n not in there]
    return (*found, *lost)


def _named_clusters(
    class_of: Sequence[int], legend: Legend, naming: Naming, votes: LabelVotes, look: _Look
) -> tuple[NamedCluster, ...]:
    heard = votes.votes().sum(axis=0)
    return tuple(
        NamedCluster(
            index + 1,
            legend.name_of(value),
            look.spectra[index].share,
            float(heard[index]),
            float(naming.posterior[index].max()) if naming.labelled[index] else 0.0,
            None if naming.labelled[index] else int(naming.nearest[index]) + 1,
        )
        for index, value in enumerate(class_of)
    )


def _notes(places: LabelPlaces, class_of: Sequence[int], names: Sequence[str], naming: Naming) -> tuple[str, ...]:
    notes = [
        *places.notes,
        *(
            f"No cluster became {name}: other classes have more votes in each. Label purer places, or train with more"
            " clusters."
            for name in places.names
            if name not in names
        ),
    ]
    if silent := int((~naming.labelled).sum()):
        notes.append(f"{silent} of {len(class_of)} clusters have no label.")
    return tuple(notes)


def _write_map(
    out: Path,
    scene: Scene,
    named: Predictor,
    report: NamingReport,
    settings: Settings,
    overwrite: bool,
    progress: Progress,
) -> None:
    classes = out / "classes.tif"
    segment_scene(scene, named, classes, settings=settings, overwrite=overwrite, progress=progress)
    vectorize_file(
        classes,
        out / "classes.gpkg",
        settings=settings.polygons,
        images=scene.paths,
        overwrite=overwrite,
        progress=progress,
    )
    path = out / "naming.json"
    with whole_file(path, overwrite=overwrite) as unfinished:
        text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        unfinished.write_text(text + "\n", encoding="utf-8")
