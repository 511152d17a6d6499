"""`rio geoarseg`: the whole command line as a plugin of rasterio's."""

from __future__ import annotations

import click

from geoarseg.cli.main import main


@click.command(
    name="geoarseg",
    add_help_option=False,  # --help too is passed on
    context_settings={"ignore_unknown_options": True},
    short_help="Land-cover maps without labels.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Run `geoarseg` with these arguments: the same commands, errors and exit codes."""
    main(list(arguments) or ["--help"])
