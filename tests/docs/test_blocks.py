"""Every block of code in the documents is run, or, where it needs what a test has not, parsed by the program itself."""

import ast
import contextlib
import importlib
import inspect
import io
import shutil
import tomllib
import types
from pathlib import Path

import click
import pytest
import stand_ins
import yaml
from blocks import DOCUMENTS, REPOSITORY, blocks_of, spans_of
from command_lines import commands_of, parse

import geoarseg
from geoarseg.cli.main import run_command

TINY = ("network.width=8", "network.blocks=1", "network.stride_px=2", "train.steps=2", "train.batch=2")
TINY += ("train.crop_px=32", "device=cpu", "segment.threads=1")
SHELL = ("bash", "sh", "console")
LANGUAGES = (*SHELL, "python", "yaml", "text")
READER_HAS = {
    "cluster.md": ["model.safetensors"],
    "evaluation.md": ["classes.tif", "fields.gpkg", "sample.gpkg", "model.safetensors", "potsdam"],
    "export.md": ["model.safetensors", "out"],
    "faq.md": ["model.safetensors"],
    "legend.md": ["out", "other_classes.tif", "other_classes.gpkg"],
    "naming.md": ["points.gpkg"],
    "polygons.md": ["classes.tif", "confidence.tif"],
    "segmenting.md": ["model.safetensors"],
    "training.md": ["potsdam"],
}
"""What a reader has before a page begins, beside images and their labels; all else must come from the page itself."""
ALWAYS = ("ortho.tif", "other.tif", "labels.tif", "tiles", "SRC")
GUIDES = [page for page in DOCUMENTS if any(block.language in (*SHELL, "python") for block in blocks_of(page))]
SHELL_BLOCKS = [block for page in DOCUMENTS for block in blocks_of(page) if block.language in SHELL]
PYTHON_BLOCKS = [block for page in DOCUMENTS for block in blocks_of(page) if block.language == "python"]


def place(block):
    return block.place


@pytest.fixture(scope="module")
def small():
    """Trainings of two steps on scenes of 64 pixels: settings and sizes, whatever a document asks for."""
    from geoarseg import config, demo

    load, make = config.load_settings, demo.make_landscape

    def load_tiny(path=None, overrides=()):
        given = list(overrides)
        quick = [] if any("train.objective" in text for text in given) else ["train.objective=ac"]
        return load(path, [*given, *TINY, *quick])

    with pytest.MonkeyPatch.context() as patch:
        for name in ("geoarseg.config", "geoarseg.cli.options", "geoarseg.reproduce"):
            patch.setattr(importlib.import_module(name), "load_settings", load_tiny)
        patch.setattr(demo, "make_landscape", lambda _height, _width, **options: make(64, 64, **options))
        yield


@pytest.fixture(scope="module")
def stage(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    with contextlib.chdir(folder):
        stand_ins.write_stand_ins(folder)
    return folder


def of_geoarseg(words):
    """The words behind `geoarseg`, and the file that the output goes to; None for other programs."""
    if words[0].rpartition("/")[2] != "geoarseg":
        return None
    at = words.index(">") if ">" in words else len(words)
    return words[1:at], words[at + 1] if at < len(words) else None


def why_not_run(params):
    """What a command would need that a test has not; empty if nothing."""
    texts = [str(value) for value in params.values()]
    if any("://" in text for text in texts):
        return "a server"
    if params.get("device") == "cuda":
        return "a GPU"
    if params.get("methods") == "":
        return "half a minute: all methods are compared"
    return "seconds for each process" if (params.get("workers") or 0) > 1 else ""


def run_shell(code):
    for words in commands_of(code):
        own = of_geoarseg(words)
        if own is None or why_not_run(parse(own[0])[1]):
            continue
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = run_command(own[0])
        assert code == 0, f"{words}\n{errors.getvalue()}"
        if own[1]:
            Path(own[1]).write_text(output.getvalue(), encoding="utf-8")


def run_python(block):
    code = compile(block.code, block.place, "exec")
    if "import processing" not in block.code:  # that is QGIS's own Python
        exec(code, {"__name__": "docs"})  # not __main__: what starts processes only imports


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_the_blocks_of_a_page_run_in_order(page, stage, tmp_path, monkeypatch):
    for name in (*ALWAYS, *READER_HAS.get(page.name, ())):
        if (stage / name).is_dir():
            shutil.copytree(stage / name, tmp_path / name)
        else:
            shutil.copy2(stage / name, tmp_path / name)
    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    for block in blocks_of(page):
        if block.language in SHELL:
            run_shell(block.code)
        elif block.language == "python":
            run_python(block)


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=place)
def test_every_command_is_one_that_there_is(block):
    for words in commands_of(block.code):
        own = of_geoarseg(words)
        if own is not None:
            command, _ = parse(own[0])
            assert command.name in own[0][:2]
        else:
            FOREIGN[words[0].rpartition("/")[2]](words[1:])


