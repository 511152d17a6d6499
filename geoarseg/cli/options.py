"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import click

from geoarseg.config import load_settings, merge, validate_settings
from geoarseg.errors import SettingsError
from geoarseg.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])
DEFAULTS = Settings()


class BandList(click.ParamType[tuple[int, ...]]):
    """Band numbers such as 4,1,2."""

    name = "LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse the list."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of band numbers such as 1,2,3.", param, ctx)


class ClassCount(click.ParamType[int | Literal["auto"]]):
    """A number of classes, or auto."""

    name = "INTEGER|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Literal["auto"]:
        """Parse the number."""
        try:
            return "auto" if value == "auto" else int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number of classes nor auto.", param, ctx)


class SourceWindow(click.ParamType[tuple[int, int, int, int]]):
    """Pixels as GDAL names them: first column, first row, columns, rows."""

    name = "LIST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        """Parse the four numbers."""
        parts = str(value).replace(",", " ").split()
        if len(parts) != 4 or not all(part.isdecimal() for part in parts) or 0 in map(int, parts[2:]):
            self.fail(f"{value!r} is no window such as 2048,1024,500,400.", param, ctx)
        column, row, columns, rows = map(int, parts)
        return column, row, columns, rows


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m or h."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse to seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", str(value).strip())
        if match is None or float(match[1]) <= 0:
            self.fail(f"{value!r} is no time such as 90s, 5m or 1h.", param, ctx)
        return float(match[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600}[match[2] or "s"]


class GroupedCommand(click.Command):
    """A command whose help lists the options that matter first, in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group."""
        rows: dict[str, list[tuple[str, str]]] = {name: [] for name in ("Map", "Training", "Settings", "Behaviour")}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                name = "help" if "--help" in parameter.opts else parameter.name or ""
                rows[_GROUP_OF_OPTION.get(name, "Map")].append(record)
        for name, records in rows.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


_GROUP_OF_OPTION = (
    dict.fromkeys(
        ("steps", "time_limit", "seed", "data", "evaluate_every", "tensorboard", "restart", "seeds"), "Training"
    )
    | dict.fromkeys(("device", "devices", "workers", "writers", "scheduler", "config", "overrides"), "Settings")
    | dict.fromkeys(("overwrite", "quiet", "log_json", "debug", "help"), "Behaviour")
)


def _stack(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


training_options = _stack(
    click.option(
        "-k",
        "--classes",
        type=ClassCount(),
        help=f"Number of classes; auto: as many as the image suggests.  [default: {DEFAULTS.classes}]",
    ),
    click.option("--bands", type=BandList(), help="Bands to use, such as 1,2,3,4.  [default: all but alpha]"),
    click.option("--steps", type=int, help=f"Training steps.  [default: {DEFAULTS.train.total_steps}]"),
    click.option("--time-limit", type=Duration(), help="Longest training time, such as 5m.  [default: none]"),
    click.option("--seed", type=int, help=f"Seed; a run is repeatable on one machine.  [default: {DEFAULTS.seed}]"),
)
settings_options = _stack(
    click.option("--device", help=f"auto, cpu, cuda, cuda:1, mps.  [default: {DEFAULTS.device}]"),
    click.option("--config", type=click.Path(), help="A YAML file with settings."),
    click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Any setting: train.batch=8."),
)
worker_options = _stack(
    click.option("--workers", type=int, help="Local processes that share the windows.  [default: none]"),
    click.option("--scheduler", help="A Dask scheduler whose workers share the windows, such as tcp://host:8786."),
)
polygon_options = _stack(
    click.option("--sieve", type=int, help="Give areas of fewer pixels to a neighbour."),
    click.option("--min-area", type=float, help="Give areas of fewer square metres to a neighbour."),
    click.option(
        "--sieve-by",
        help="The neighbour of the longest border, or of the likeliest class (border, likelihood).  [default: border]",
    ),
    click.option("--simplify", type=float, help="Drop vertices within so many metres; shared borders stay shared."),
    click.option("--smooth", is_flag=True, default=None, help="Round the borders."),
    click.option("--dissolve", is_flag=True, default=None, help="One multipolygon a class."),
    click.option("--bands", "means_of", type=BandList(), help="Bands of --image whose means the polygons get: 1,4."),
    click.option("--ndvi", is_flag=True, default=None, help="The mean vegetation index of --image."),
    click.option("--workers", "writers", type=int, help="With 2, another process writes the layer.  [default: 1]"),
    click.option("--connectedness", type=int, help="Join over corners with 8.  [default: 4]"),
)
common_options = _stack(
    click.option("--overwrite", is_flag=True, help="Replace existing outputs."),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
    click.option("--log-json", is_flag=True, help="Progress as JSON lines on standard error."),
    click.option("--debug", is_flag=True, help="Show where an error arose."),
)

_SETTING_OF_OPTION = {
    "classes": ("classes",),
    "bands": ("bands",),
    "steps": ("train", "steps"),
    "time_limit": ("train", "time_limit_s"),
    "seed": ("seed",),
    "device": ("device",),
    "confidence": ("segment", "confidence"),
    "workers": ("segment", "workers"),
    "scheduler": ("segment", "scheduler"),
    "sieve": ("polygons", "sieve_px"),
    "min_area": ("polygons", "min_area_m2"),
    "sieve_by": ("polygons", "sieve_by"),
    "simplify": ("polygons", "simplify_m"),
    "smooth": ("polygons", "smooth"),
    "dissolve": ("polygons", "dissolve"),
    "connectedness": ("polygons", "connectedness"),
    "means_of": ("polygons", "bands"),
    "ndvi": ("polygons", "ndvi"),
    "writers": ("polygons", "workers"),
}
_FLAGS = {"classes": "-k/--classes", "means_of": "--bands", "writers": "--workers"}


def settings_from(config: str | None = None, overrides: tuple[str, ...] = (), **options: Any) -> Settings:
    """Settings from a file, then `--set`, then options of their own; None means not given.

    Raises:
        SettingsError: a name or value is wrong.
    """
    settings = load_settings(config, overrides)
    tree = settings.model_dump()
    for option, value in options.items():
        if value is None:
            continue
        if option == "classes":
            tree = merge(tree, {"auto_classes": value == "auto"})
            value = tree["classes"] if value == "auto" else value
        for name in reversed(_SETTING_OF_OPTION[option]):
            value = {name: value}
        tree = merge(tree, value)
    try:
        return validate_settings(tree)
    except SettingsError as error:
        raise _in_words_of_options(error) from None


def _in_words_of_options(error: SettingsError) -> SettingsError:
    text = error.message
    for option, path in _SETTING_OF_OPTION.items():
        flag = _FLAGS.get(option, "--" + option.replace("_", "-"))
        text = text.replace(f"Setting `{'.'.join(path)}`", flag)
    return SettingsError(text, error.hint)
