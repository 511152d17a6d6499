"""From the files of a benchmark to a prepared dataset, source by source, so that it can be interrupted and go on.

The crops are appended to the files of `geoarseg.datasets.store`; `unfinished.json` says how far they are whole.
It is replaced in one go, after the crops are on the disk. Whatever was written behind that place is written
again, so that the bytes are the same however often the work was interrupted. `dataset.json` comes last.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from geoarseg.datasets.crops import Crops, CropSource
from geoarseg.datasets.resume import HEADER_BYTES, State, extend_digest, find_state, remove_files, row_bytes
from geoarseg.datasets.store import INDEX_NAME, STATE_NAME, CropStore, StoreIndex, column_layout, open_store
from geoarseg.errors import InputError, OutputError
from geoarseg.progress import Progress
from geoarseg.raster.atomic import output_error, whole_file

_SAVE_INTERVAL_S = 5.0


def prepare_store(
    source: CropSource, folder: str | os.PathLike[str], *, overwrite: bool = False, progress: Progress | None = None
) -> CropStore:
    """Write a prepared dataset, or go on with one that was interrupted.

    Args:
        source: the files.
        folder: where the dataset goes; made if missing. A dataset that is already whole is left as it is.
        overwrite: begin anew, whatever is there.
        progress: receives the reports.

    Raises:
        InputError: a source cannot be read, or none gives a crop.
        OutputError: the folder cannot be written, or holds something else.
    """
    folder, progress = Path(folder), progress or Progress()
    state = find_state(source, folder, overwrite)
    if state is None:
        progress.message(f"{folder} is prepared already.")
        return open_store(folder)
    if state.done:
        progress.message(f"{folder}: going on behind {state.done} of {len(source.sources)} {source.unit}s.")
    with (
        _Writer(source, folder, state) as writer,
        progress.stage("prepare", len(source.sources), source.unit) as stage,
    ):
        stage.skip(state.done)
        for number in range(state.done, len(source.sources)):
            crops = source.read(number)
            writer.append(crops)
            for text in crops.warnings:
                progress.warning(text)
            stage.advance(message=f"{writer.state.crops} crops")
        writer.finish()
    return open_store(folder)


class _Writer:
    """Appends crops and keeps the state; on an error it saves what is whole, or takes an empty start away."""

    def __init__(self, source: CropSource, folder: Path, state: State) -> None:
        self.state = state
        self._source, self._folder = source, folder
        self._layout = column_layout(source.crop_px, len(source.band_names), padded=source.padded)
        self._files: dict[str, IO[bytes]] = {}
        self._stack = ExitStack()
        self._saved = time.monotonic()
        self._made: list[Path] = []  # missing folders that were made, innermost first

    def __enter__(self) -> Self:
        self._made = [place for place in (self._folder, *self._folder.absolute().parents) if not place.exists()]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name in self._layout:
                path = self._folder / f"{name}.npy"
                opened = open(path, "r+b" if self.state.done else "w+b")
                self._files[name] = self._stack.enter_context(opened)
                self._files[name].write(bytes(HEADER_BYTES))  # no header yet: NumPy refuses such a file
            self._save()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise output_error(self._folder, error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is not None and self.state.done:
                self._save()
        if kind is not None and not self.state.done:
            remove_files(self._folder)
            for place in self._made:
                with suppress(OSError):
                    place.rmdir()

    def append(self, crops: Crops) -> None:
        """Write the crops of the next source."""
        number, first = self.state.done, self.state.crops
        origins = np.column_stack([np.full(len(crops.places), number), crops.places])  # (crop, 3)
        columns = {
            "images": crops.images,
            "labels": crops.labels,
            "labelled": np.full(len(crops.images), crops.labelled),
            "origins": origins,
            "valid": crops.valid,
        }
        try:
            for name, (dtype, shape) in self._layout.items():
                values = np.ascontiguousarray(columns[name], dtype=dtype)
                assert values.shape == (len(crops.images), *shape)
                self._files[name].seek(HEADER_BYTES + first * row_bytes(dtype, shape))
                self._files[name].write(values.data)
            digest = extend_digest(self.state.digest, self._source, number)
        except OSError as error:
            raise output_error(self._folder, error) from error
        counts = {
            name: self.state.counts.get(name, 0) + crops.counts.get(name, 0)
            for name in sorted({*self.state.counts, *crops.counts})
        }
        # One assignment: wherever an interrupt strikes, the state is that before or after this source.
        self.state = self.state.model_copy(
            update={"done": number + 1, "crops": first + len(crops.images), "digest": digest, "counts": counts}
        )
        if time.monotonic() - self._saved > _SAVE_INTERVAL_S:
            self._save()

    def finish(self) -> None:
        """Give the files their headers and write the index."""
        state, source = self.state, self._source
        if not state.crops:
            self.state = state.model_copy(update={"done": 0})  # there is nothing to go on from
            raise InputError(
                f"None of the {state.done} {source.unit}s in {source.folder} gives a crop.", _why(state.counts)
            )
        try:
            for name, (dtype, shape) in self._layout.items():
                self._files[name].truncate(HEADER_BYTES + state.crops * row_bytes(dtype, shape))
                self._files[name].seek(0)
                self._files[name].write(_header(dtype, (state.crops, *shape)))
        except OSError as error:
            raise output_error(self._folder, error) from error
        self._save()
        index = StoreIndex(
            name=source.name,
            class_names=source.class_names,
            band_names=source.band_names,
            crop_px=source.crop_px,
            padded=source.padded,
            crops=state.crops,
            sources=source.sources,
            request=source.request,
            counts=state.counts,
            digest=state.digest,
        )
        with whole_file(self._folder / INDEX_NAME, overwrite=True) as path:
            path.write_text(index.model_dump_json(indent=1) + "\n", encoding="utf-8")
        with suppress(OSError):
            (self._folder / STATE_NAME).unlink()

    def _save(self) -> None:
        """Bring the crops to the disk, then the state that counts them."""
        try:
            for file in self._files.values():
                file.flush()
                os.fsync(file.fileno())
            with whole_file(self._folder / STATE_NAME, overwrite=True) as path:
                path.write_text(self.state.model_dump_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise error if isinstance(error, OutputError) else output_error(self._folder, error) from error
        self._saved = time.monotonic()


def _why(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{name}: {count}" for name, count in counts.items()) or "Look at the files."


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    facts = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    assert len(buffer.getvalue()) == HEADER_BYTES
    return buffer.getvalue()
