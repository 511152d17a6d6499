"""`geoarseg reproduce`."""

from __future__ import annotations

from pathlib import Path

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import DEFAULTS


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of whole numbers such as 0,1,2.") from None


def _datasets(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for value in values:
        name, equals, folder = value.partition("=")
        if not equals or not folder:
            raise click.BadParameter(f"{value!r} names no dataset: write potsdam=FOLDER.")
        if name in folders:
            raise click.BadParameter(f"{name} is given twice.")
        folders[name] = Path(folder)
    return folders


@click.command(name="reproduce")
@click.argument("names", nargs=-1, metavar="NAME [NAME ...]")
@click.option("--data", multiple=True, callback=_datasets, metavar="NAME=DST", help="A prepared dataset; repeat it.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for tables, results and models.")
@click.option("--seeds", default="0", callback=_numbers, show_default=True, help="One run of each cell, such as 0,1,2.")
@click.option("--fraction", type=float, default=1.0, show_default=True, help="Under 1: a dry run on so much of it all.")
@click.option("--device", default=DEFAULTS.device, show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Any setting, for every cell.")
@click.option("--list", "listing", is_flag=True, help="Print the cells with the paper's figures, and end.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no table.")
@click.option("--log-json", is_flag=True, help="Progress as JSON lines on standard error.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
def command(
    names: tuple[str, ...],
    data: dict[str, Path],
    out: Path | None,
    seeds: tuple[int, ...],
    fraction: float,
    device: str,
    overrides: tuple[str, ...],
    listing: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
) -> None:
    """Run the experiments of the paper: NAME is table-1a to table-1f, table-2, table-3, figure-7, all, or one cell.

    The result is TABLE.csv and TABLE.md in OUT: each accuracy beside the paper's. Cells without their dataset are
    listed as skipped. A run that was cut off goes on where it stopped. At full length this takes a GPU and weeks.

    Examples:

    \b
        geoarseg reproduce --list table-1d
        geoarseg reproduce table-1d --data potsdam=potsdam -o dry --fraction 0.01
        geoarseg reproduce table-1d --data potsdam=potsdam -o full --seeds 0,1,2
    """
    from geoarseg.paper import CELLS, select_cells

    if listing:
        for cell in select_cells(names) if names else CELLS:
            figure = "-" if cell.figure is None else f"{cell.figure:g}"
            click.echo(f"{cell.name:<38} {figure:>6}  {cell.way:<10}  {cell.method}")
        return
    if out is None:
        raise click.UsageError("Missing option '-o' / '--out'.")
    from geoarseg.reproduce import reproduce

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        tables = reproduce(
            names,
            data,
            out,
            fraction=fraction,
            seeds=seeds,
            device=device,
            overrides=overrides,
            progress=progress,
        )
    if not quiet:
        click.echo("\n".join(tables.values()), nl=False)
