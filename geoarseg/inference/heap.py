"""Memory that is free, but that the C library keeps for itself."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back_freed_memory() -> None:
    """Give it back to the system, before a step that needs much of its own. glibc can do that; others need not."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
