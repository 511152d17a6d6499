"""The parsers of model cards and of settings under atheris, which looks for input that reaches new code.

    pip install atheris
    python tests/fuzz/coverage_guided.py card -runs=20000
    python tests/fuzz/coverage_guided.py settings -max_total_time=600

Anything but a result or the parser's own error ends it, and the input is kept as `crash-...` in the folder where it was
started; so does an input that takes longer than ten seconds. What follows the target goes to libFuzzer: `-runs` or
`-max_total_time` is the budget. No part of the test suite, for atheris has no wheels for every system.
"""

import json
import struct
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["geoarseg", "yaml", "pydantic"]):
    from geoarseg.config import load_settings
    from geoarseg.errors import ModelFileError, SettingsError
    from geoarseg.network.checkpoint import CARD_KEY, ModelCard, load_card

FOLDER = Path(tempfile.mkdtemp(prefix="geoarseg-fuzz-"))
SLOWEST_S = 10


def read_card(data: bytes) -> None:
    """A model file whose card is this text, or whose header is."""
    text = data[1:].decode("utf-8", "replace")
    header = text if data[:1] < b"\x40" else json.dumps({"__metadata__": {CARD_KEY: text}})
    raw = header.encode("utf-8", "surrogatepass")
    path = FOLDER / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)
    with suppress(ModelFileError):
        assert isinstance(load_card(path), ModelCard)


def read_settings(data: bytes) -> None:
    """A YAML file of settings, and the same text behind --set."""
    text = data.decode("utf-8", "replace")
    path = FOLDER / "settings.yaml"
    path.write_bytes(data)
    for options in ({"path": path}, {"overrides": [text]}, {"overrides": [f"train={text}"]}):
        with suppress(SettingsError):
            load_settings(**options)


TARGETS = {"card": read_card, "settings": read_settings}
SEEDS = {
    "card": [b"\x80" + json.dumps({"format": 2, "version": "1", "clusters": 3, "bands": [1], "network": {}}).encode()],
    "settings": [b"classes: 6\ntrain: {steps: 20, objective: ac}\n", b"base: quick.yaml\n", b"train.steps=5"],
}


def main() -> None:
    """Fuzz the target that is named first."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"Name one of {', '.join(TARGETS)}.")
    target = sys.argv.pop(1)
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[target]):
        (corpus / str(number)).write_bytes(seed)
    atheris.Setup([*sys.argv, f"-timeout={SLOWEST_S}", "-max_len=4096", str(corpus)], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
