"""What went wrong with a job, and what the user can do about it. Pure: no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from .job import Ended

SET_UP, RETRY, USE_CPU, NOTHING = "set_up", "retry", "use_cpu", ""
"""The ways out."""

_KILLED = (-9, 137)
_REFUSED = 2
_WAYS_OUT = {"memory": RETRY, "disk": RETRY, "device": USE_CPU}


@dataclass(frozen=True)
class Failure:
    """Why a job came to nothing."""

    kind: str
    """`environment`, `memory`, `disk`, `device`, `request` or `died`."""
    detail: str
    """What the command, or the system, said."""
    way_out: str
    """`SET_UP`, `RETRY`, `USE_CPU` or `NOTHING`."""
    log: str = ""
    """The file with all that was said."""


def failure_of(ended: Ended, fault_text: str = "") -> Failure:
    """The failure behind the end of a job.

    Args:
        ended: a job that did not end well.
        fault_text: its fault in words, if there is one.
    """
    if ended.fault is not None:
        return Failure("environment", fault_text or str(ended.fault), SET_UP, ended.log)
    kind = ended.kind or ("memory" if ended.code in _KILLED else "user" if ended.code == _REFUSED else "")
    if kind in _WAYS_OUT:
        return Failure(kind, ended.error, _WAYS_OUT[kind], ended.log)
    if kind == "user":
        return Failure("request", ended.error, NOTHING, ended.log)
    return Failure("died", ended.error or str(ended.code), RETRY, ended.log)
