"""Hidden folders beside outputs, in which these are made, and what of them a killed process has left.

A folder has a lock file beside it, which is locked from before the folder is made until after it is gone. The system
takes a lock back however a process ends, so that a folder whose lock can be had has no maker any more; and as no name
is used twice, nobody can get the lock of a folder that is yet to be made.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_MOST_LETTERS = 100  # of the output's name: a file system takes 255 in all


@contextmanager
def unfinished_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside a file that is to be made, and delete it at the end with all that is in it.

    Before, those that killed makers of this file left are deleted.

    Raises:
        OSError: no folder can be made there.
    """
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    remove_leftovers(target)
    folder = target.with_name(_prefix(target) + secrets.token_hex(4))
    with _held(folder):
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(target: Path) -> None:
    """Delete what killed makers of a file left beside it, but nothing of those that are at work."""
    for folder in target.parent.glob(f"{glob.escape(_prefix(target))}*"):
        if folder.is_dir() and not folder.is_symlink():
            with suppress(Timeout, OSError), _held(folder):  # its maker is alive, or it is another user's
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder's lock.

    Raises:
        OSError: no file can be made there.
        Timeout: another process holds it.
    """
    path = folder.with_name(f"{folder.name}.lock")
    lock = FileLock(path, thread_local=False)
    lock.acquire(timeout=0)
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):  # another process looks whether there is work to do
            path.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    """How the names of the folders for a file begin."""
    return f".{target.name[:_MOST_LETTERS]}.tmp-"