def _pip(words):
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert words[0] == "install"
    for word in words[1:]:
        name, _, extra = word.rstrip("]").partition("[")
        assert name in ("geoarseg", "-c", "-e") or (REPOSITORY / name).exists(), word
        assert not extra or extra in extras


def _python(words):
    if words[:2] != ["-m", "venv"]:
        paths = words[2:] if words[:2] == ["-m", "pytest"] else words[:1]
        assert all((REPOSITORY / path).exists() for path in paths if not path.startswith("-"))


def _dask(words):
    from distributed.cli import dask_scheduler, dask_worker

    {"scheduler": dask_scheduler, "worker": dask_worker}[words[0]].main.make_context(words[0], words[1:])


def _qgis_process(words):
    if words[0] == "run":
        source = REPOSITORY / "qgis_plugin" / "geoarseg_qgis" / "algorithms"
        module = (source / f"{words[1].removeprefix('geoarseg:')}.py").read_text()
        shared = module + (source / "training.py").read_text() + (source / "image.py").read_text()
        assert all(f'"{word.partition("=")[0]}"' in shared for word in words[3:])


FOREIGN = {"pip": _pip, "python": _python, "python3.11": _python, "dask": _dask, "qgis_process": _qgis_process}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_in_the_text_and_their_options_exist(page):
    for span in spans_of(page):
        words = span.replace("...", " ").split()[1:]
        command = geoarseg_command(words)
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {
            "--help",
            "-h",
        }
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, span


def geoarseg_command(words):
    """The command that the first words name; the rest may be words in capitals and half a command."""
    from geoarseg.cli.main import cli

    command = cli
    context = click.Context(cli)
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        found = command.get_command(context, word)
        assert found is not None or word.isupper(), words
        command = found or command
    return command


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=place)
def test_names_and_arguments_of_geoarseg_exist(block):
    names = {"geoarseg": geoarseg}
    tree = ast.parse(block.code, block.place)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("geoarseg"):
            names |= {alias.name: getattr(importlib.import_module(node.module), alias.name) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            assert hasattr(names[node.value.id], node.attr), ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in names:
            called = eval(ast.unparse(node.func), dict(names))
            keywords = {word.arg: None for word in node.keywords}
            inspect.signature(called).bind(*[None] * len(node.args), **keywords)


def test_settings_in_yaml_are_settings(tmp_path):
    blocks = [block for page in DOCUMENTS for block in blocks_of(page) if block.language == "yaml"]
    assert blocks
    for block in blocks:
        tree = yaml.safe_load(block.code)
        base = tree.pop("base", None)
        assert base is None or (REPOSITORY / "configs" / base).exists()
        (tmp_path / "settings.yaml").write_text(yaml.safe_dump(tree))
        geoarseg.load_settings(tmp_path / "settings.yaml")


def test_blocks_say_what_language_they_are():
    for page in DOCUMENTS:
        fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("```")]
        assert len(fences) == 2 * len(blocks_of(page)), page
        assert {block.language for block in blocks_of(page)} <= set(LANGUAGES)


def test_the_checks_can_fail():
    with pytest.raises(click.ClickException):
        parse(["segment", "ortho.tif", "-m", "model.safetensors", "-o", "classes.tif", "--cofidence", "c.tif"])
    with pytest.raises(click.ClickException):
        parse(["segmnt", "ortho.tif"])
    wrong = types.SimpleNamespace(code="import geoarseg\ngeoarseg.open_scene('a.tif', band=1)", place="here")
    with pytest.raises(TypeError):
        test_names_and_arguments_of_geoarseg_exist(wrong)
    assert list(commands_of("a && b 'c # d' # e\ngeoarseg legend \\\n  f > g")) == [
        ["a"],
        ["b", "c # d"],
        ["geoarseg", "legend", "f", ">", "g"],
    ]
