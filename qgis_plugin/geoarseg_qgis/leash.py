"""Runs a module of Python, such as pip, that ends when its starter does.

Started as `python -I leash.py MODULE ARGUMENT ...` with a pipe as standard input. At the end of that pipe the process
is ended with all those that it has started. It stands alone: it runs in another Python than the plugin.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
import time


def _watch() -> None:
    if sys.platform == "win32":
        _poll_pipe()
        program = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
        words = [program, "/F", "/T", "/PID", str(os.getpid())]
        subprocess.run(words, creationflags=subprocess.CREATE_NO_WINDOW, check=False)
    else:
        while os.read(0, 4096):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(130)


def _poll_pipe() -> None:
    """Wait for the end of a pipe on Windows, where a blocking read would hold up all others on the same handle."""
    if sys.platform == "win32":
        import _winapi
        import msvcrt

        handle = msvcrt.get_osfhandle(0)
        try:
            while True:
                _winapi.PeekNamedPipe(handle)
                time.sleep(0.2)
        except OSError:
            return


if __name__ == "__main__":
    threading.Thread(target=_watch, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
