"""`geoarseg evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoarseg.cli.display import QuietProgress, choose_display
from geoarseg.cli.options import GroupedCommand, common_options

if TYPE_CHECKING:
    from geoarseg.evaluation.result import Match
    from geoarseg.evaluation.tables import Table


class ValueList(click.ParamType[tuple[int, ...]]):
    """Class values such as 0,255."""

    name = "LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse the list."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of class values such as 0,255.", param, ctx)


_MAP_ONLY = ("labels", "field", "layer", "sample", "strata")
_MODEL_ONLY = ("data", "labelled_images", "seed")


@click.command(name="evaluate", cls=GroupedCommand)
@click.argument("classes", required=False)
@click.option("--labels", help="Raster of class values or Potsdam colours, or a vector layer with a class field.")
@click.option("--field", help="Field that holds the class.  [default: class, class_id or value]")
@click.option("--layer", help="Layer of a vector file with several.")
@click.option("--label-colours", type=click.Choice(["auto", "potsdam"]), default="auto", show_default=True)
@click.option("--ignore", type=ValueList(), default=(), help="Label values that are not scored, such as 0,255.")
@click.option("--many-to-one", is_flag=True, help="Match each cluster to its most frequent class.")
@click.option("--identity", is_flag=True, help="No matching: the map's values are the class values.")
@click.option("--sample", is_flag=True, help="LABELS is a reference sample: estimate accuracies and areas.")
@click.option("--strata", help="Raster of the sample's strata.  [default: the map's values]")
@click.option("-m", "--model", type=click.Path(path_type=Path), help="Score this model file instead of a map ...")
@click.option("--data", type=click.Path(path_type=Path), help="... on the labelled crops of this prepared dataset.")
@click.option("--labelled-images", type=int, help="Fit the many-to-one match on so many crops, score the others.")
@click.option("--seed", type=int, help="Seed of the draw of these crops.  [default: 0]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for report.html and scores.json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@common_options
def command(
    classes: str | None,
    model: Path | None,
    many_to_one: bool,
    identity: bool,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Score the class raster CLASSES against --labels, or a --model on --data.

    The result is printed, and written to the folder -o as report.html and scores.json.

    Examples:

    \b
        geoarseg evaluate classes.tif --labels labels.tif
        geoarseg evaluate classes.tif --labels fields.gpkg --field crop -o out
        geoarseg evaluate --model model.safetensors --data potsdam
    """
    _check_options(classes, model, many_to_one and identity, options)
    match: Match | None = "many-to-one" if many_to_one else "identity" if identity else None
    if options["out"] is not None:
        from geoarseg.evaluation.report import check_report_paths

        check_report_paths(options["out"], overwrite=overwrite)
    with choose_display(quiet=quiet, log_json=log_json) as progress:
        if model is not None:
            tree, tables = _score_model(model, match, overwrite, progress, options)
        else:
            assert classes is not None
            tree, tables = _score_map(classes, match or "one-to-one", overwrite, progress, options)
    if as_json:
        click.echo(json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False))
        return
    click.echo("\n\n".join(table.to_text() for table in tables))
    if options["out"] is not None:
        click.echo(f"\nLook at {options['out'] / 'report.html'}.")


def _check_options(classes: str | None, model: Path | None, two_matches: bool, options: dict[str, Any]) -> None:
    if (classes is None) == (model is None):
        raise click.UsageError("Give either a class raster with --labels, or --model with --data.")
    needed, foreign = ("data", _MAP_ONLY) if model is not None else ("labels", _MODEL_ONLY)
    if options[needed] is None:
        raise click.UsageError(f"--{needed} is missing.")
    for name in foreign:
        if options[name] not in (None, False):
            what = "a model" if model is not None else "a class raster"
            raise click.UsageError(f"--{name.replace('_', '-')} makes no sense with {what}.")
    if two_matches:
        raise click.UsageError("--many-to-one and --identity exclude each other.")
    if options["strata"] is not None and not options["sample"]:
        raise click.UsageError("--strata needs --sample.")


def _score_map(
    classes: str, match: Match, overwrite: bool, progress: QuietProgress, options: dict[str, Any]
) -> tuple[dict[str, Any], Sequence[Table]]:
    from geoarseg.evaluation.evaluate import evaluate_map
    from geoarseg.evaluation.report import to_dict, write_report
    from geoarseg.evaluation.tables import result_tables

    result = evaluate_map(
        classes,
        options["labels"],
        match=match,
        colours=options["label_colours"],
        field=options["field"],
        layer=options["layer"],
        ignore=options["ignore"],
        sample=options["sample"],
        strata_path=options["strata"],
        progress=progress,
    )
    for text in result.warnings:
        progress.warning(text)
    if options["out"] is not None:
        title = f"{Path(classes).name} against {Path(options['labels']).name}"
        write_report(options["out"], result, title=title, overwrite=overwrite)
    return to_dict(result), result_tables(result)


def _score_model(
    model: Path, match: Match | None, overwrite: bool, progress: QuietProgress, options: dict[str, Any]
) -> tuple[dict[str, Any], Sequence[Table]]:
    from geoarseg.datasets.store import open_store
    from geoarseg.evaluation.report import to_dict, write_report
    from geoarseg.evaluation.tables import result_tables
    from geoarseg.inference.predictor import Predictor
    from geoarseg.scoring import draw_examples, evaluate_model

    store = open_store(options["data"])
    predictor = Predictor.from_file(model, device=options["device"])
    found = evaluate_model(
        predictor,
        store,
        match=match,
        labelled_images=options["labelled_images"],
        seed=options["seed"] or 0,
        ignore=options["ignore"],
        progress=progress,
    )
    if options["out"] is not None:
        write_report(
            options["out"],
            found.evaluation,
            title=f"{model.name} on {options['data'].name}",
            facts=found.facts(),
            tables=found.tables(),
            pictures=[draw_examples(predictor, store, found.evaluation)],
            overwrite=overwrite,
        )
    return to_dict(found.evaluation) | found.facts(), [*found.tables(), *result_tables(found.evaluation)]
