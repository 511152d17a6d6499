"""Evaluate a class raster: open the labels, count, match, score or estimate, and keep what a report shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoarseg.errors import InputError
from geoarseg.evaluation.estimators import StratifiedEstimates
from geoarseg.evaluation.features import Features, clean_name, is_vector, read_features
from geoarseg.evaluation.labels import LabelColours, RasterLabels, open_label_raster
from geoarseg.evaluation.result import Evaluation, Match, SampleEvaluation, Thinned, thin
from geoarseg.evaluation.sample import Sample, estimate_sample, measure_areas, read_sample, weighted_counts
from geoarseg.evaluation.scores import HIGHEST, ClassValues, Labels, count_pixels, open_classes, read_blocks
from geoarseg.metrics import (
    Counts,
    Scores,
    agreement,
    confusion_matrix,
    hungarian_assignment,
    majority_assignment,
    scores,
)
from geoarseg.progress import Progress
from geoarseg.raster.legend import Legend, LegendEntry
from geoarseg.raster.locate import PathLike
from geoarseg.raster.scene import Scene
from geoarseg.raster.style import read_legend


def evaluate(
    classes: PathLike,
    labels: PathLike,
    *,
    out: Path | None = None,
    field: str | None = None,
    layer: str | None = None,
    ignore: Collection[int] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Scores:
    """Score a class raster against a label raster or a vector layer; optionally write a report.

    Args:
        classes: one band of classes, 0 to 255; 0 and nodata = no class.
        labels: a raster of class values or of Potsdam's colours on any grid, or polygons or points with a class.
        out: a folder for `report.html` and `scores.json`.
        field: field of a vector layer that holds the class.
        layer: layer of a vector file.
        ignore: class values of the labels that are not scored.
        overwrite: replace an existing report.
        progress: receives the reports.

    Raises:
        InputError: a file cannot be used, the labels lie elsewhere, or no pixel has both a label and a class.
        OutputError: the report exists or cannot be written.
    """
    from geoarseg.evaluation.report import check_report_paths, write_report  # matplotlib is slow to import

    if out is not None:
        check_report_paths(out, overwrite=overwrite)
    result = evaluate_map(classes, labels, field=field, layer=layer, ignore=ignore, progress=progress)
    if out is not None:
        write_report(out, result, title=f"{classes} against {labels}", overwrite=overwrite)
    return result.scores


def evaluate_map(
    classes_path: PathLike,
    labels_path: PathLike,
    *,
    match: Match = "one-to-one",
    colours: LabelColours = "auto",
    field: str | None = None,
    layer: str | None = None,
    ignore: Collection[int] = (),
    sample: bool = False,
    strata_path: PathLike | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a class raster against labels that cover it, or against a reference sample.

    Args:
        classes_path: one band of classes, 0 to 255; 0 and nodata = no class.
        labels_path: as in `evaluate`; a vector layer for a sample.
        match: how the map's values become classes; "identity" takes them for class values as they are.
        colours: as in `open_label_raster`.
        field: field of a vector layer that holds the class.
        layer: layer of a vector file.
        ignore: class values of the labels that are not scored.
        sample: the labels are a reference sample, from which accuracies and areas are estimated.
        strata_path: raster of the strata of the sample; None = the values of the map.
        progress: receives the reports.

    Raises:
        InputError: a file cannot be used, the labels lie elsewhere, or nothing can be scored.
    """
    classes = open_classes(classes_path)
    own = read_legend(classes_path)
    with ExitStack() as stack:
        labels: RasterLabels | Features
        if is_vector(labels_path):
            known = {entry.value: entry.name for entry in own or ()} if match == "identity" else None
            labels = read_features(labels_path, classes, field=field, layer=layer, names=known)
            legend = _named(labels.names)
        elif sample:
            raise InputError(f"{labels_path} is no vector layer.", "A sample is a layer of points or polygons.")
        else:
            labels = stack.enter_context(open_label_raster(labels_path, classes, colours=colours))
            legend = _clean(labels.legend)
        if match == "identity" and own is not None and not len(legend):
            legend = _clean(own)
        if sample:
            assert isinstance(labels, Features)
            strata = None
            if strata_path is not None:
                strata = stack.enter_context(open_label_raster(strata_path, classes))
            return _evaluate_sample(classes, labels, strata, match, legend, ignore, progress)
        return _evaluate_pixels(classes, labels, match, legend, ignore, progress)


def assignment_of(match: Match, confusion: Counts) -> dict[int, int]:
    """Class of each value of the map."""
    if match == "identity":
        return {value: value for value in range(1, confusion.shape[0])}
    return hungarian_assignment(confusion) if match == "one-to-one" else majority_assignment(confusion)


