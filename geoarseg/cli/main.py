"""The command `geoarseg`: finds the subcommand, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from functools import partial
from importlib import metadata
from typing import Any

import click

from geoarseg import __version__
from geoarseg.cli.leash import put_on_leash
from geoarseg.container import bound_threads
from geoarseg.errors import GeoArSegError, SettingsError

# In the order of the way of the data; the texts stand here so that --help imports none of the commands.
COMMANDS = {
    "run": "Train on images and write their land-cover map: all steps in one.",
    "train": "Train a model on images.",
    "segment": "Make a class raster of an image with a trained model.",
    "vectorize": "Turn a class raster into polygons.",
    "name": "Name the classes of a model by a few labels: points, polygons or a raster.",
    "legend": "Rename, recolour and merge the classes of maps, polygons and models.",
    "report": "Make the page that tells of a finished run anew.",
    "evaluate": "Score a class raster or a model against labels.",
    "info": "Say what a raster or a model file holds.",
    "compare": "Score our networks beside K-means and mixtures on a labelled image.",
    "demo": "Make a sample scene, run on it, and score the map beside K-means.",
    "export": "Write models and maps in the forms of other programs: ONNX, STAC.",
    "data": "Prepare a benchmark dataset for training and evaluation.",
    "probe": "Train small classifiers on a model's features, and score them.",
    "overclustering": "Score many clusters, joined to classes by a few labelled crops.",
    "reproduce": "Run the experiments of the paper beside its figures.",
    "completion": "Print the script that completes commands in bash, zsh or fish.",
    "doctor": "Examine the installation: versions, GPUs, disk, whether torch and GDAL work.",
}


INTERRUPTED = 130
"""The exit code after Ctrl-C."""
_MEMORY_WORDS = ("DefaultCPUAllocator", "failed to map segment", "Cannot allocate memory")
"""What torch, a library that does not even load, and GDAL say when there is not enough memory."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"geoarseg.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; without click's empty line on Ctrl-C, which is no JSON."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise click.Abort from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


_VERSION = "Print the versions of geoarseg, GDAL and torch, and exit."


def _gdal_version() -> str:
    import rasterio

    return str(rasterio.__gdal_version__)


def _print_versions(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    click.echo(f"geoarseg, version {__version__}")
    # The plugin asks before each job: torch is not imported, which takes a second.
    for name, version_of in (("GDAL", _gdal_version), ("torch", partial(metadata.version, "torch"))):
        try:
            click.echo(f"{name} {version_of()}")
        except Exception:  # a library that fails at import may raise anything; `geoarseg doctor` says why
            click.echo(f"{name} does not work")
    context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_versions, help=_VERSION)
def cli() -> None:
    """Land-cover maps from aerial and satellite images, without labels.

    Try `geoarseg demo`, then `geoarseg run IMAGE.tif -k 6 -o OUT`.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 our fault, 2 the user's, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    bound_threads()
    try:
        put_on_leash()
    except GeoArSegError as error:
        sys.exit(_report(str(error), error.exit_code, error.kind, log_json="--log-json" in arguments))
    code = run_command(arguments)
    if code == INTERRUPTED:  # Python would first wait for the windows that threads are computing
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run_command(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    debug, log_json = "--debug" in arguments, "--log-json" in arguments
    try:
        result: Any = cli.main(arguments, prog_name="geoarseg", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _report("Interrupted; nothing half-written was left.", INTERRUPTED, "interrupted", log_json)
    except click.ClickException as error:
        return _report(" ".join(error.format_message().split()), 2, "user", log_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own flush stays silent
        return 1
    except GeoArSegError as error:
        text = str(error) if isinstance(error, SettingsError) else " ".join(str(error).split())
        return _report(text, error.exit_code, _kind_of(error, error.kind), log_json, debug)
    except Exception as error:  # whatever is left is a bug of ours
        text = _memory_text(error) or f"{type(error).__name__}: {error} (a bug in geoarseg; --debug shows where)"
        return _report(text, 1, _kind_of(error, "internal"), log_json, debug)


def _kind_of(error: Exception, kind: str) -> str:
    """The kind of an error for programs: `memory` if that was it, whoever said so in which words."""
    return "memory" if _memory_text(error) or _memory_text(error.__cause__) else kind


def _memory_text(error: BaseException | None) -> str:
    """What to say if it was the memory, which torch tells in ways of its own; else empty."""
    if type(error).__name__ == "OutOfMemoryError":  # torch's: importing it here would take seconds
        return "The GPU's memory is not enough. Use --device cpu, or a smaller --set train.batch or segment.batch."
    if isinstance(error, MemoryError) or any(words in str(error) for words in _MEMORY_WORDS):
        return "The memory is not enough. Use a smaller --set segment.window_px or --set train.batch."
    return ""


def _report(text: str, code: int, kind: str, log_json: bool, debug: bool = False) -> int:
    if debug and not log_json:
        traceback.print_exc()
    text = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)  # no escape codes
    if log_json:
        line = {
            "event": "error",
            "stage": None,
            "done": None,
            "total": None,
            "message": text,
            "exit_code": code,
            "kind": kind,
        }
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write("".join(f"geoarseg: {line}\n" for line in text.splitlines()))
    return code
