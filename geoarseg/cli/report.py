"""`geoarseg report`."""

from __future__ import annotations

from pathlib import Path

import click

from geoarseg.cli.display import choose_display
from geoarseg.cli.options import common_options


@click.command(name="report")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--image", "images", multiple=True, help="The image, if it has moved or is no file; once for each.")
@click.option("--labels", type=click.Path(path_type=Path), help="Raster or vector layer of labels to score the map by.")
@click.option("--field", help="Field of a vector layer that holds the class.  [default: class, class_id or value]")
@common_options
def command(
    folder: Path,
    images: tuple[str, ...],
    labels: Path | None,
    field: str | None,
    overwrite: bool,
    quiet: bool,
    log_json: bool,
    debug: bool,
) -> None:
    """Make the report.html of a finished run in FOLDER anew, with the names and classes that its files have now.

    The result is one page that stands alone: image, map and confidence under a slider, the classes with their areas and
    spectra, the training and all settings. `geoarseg run` writes it too.

    Examples:

    \b
        geoarseg report out --overwrite
        geoarseg report out --labels labels.tif --overwrite
    """
    from geoarseg.report.write import report_again

    with choose_display(quiet=quiet, log_json=log_json) as progress:
        report_again(folder, images=images, labels=labels, field=field, overwrite=overwrite, progress=progress)
