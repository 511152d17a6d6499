"""Arrow record batches into a file through GDAL, here or in a process of its own.

GDAL writes while Python's lock is held, so a thread would not help: the second process reads the records from
its standard input, as an Arrow stream, and writes while this one makes the next.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio

_WORTH_A_PROCESS = 1 << 25  # bytes; written sooner than a process has started


def write_here(path: Path, schema: pa.Schema, records: Iterator[pa.RecordBatch], options: Mapping[str, Any]) -> None:
    """Write records; the options are those of `pyogrio.write_arrow`."""
    _write(path, pa.RecordBatchReader.from_batches(schema, records), options)


def write_beside(path: Path, schema: pa.Schema, records: Iterator[pa.RecordBatch], options: Mapping[str, Any]) -> None:
    """Write records in a second process, while this one goes on making them; few are written here.

    Raises:
        OSError: the second process has failed; its last words are the message.
    """
    first, waiting = [], 0
    for record in records:
        first.append(record)
        waiting += record.nbytes
        if waiting > _WORTH_A_PROCESS:
            break
    else:
        write_here(path, schema, iter(first), options)
        return
    records = chain(first, records)
    # The command is our own; path and options go as they are, without a shell.
    command = [sys.executable, "-m", "geoarseg.vector.writing", str(path), json.dumps(options)]
    with (
        tempfile.TemporaryFile() as complaints,
        # In a session of its own, Ctrl-C comes to this process alone, which ends the other one.
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints, start_new_session=True) as writer,  # noqa: S603
    ):
        assert writer.stdin is not None
        try:
            broken = _send(pa.PythonFile(writer.stdin, mode="w"), schema, records)
            code = writer.wait()
        finally:
            writer.kill()
            with suppress(BrokenPipeError):
                writer.stdin.close()
        if broken or code:
            complaints.seek(0)
            words = complaints.read().decode(errors="replace").strip().splitlines()
            raise OSError(words[-1] if words else f"the writing process ended with code {code}")


def _send(sink: pa.PythonFile, schema: pa.Schema, records: Iterator[pa.RecordBatch]) -> bool:
    """Send all records; whether the receiver was gone."""
    stream = None
    for record in records:
        try:
            stream = stream or pa.ipc.new_stream(sink, schema)
            stream.write_batch(record)
        except BrokenPipeError:
            return True
    try:
        (stream or pa.ipc.new_stream(sink, schema)).close()
        sink.close()
    except BrokenPipeError:
        return True
    return False


def _write(path: Path, reader: pa.RecordBatchReader, options: Mapping[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)  # the raster has none
        pyogrio.write_arrow(reader, path, **options)


def _main(path: str, options: str) -> None:
    """The second process."""
    try:
        _write(Path(path), pa.ipc.open_stream(sys.stdin.buffer), json.loads(options))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, RuntimeError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main(*sys.argv[1:])
