"""Long calls into GDAL that Ctrl-C can end: Python hears of it only between its own instructions."""

from __future__ import annotations

import threading
from collections.abc import Callable

_POLL_S = 0.1


def interruptibly(call: Callable[[], None]) -> None:
    """Run `call` in a thread that does not keep the process alive, and wait for it.

    On Ctrl-C the wait ends at once; the call goes on behind, until it ends or the process does.
    """
    failure: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # handed on below
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_S)
    if failure:
        raise failure[0]
