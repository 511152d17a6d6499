"""What is said to the command `geoarseg`, and what it answers. Pure: imports nothing of QGIS.

Arguments are lists, never a line for a shell. Answers are the JSON lines of `--log-json`, never words of a log.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Iterable, Mapping, Sequence

LEAST_VERSION = (0, 1, 0)
"""Older commands lack something that this plugin asks for."""
GRACE_S = 1.0
"""From the interrupt to the end by force, in seconds; together under the two that a cancel may take."""

QUALITIES: dict[str, dict[str, object]] = {
    "quick": {"network.width": 32, "network.blocks": 2, "train.steps": 100},
    "balanced": {},
    "thorough": {"network.width": 96, "network.blocks": 5, "train.steps": 800},
}
"""Settings over the defaults, as in `configs/` of geoarseg."""

_STAGE_WEIGHTS: dict[str, dict[str, float]] = {
    "run": {
        "statistics": 2,
        "consensus": 21,
        "train": 38,
        "legend": 4,
        "segment": 20,
        "write": 2,
        "sieve": 3,
        "vectorize": 8,
        "preview": 2,
    },
    "train": {"statistics": 3, "consensus": 35, "train": 58, "legend": 4},
    "segment": {"segment": 95, "write": 5},
}

# All that a program needs to find its home, its temporary files, its language and its GPU, and nothing more.
_KEPT = {
    *("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERNAME", "USERPROFILE", "USERDOMAIN"),
    *("HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "ALLUSERSPROFILE", "PUBLIC"),
    *("PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES", "COMPUTERNAME"),
    *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "OS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
}
_KEPT_BEGINNINGS = ("LC_", "PIP_", "AWS_")


@dataclass(frozen=True)
class Proxy:
    """The proxy of QGIS's network settings."""

    url: str
    """Scheme, host and port, with user and password before the host if the proxy asks for them."""
    excluded: tuple[str, ...] = ()
    """Beginnings of addresses that are reached without it, or hosts."""


@dataclass(frozen=True)
class Event:
    """One JSON line of the command."""

    kind: str
    """`start`, `progress`, `end`, `message`, `warning` or `error`."""
    stage: str | None = None
    """`statistics`, `train`, `segment`, `vectorize` ...; None outside of stages."""
    done: float | None = None
    """Units of work finished."""
    total: float | None = None
    """Units in all; None when unknown."""
    message: str = ""
    """One line for people."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """All else: `loss`, `shares`, `remaining_s`, `exit_code` ..."""

    @property
    def share(self) -> float | None:
        """How much of the stage is done, from 0 to 1; None when unknown."""
        if self.kind == "end":
            return 1.0
        return min(self.done / self.total, 1.0) if self.done is not None and self.total else None


def arguments(verb: str, *inputs: str, settings: Mapping[str, object] | None = None, **options: object) -> list[str]:
    """The arguments of one call, after the program's own name.

    Args:
        verb: the subcommand.
        inputs: what it works on. They come last, behind `--`, so that no file's name is taken for an option.
        settings: become `--set name=value`.
        options: become `--name value`; True a flag of its own, a tuple a list with commas, a list one option for each.
            None, False and what is empty are left out.
    """
    words = [verb]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False or value in ("", (), []):
            continue
        if value is True:
            words.append(flag)
        elif isinstance(value, tuple):
            words += [flag, ",".join(map(str, value))]
        else:
            for part in value if isinstance(value, list) else [value]:
                words += [flag, str(part)]
    for name, value in (settings or {}).items():
        words += ["--set", f"{name}={_as_yaml(value)}"]
    return [*words, "--", *inputs]


def _as_yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_event(line: str) -> Event | None:
    """The event in a line of the command's standard error, or None if it is something else."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("event"), str):
        return None
    known = {name: fields.pop(name, None) for name in ("event", "stage", "done", "total", "message")}
    return Event(
        known["event"],
        known["stage"] if isinstance(known["stage"], str) else None,
        _number(known["done"]),
        _number(known["total"]),
        known["message"] if isinstance(known["message"], str) else "",
        fields,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


class Course:
    """How far a call has come in all its stages, in percent. It never goes back."""

    def __init__(self, verb: str) -> None:
        self._weights = _STAGE_WEIGHTS.get(verb, {})
        self._percent = 0.0

    def percent(self, event: Event) -> float | None:
        """The percentage after an event; None if it says nothing about it.

        A command without known stages shows each stage from 0 to 100 of its own.
        """
        share = event.share
        if share is None or event.stage is None:
            return None
        if not self._weights:
            return 100 * share
        names = list(self._weights)
        if event.stage not in names:
            return None
        before = sum(self._weights[name] for name in names[: names.index(event.stage)])
        self._percent = max(self._percent, before + share * self._weights[event.stage])
        return 100 * self._percent / sum(self._weights.values())


def parse_version(text: str) -> tuple[int, ...] | None:
    """The numbers in the answer to `--version`."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else None


def child_environment(
    outer: Mapping[str, str], *, windows: bool, bundle: Sequence[str] = (), proxy: Proxy | None = None
) -> dict[str, str]:
    r"""The environment of a child, built afresh.

    QGIS exports PYTHONHOME, PYTHONPATH, PROJ_LIB, GDAL_DATA, GDAL_DRIVER_PATH, LD_LIBRARY_PATH and, on Windows,
    PYTHONEXECUTABLE: each of them turns another Python, or its GDAL, into a broken one.

    Args:
        outer: the environment of QGIS.
        windows: whether names do not depend on the case, and paths look like `C:\`.
        bundle: folders in which QGIS brings its own programs along; they leave the PATH.
        proxy: the proxy of QGIS's settings; None = that of `outer`.
    """
    kept = {
        name: value
        for name, value in outer.items()
        if name.upper() in _KEPT or name.upper().startswith(_KEPT_BEGINNINGS)
    }
    path = next((value for name, value in outer.items() if name.upper() == "PATH"), "")
    kept["PATH"] = clean_path(path, bundle, windows=windows)
    kept.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", PYTHONUNBUFFERED="1", GEOARSEG_LEASH=str(GRACE_S))
    if proxy is not None:
        kept = {name: value for name, value in kept.items() if not name.upper().endswith("_PROXY")}
        kept.update(dict.fromkeys(("http_proxy", "https_proxy"), proxy.url))
        kept["no_proxy"] = ",".join(hosts_of(proxy.excluded))
    return kept


def hosts_of(addresses: Iterable[str]) -> list[str]:
    """The hosts of addresses, each once: programs know no longer beginnings of addresses than that."""
    named = (address.strip().partition("://")[2] or address.strip() for address in addresses)
    hosts = (re.split(r"[/?#]", name)[0].rpartition("@")[2] for name in named)
    return list(dict.fromkeys(re.sub(r":\d*$", "", host) for host in hosts if host))


def clean_path(path: str, bundle: Iterable[str], *, windows: bool) -> str:
    """The PATH without the folders of QGIS; a bundle that is the system itself (`/usr`) takes none away."""
    flavour: type[PurePath] = PureWindowsPath if windows else PurePosixPath
    separator = ";" if windows else ":"
    system = {flavour(folder) for folder in ("/", "/usr", "/usr/local", "C:\\", "C:\\Windows")}
    roots = {flavour(folder) for folder in bundle if folder} - system
    entries = [entry for entry in path.split(separator) if entry]
    return separator.join(entry for entry in entries if not roots & {flavour(entry), *flavour(entry).parents})
