"""`geoarseg legend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import ClassCount
from geoarseg.errors import SettingsError

if TYPE_CHECKING:
    from geoarseg.raster.legend import Legend, LegendEdit


class Assignment(click.ParamType[tuple[int, str]]):
    """A class and what it gets: 3=water."""

    name = "CLASS=TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:
        """Parse the two."""
        number, equals, text = str(value).partition("=")
        if not equals or not number.strip().isdecimal() or not text.strip():
            self.fail(f"{value!r} is no class with a value such as 3=water.", param, ctx)
        return int(number), text.strip()


class Merge(click.ParamType[tuple[tuple[int, ...], int]]):
    """Classes that become one: 2,5=4."""

    name = "LIST=CLASS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[int, ...], int]:
        """Parse the classes and the one that takes over."""
        sources, equals, target = str(value).partition("=")
        parts = [part.strip() for part in sources.split(",")]
        if not equals or not all(part.isdecimal() for part in [*parts, target.strip()]):
            self.fail(f"{value!r} is no merge such as 2,5=4.", param, ctx)
        return tuple(int(part) for part in parts), int(target)


@click.command(name="legend")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE [FILE ...]")
@click.option("--rename", "names", multiple=True, type=Assignment(), help="A new name: 3=water.")
@click.option("--colour", "--color", "colours", multiple=True, type=Assignment(), help="A new colour: 3=#1f78b4.")
@click.option("--merge", "merges", multiple=True, type=Merge(), help="Make classes one: 2,5=4 leaves class 4.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), help="Names and colours of a JSON file, map, layer or model."
)
@click.option(
    "-k",
    "--classes",
    "cut",
    type=ClassCount(),
    help="First merge the clusters of a model to so many classes; auto: as many as the image of the training suggests.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1),
    help="First merge them so that classes may be so unequal: 0, of similar size, to 1.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Write the model here.  [default: in the place of FILE]"
)
@click.option("--overwrite", is_flag=True, help="Replace an existing OUT.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("--log-json", is_flag=True, help="Progress as JSON lines on standard error.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def command(
    files: tuple[Path, ...],
    names: tuple[tuple[int, str], ...],
    colours: tuple[tuple[int, str], ...],
    merges: tuple[tuple[tuple[int, ...], int], ...],
    source: Path | None,
    cut: int | Literal["auto"] | None,
    alpha: float | None,
    out: Path | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
) -> None:
    """Rename, recolour and merge the classes of class rasters, polygon layers and models, or make others of a model.

    The result is the same FILES with another legend, each written anew, whole or not at all. With -k or --alpha models
    get other classes first, as `geoarseg segment -k` gives them to one map; all else is then about the new classes.
    Without a change, the legend of the first one is printed as JSON.

    Examples:

    \b
        geoarseg legend classes.tif
        geoarseg legend classes.tif classes.gpkg --rename 3=water --merge 2,5=4
        geoarseg legend model.safetensors -k 9 --alpha 0.5 -o nine.safetensors
    """
    from geoarseg.relabel import read_any_legend, relabel_files

    if not (names or colours or merges or source or out) and cut is None and alpha is None:
        click.echo(_pretty(read_any_legend(files[0])))
        return
    edit = _edit(names, colours, merges, read_any_legend(source) if source else None)
    with choose_display(quiet=quiet, log_json=log_json) as progress:
        legends = relabel_files(files, edit, classes=cut, alpha=alpha, out=out, overwrite=overwrite, progress=progress)
    if not quiet:
        for path, legend in zip(files, legends, strict=True):
            click.echo(f"{out or path}: " + ", ".join(f"{entry.value} {entry.name}" for entry in legend))


def _edit(
    names: tuple[tuple[int, str], ...],
    colours: tuple[tuple[int, str], ...],
    merges: tuple[tuple[tuple[int, ...], int], ...],
    base: Legend | None,
) -> LegendEdit:
    from geoarseg.raster.legend import LegendEdit, parse_hex

    joined = {value: target for values, target in merges for value in values if value != target}
    left = [entry for entry in base or () if entry.value not in joined]
    try:
        parsed = {value: parse_hex(text) for value, text in colours}
    except ValueError as error:
        raise SettingsError(f"--colour: {error}.", "Write it as --colour '3=#1f78b4'.") from None
    return LegendEdit(
        {entry.value: entry.name for entry in left} | dict(names),
        {entry.value: entry.colour for entry in left} | parsed,
        joined,
    )


def _pretty(legend: Legend) -> str:
    """The legend as JSON, one class a line."""
    import json

    rows = [json.dumps(row, ensure_ascii=False) for row in json.loads(legend.to_json())]
    return "[\n  " + ",\n  ".join(rows) + "\n]" if rows else "[]"
