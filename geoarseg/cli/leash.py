"""Ends this program together with the one that started it.

A program that starts `geoarseg` sets the variable `GEOARSEG_LEASH` to a number of seconds, and keeps the other end of
its standard input open, writing nothing. When that end is closed, because the work is not wanted any more or because
the starter has died, however that came about, this program is interrupted as by Ctrl-C; if it is still there after so
many seconds, it is ended with all the processes that it has started. That works the same on every system, with or
without a terminal.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time

from geoarseg.errors import SettingsError

VARIABLE = "GEOARSEG_LEASH"
_POLL_S = 0.2


def put_on_leash() -> None:
    """Watch standard input in a thread, if the variable asks for it; processes started from here do not.

    Raises:
        SettingsError: the variable holds no number of seconds.
    """
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return
    try:
        grace_s = float(text)
    except ValueError:
        grace_s = math.nan
    if not 0 <= grace_s <= 3600:
        raise SettingsError(f"{VARIABLE} is {text!r}, which is no number of seconds.")
    threading.Thread(target=_watch, args=(grace_s,), name="leash", daemon=True).start()


def _watch(grace_s: float) -> None:
    _wait_for_end_of_input()
    _interrupt()
    time.sleep(grace_s)
    _end_all()


def _wait_for_end_of_input() -> None:
    try:
        if sys.platform == "win32":
            _poll_pipe()
        else:
            while os.read(0, 4096):
                pass
    except OSError:  # what cannot be read has ended
        return


def _interrupt() -> None:
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.SIGINT)  # not raise_signal: the main thread's waiting must end, too


def _end_all() -> None:
    """End this process and those that it started, with no further word."""
    if sys.platform == "win32":
        import subprocess

        command = [os.path.join(os.environ["SYSTEMROOT"], "System32", "taskkill.exe"), "/F", "/T", "/PID"]
        subprocess.run([*command, str(os.getpid())], creationflags=subprocess.CREATE_NO_WINDOW, check=False)  # noqa: S603
    elif os.getpgrp() == os.getpid():  # else the group is our starter's
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(130)


def _poll_pipe() -> None:
    """Wait for the end of a pipe on Windows, where a blocking read would hold up all others on the same handle."""
    if sys.platform == "win32":
        import _winapi
        import msvcrt

        handle = msvcrt.get_osfhandle(0)
        while True:
            _winapi.PeekNamedPipe(handle)  # an OSError at its end
            time.sleep(_POLL_S)
