"""`geoarseg doctor`."""

from __future__ import annotations

import json

import click


@click.command(name="doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show where an error arose.")
@click.pass_context
def command(context: click.Context, as_json: bool, debug: bool) -> None:
    """Examine this installation: versions, GPUs, disk, and whether torch and GDAL work.

    The result is printed. The exit code is 0 when all is well and 1 when something keeps geoarseg from working.

    Examples:

    \b
        geoarseg doctor
        geoarseg doctor --json
    """
    from geoarseg.doctor import describe, examine

    diagnosis = examine()
    if as_json:
        click.echo(json.dumps(diagnosis.to_dict(), indent=2, ensure_ascii=False))
    else:
        for name, text in describe(diagnosis):
            click.echo(f"{name:<12} {text}")
        click.echo("All is well." if diagnosis.healthy else "Something is wrong.")
    if not diagnosis.healthy:
        context.exit(1)
