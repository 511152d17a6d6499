"""Small charts as coordinates; the template `charts.html` draws them as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from geoarseg.report.sample import SampledSpectrum
from geoarseg.report.summary import InformationCurve, LossCurve
from geoarseg.report.words import number, percent

_CHARACTER_PX = 6.5

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    """Where, in pixels of the chart."""
    text: str


@dataclass(frozen=True)
class Chart:
    """Lines over an axis. All places are in pixels from the upper left corner."""

    width: int
    height: int
    left: float
    """The plot's left edge; the others likewise."""
    top: float
    right: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    text: str
    """What it shows, for those who do not see it."""
    line: Points
    """The line that matters."""
    dots: bool = False
    """Whether its points are marked."""
    beside: Points = ()
    """A second line to compare with, dashed."""
    area: Points = ()
    """A filled polygon behind the lines."""
    colour: str = ""
    """Of the area and the dots, `#rrggbb`."""
    x_label: str = ""
    y_label: str = ""


def spectrum_chart(
    spectrum: SampledSpectrum,
    whole: SampledSpectrum,
    bounds: tuple[float, float],
    *,
    marks: Sequence[str],
    colour: str,
    text: str,
) -> Chart:
    """The mean of each band of a class, the range of most of its pixels, and the mean of the whole map, dashed.

    Args:
        spectrum: the class.
        whole: all classes together.
        bounds: lowest and highest value of the vertical axis, the same for all classes.
        marks: what each band is called below the axis.
        colour: of the class, `#rrggbb`.
        text: what the chart shows, in words.
    """
    left, top, right, bottom = 44.0, 7.0, 232.0, 70.0
    low, high = bounds
    bands = len(spectrum.mean)
    columns = [left + (right - left) * (band + 0.5) / bands for band in range(bands)]

    def along(values: Sequence[float]) -> Points:
        return tuple((x, _place(value, low, high, bottom, top)) for x, value in zip(columns, values, strict=True))

    room = (right - left) / (_CHARACTER_PX * (max(map(len, marks)) + 1))
    every = math.ceil(bands / max(1.0, room))
    shown = list(zip(columns, marks, strict=True))[::every]
    return Chart(
        width=240,
        height=86,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        x_ticks=tuple(Tick(x, mark) for x, mark in shown),
        y_ticks=tuple(Tick(_place(v, low, high, bottom, top), number(v)) for v in nice_ticks(low, high, 3)),
        text=text,
        line=along(spectrum.mean),
        dots=True,
        beside=along(whole.mean),
        area=_widened((*along(spectrum.high), *reversed(along(spectrum.low)))),
        colour=colour,
    )


def loss_chart(curve: LossCurve) -> Chart:
    """The loss over the steps."""
    text = f"The loss goes from {number(curve.loss[0])} to {number(curve.loss[-1])} nats in {curve.step[-1]:,} steps."
    return _line_chart((0, *curve.step), curve.step, curve.loss, text=text, x_label="step", y_label="loss in nats")


def information_chart(curve: InformationCurve, classes: int) -> Chart:
    """What classes tell, over how many there are.

    Args:
        curve: the information of each number of classes.
        classes: how many the map has.
    """
    told = dict(zip(curve.classes, curve.information, strict=True)).get(classes)
    share = "not known how much" if told is None or curve.whole <= 0 else percent(min(told / curve.whole, 1)).text
    text = f"{classes} classes tell {share} of what all {curve.clusters} clusters do."
    if curve.suggested is not None:
        text += f" Where the curve bends, at {curve.suggested}, further ones tell less than one does on average."
    return _line_chart(
        curve.classes, curve.classes, curve.information, text=text, x_label="classes", y_label="information in nats"
    )


def _line_chart(
    across: Sequence[float], xs: Sequence[float], ys: Sequence[float], *, text: str, x_label: str, y_label: str
) -> Chart:
    """A line over the width of the page; the horizontal axis holds all values of `across`."""
    left, top, right, bottom = 64.0, 10.0, 708.0, 196.0
    low, high = min(ys), max(ys)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    first, last = min(across), max(across)
    points = tuple(
        (_place(x, first, last, left, right), _place(y, low, high, bottom - 4, top + 4))
        for x, y in zip(xs, ys, strict=True)
    )
    return Chart(
        width=720,
        height=240,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        x_ticks=tuple(Tick(_place(v, first, last, left, right), number(v)) for v in nice_ticks(first, last, 6)),
        y_ticks=tuple(Tick(_place(v, low, high, bottom - 4, top + 4), number(v)) for v in nice_ticks(low, high, 5)),
        text=text,
        line=points,
        x_label=x_label,
        y_label=y_label,
    )


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers between two others: about so many, at steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _place(value: float, low: float, high: float, start: float, stop: float) -> float:
    """Where a value lies between two places."""
    share = (value - low) / (high - low) if high > low else 0.5
    return round(start + share * (stop - start), 1)


def _widened(outline: Points) -> Points:
    """The outline of an area; that of a single band, which has no width, gets one."""
    if len(outline) > 2:
        return outline
    (x, top), (_, bottom) = outline
    return (x - 8, top), (x + 8, top), (x + 8, bottom), (x - 8, bottom)
