"""All that the plugin says about faults, in the user's language, each with a way out."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

from .faults import Fault

CONTEXT = "geoarseg"
"""The one context of the plugin's texts in `i18n/`."""


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)


def describe(fault: Fault) -> str:
    """What is wrong and what to do, as one or two sentences."""
    text = _texts().get(fault.kind)
    return text.format(**fault.values) if text else str(fault)


def not_installed() -> str:
    """There is no command."""
    return tr("geoarseg is not installed yet. Open Plugins > geoarseg > Environment, and choose Install.")


def ended(code: int) -> str:
    """The command ended in a way of its own accord that it said nothing about."""
    if code in (-9, 137):
        return tr(
            "The system ended geoarseg, most likely because the memory was not enough. Close other programs, or set"
            " smaller windows (segment.window_px=256) or batches (train.batch=4) under the advanced parameters."
        )
    return tr("geoarseg ended unexpectedly (code {code}). The log has its last words.").format(code=code)


def _texts() -> dict[str, str]:
    return {
        "cancelled": tr("Cancelled; nothing was changed."),
        "certificate": tr(
            "The server's certificate could not be verified ({detail}). If your network has one of its own, ask those"
            " who run it for its file and set the variable SSL_CERT_FILE to that."
        ),
        "checksum": tr(
            "A downloaded file does not have the checksum it should have ({detail}). Nothing of it was installed. Try"
            " again; if it happens again, something changes files on the way: ask those who run your network."
        ),
        "command_broken": tr(
            "{program} does not work ({detail}). Repair or change it under Plugins > geoarseg > Environment."
        ),
        "command_too_old": tr(
            "The geoarseg found is version {version}, but this plugin needs {least} or newer. Repair it under Plugins"
            " > geoarseg > Environment."
        ),
        "disk_full": tr(
            "The disk of {folder} has {free} left, but {needed} are needed. Free some space, and try again."
        ),
        "disk_full_pip": tr("The disk is full ({detail}). Free some space, and try again."),
        "locked": tr(
            "A file is in use by another program ({detail}). End running geoarseg jobs; an antivirus program may hold"
            " the file for some minutes. Then try again."
        ),
        "network": tr(
            "The package server could not be reached ({detail}). Check the connection and, under Settings > Options >"
            " Network, the proxy. Then try again."
        ),
        "no_package": tr(
            "A package could not be found for this computer ({detail}). Try the other build, or another Python."
        ),
        "no_permission": tr(
            "{folder} may not be written. No administrator's rights are needed if you choose a folder of your own: ask"
            " those who run this computer about your profile's folder."
        ),
        "no_permission_pip": tr(
            "A file may not be written ({detail}). Administrator's rights are not needed, but your profile's folder"
            " must be yours to write."
        ),
        "no_python": tr(
            "No Python {oldest} to {newest} was found. Install one from python.org, for yourself alone, without"
            " administrator's rights; then try again, or point to it."
        ),
        "no_wheel": tr(
            "The plugin is not complete: {folder} holds no geoarseg. Install the plugin again from its zip."
        ),
        "path_too_long": tr(
            "The folder {folder} has so long a name that Windows could not hold the files in it. Point to an"
            " environment that you made in a shorter folder."
        ),
        "pip": tr("pip failed with code {code} ({detail}). The log has all it said."),
        "proxy": tr(
            "The proxy did not let the download through ({detail}). Check address, user and password of the proxy"
            " under Settings > Options > Network."
        ),
        "python_32_bit": tr("{program} is a 32-bit Python; torch needs one of 64 bits."),
        "python_broken": tr("{program} cannot be started ({detail}). Point to another Python."),
        "python_incomplete": tr(
            "{program} lacks a part that is needed ({detail}). On Debian and Ubuntu install python3-venv; elsewhere"
            " take Python from python.org."
        ),
        "python_version": tr(
            "{program} is Python {version}, but {oldest} to {newest} is needed. Point to another one."
        ),
        "system": tr("The system reported an error ({detail})."),
        "unhealthy": tr("geoarseg was installed, but does not work here ({detail})."),
        "venv": tr(
            "This Python cannot make environments ({detail}). On Debian and Ubuntu install python3-venv; elsewhere"
            " take Python from python.org."
        ),
    }
