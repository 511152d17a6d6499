"""What must be on the disk itself, so that a power cut cannot take it back.

A file that is to take its final name is synchronised first: else the name may be there and the content not. The folder
comes after: else the old file may be back under that name.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sync_file(file: Path) -> None:
    """Wait until the content of a file is on the disk.

    Raises:
        OSError: the disk is full or fails.
    """
    with open(file, "rb+") as opened:
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that; Windows does by itself."""
    with suppress(OSError):  # some network file systems refuse
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