def _evaluate_pixels(
    classes: Scene,
    labels: RasterLabels | Features,
    match: Match,
    legend: Legend,
    ignore: Collection[int],
    progress: Progress | None,
) -> Evaluation:
    thinned = Thinned.of(classes)
    blocks = thin(read_blocks(classes, labels, progress=progress), thinned, ignore)
    confusion = count_pixels(blocks, ignore=ignore)
    warnings = labels.warnings() if isinstance(labels, RasterLabels) else labels.warnings
    result = evaluate_counts(confusion, match=match, legend=legend)
    return replace(result, warnings=tuple(warnings), thinned=thinned)


def evaluate_counts(
    confusion: Counts, *, match: Match, legend: Legend, assignment: Mapping[int, int] | None = None
) -> Evaluation:
    """Match and score a matrix of counts; an assignment that was made elsewhere is scored as it is.

    Raises:
        InputError: no pixel has both a label and a class.
    """
    return Evaluation(
        confusion=confusion,
        scores=scores(confusion),
        match=match,
        agreement=agreement(confusion, assignment_of(match, confusion) if assignment is None else assignment),
        legend=legend,
    )


def _evaluate_sample(
    classes: Scene,
    features: Features,
    strata: RasterLabels | None,
    match: Match,
    legend: Legend,
    ignore: Collection[int],
    progress: Progress | None,
) -> Evaluation:
    kept = ~np.isin(features.values, list(ignore))
    features = replace(features, geometries=features.geometries[kept], values=features.values[kept])
    values = ClassValues(classes)
    sample = read_sample(features, classes, values, strata)
    if not len(sample.reference):
        raise InputError(
            "No unit of the sample lies where the map has a class.", "Check the place of the sample and its strata."
        )
    thinned = Thinned.of(classes)
    source: Labels = strata or _Nothing()
    areas = measure_areas(
        thin(read_blocks(classes, source, progress=progress), thinned, range(HIGHEST + 1)),
        classes,
        by_label=strata is not None,
    )
    mapped = areas
    if strata is not None:
        inside = (
            (window, np.where(stratum > 0, value, 0), stratum)
            for window, value, stratum in read_blocks(classes, strata, progress=progress)
        )
        mapped = measure_areas(inside, classes, by_label=False)
    population = areas.strata()
    assignment = assignment_of(match, weighted_counts(sample, population))
    estimates = estimate_sample(sample, assignment, population, own_strata=strata is not None)
    mapped_area: dict[int, float] = {}
    for value, stratum in mapped.strata().items():
        to = assignment.get(value, 0)
        mapped_area[to] = mapped_area.get(to, 0.0) + stratum.area
    confusion = confusion_matrix(sample.mapped, sample.reference, clusters=HIGHEST, classes=HIGHEST)
    return Evaluation(
        confusion=confusion,
        scores=scores(confusion),
        match=match,
        agreement=agreement(confusion, assignment),
        legend=legend,
        warnings=(*features.warnings, *_sample_warnings(sample, estimates, match)),
        thinned=thinned,
        sampled=SampleEvaluation(estimates, mapped_area, areas.unit, sample),
    )


class _Nothing:
    """Labels that are nowhere."""

    def read(self, window: object) -> NDArray[np.int64]:
        """A zero, which takes any shape."""
        return np.zeros((1, 1), dtype=np.int64)


def _sample_warnings(sample: Sample, estimates: StratifiedEstimates, match: Match) -> Iterator[str]:
    if sample.left_out:
        yield f"{sample.left_out} sample units lie outside the map or its strata, or on nodata, and were left out."
    if match != "identity":
        yield (
            "The same sample chose the class of each cluster and scores it, so the accuracies are optimistic; "
            "with few clusters and many units, only slightly."
        )
    if estimates.single:
        yield (
            f"Strata with a single unit: {len(estimates.single)}. Their variance is unknown and counts as 0, so that "
            "the intervals are too narrow."
        )
    if estimates.missed:
        yield (
            f"Strata without a unit: {len(estimates.missed)}. The estimates speak of the other "
            f"{estimates.covered:.1%} of the area."
        )


def _named(names: Mapping[int, str]) -> Legend:
    default = Legend(())
    return Legend(
        tuple(LegendEntry(value, names[value], default.colour_of(value)) for value in sorted(names) if value < HIGHEST)
    )


def _clean(legend: Legend) -> Legend:
    return Legend(tuple(LegendEntry(entry.value, clean_name(entry.name), entry.colour) for entry in legend))
