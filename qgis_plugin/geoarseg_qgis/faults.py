"""What can go wrong around the command, by kind. Pure; `messages.py` puts it into the user's language."""

from __future__ import annotations

import errno
from pathlib import Path

_IN_USE_ON_WINDOWS = (5, 32, 33)  # access denied, sharing violation, lock violation

# pip has no codes: these are words that its reports of each fault hold, in small letters, the most telling first.
_PIP_WORDS = (
    ("checksum", ("do not match the hashes", "hash mismatch")),
    ("disk_full_pip", ("no space left", "errno 28", "not enough space", "winerror 112")),
    ("proxy", ("proxyerror", "cannot connect to proxy", "407 proxy", "tunnel connection failed")),
    ("certificate", ("certificate verify failed", "sslerror", "certificate_verify_failed")),
    ("locked", ("winerror 32", "winerror 5", "being used by another process")),
    ("no_permission_pip", ("permission denied", "errno 13")),
    ("network", ("name resolution", "getaddrinfo failed", "failed to establish a new connection", "read timed out",
                 "connection reset", "network is unreachable", "newconnectionerror", "nameresolutionerror")),
    ("no_package", ("no matching distribution", "could not find a version")),
    ("venv", ("ensurepip is not available", "no module named venv", "no module named ensurepip")),
)  # fmt: skip


class Fault(Exception):
    """Something around the command is wrong.

    Args:
        kind: a key of `messages.py`.
        values: what its text names.
    """

    def __init__(self, kind: str, **values: str) -> None:
        super().__init__(f"{kind}: {values}" if values else kind)
        self.kind = kind
        self.values = values


def fault_of_error(error: OSError, place: Path) -> Fault:
    """The fault behind an error of the system at a place."""
    where = str(getattr(error, "filename", None) or place)
    if getattr(error, "winerror", None) in _IN_USE_ON_WINDOWS or error.errno in (errno.EBUSY, errno.ETXTBSY):
        return Fault("locked", detail=where)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Fault("no_permission", folder=where)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Fault("disk_full_pip", detail=where)
    return Fault("system", detail=f"{where}: {error.strerror or error}")


def fault_of_pip(log: str, code: int) -> Fault:
    """The fault behind a call of pip that failed."""
    small = log.lower()
    lines = [line for line in log.splitlines() if line.strip()]
    detail = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else f"code {code}")
    for kind, words in _PIP_WORDS:
        if any(word in small for word in words):
            return Fault(kind, detail=detail.strip())
    return Fault("pip", detail=detail.strip(), code=str(code))
