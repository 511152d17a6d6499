"""What the pages have in common: texts in the user's language, figures as people read them, margins."""

from __future__ import annotations

from qtpy import QtCore

PAGE_MARGINS = (4, 4, 4, 4)
"""Left, top, right and bottom of a page: there is little room in a dock."""

_LEAST_SHOWN = 0.0005


def tr(text: str) -> str:
    """The text in the user's language; the context is that of the whole plugin."""
    return str(QtCore.QCoreApplication.translate("geoarseg", text))


def duration(seconds: float) -> str:
    """A time in the one or two units that matter."""
    if seconds < 90:
        return tr("{seconds} s").format(seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 90:
        return tr("{minutes} min").format(minutes=minutes)
    return tr("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def percent(share: float) -> str:
    """A share in percent; small ones do not look like none."""
    if 0 < share < _LEAST_SHOWN:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def cuts_problem(kind: str) -> str:
    """Why a model's clusters cannot be merged otherwise."""
    if kind == "many_clusters":
        return tr("The model has more than 254 clusters, which one raster cannot show.")
    return tr(
        "This model's classes are not merged from clusters, so that their number is fixed. Make a map with another"
        " number of classes."
    )


def stage_name(stage: str) -> str:
    """What a stage of the command is called."""
    names = {
        "statistics": tr("Statistics"),
        "consensus": tr("Consensus"),
        "train": tr("Training"),
        "legend": tr("Legend"),
        "draw": tr("Drawing"),
        "segment": tr("Mapping"),
        "write": tr("Writing"),
        "vectorize": tr("Polygons"),
        "preview": tr("Picture"),
        "relabel": tr("Saving"),
        "sieve": tr("Small patches"),
    }
    return names.get(stage, stage)


def role_name(role: str) -> str:
    """What a band's role is called."""
    return {"red": tr("red"), "green": tr("green"), "blue": tr("blue"), "nir": tr("near-infrared")}.get(
        role, tr("other")
    )
