"""What is released: its version, the wheel and the source archive, and what stands beside them."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import geoarseg

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
FALLBACK = PROJECT["tool"]["hatch"]["version"]["fallback-version"]


def call(*words, cwd, **environment):
    """What a program prints; nothing of git's or a build's settings of the outside counts."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SETUPTOOLS_SCM"))}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=outer | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def version_in(folder):
    pytest.importorskip("hatch_vcs")
    return call(sys.executable, "-m", "hatchling", "version", cwd=folder)


@pytest.fixture
def tree(tmp_path):
    """A copy of what the version is made from, without git."""
    folder = tmp_path / "tree"
    (folder / "geoarseg").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "geoarseg/__init__.py"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in (".gitattributes", ".git_archival.txt"):
        if (REPOSITORY / name).exists():
            shutil.copy(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture
def repository(tree):
    """The copy under git, with one commit; returns what calls git there."""
    if shutil.which("git") is None:
        pytest.skip("no git here")

    def git(*words):
        name = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        return call("git", *name, *words, cwd=tree, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    return git


def archive_of(git, tmp_path):
    """What a forge gives as the archive of a commit."""
    git("archive", "-o", tmp_path / "archive.tar", "--prefix=archive/", "HEAD")
    with tarfile.open(tmp_path / "archive.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "archive"


def test_the_version_is_that_of_the_tag(repository, tree, tmp_path):
    repository("tag", "v1.2.3")
    assert version_in(tree) == "1.2.3"
    assert version_in(archive_of(repository, tmp_path)) == "1.2.3"


def test_between_releases_it_is_the_next_one(repository, tree, tmp_path):
    repository("tag", "v1.2.3")
    repository("commit", "-q", "--allow-empty", "-m", "two")
    assert re.fullmatch(r"1\.3\.0\.dev1\+g[0-9a-f]+", version_in(tree))
    assert re.fullmatch(r"1\.3\.0\.dev1\+g[0-9a-f]+", version_in(archive_of(repository, tmp_path)))


def test_without_a_tag_or_git_there_is_one_too(tree, tmp_path):
    assert version_in(tree) == FALLBACK


def test_without_a_tag_it_has_three_numbers(repository, tree, tmp_path):
    assert version_in(tree).startswith("0.1.0.dev1+g")
    assert version_in(archive_of(repository, tmp_path)) == FALLBACK


def test_the_package_knows_its_version():
    assert re.match(r"\d+\.\d+\.\d+", geoarseg.__version__), "the QGIS plugin reads three numbers"
    code = (
        "import importlib.metadata as m, geoarseg\n"
        "def absent(name): raise m.PackageNotFoundError(name)\n"
        "m.version = absent\n"
        "print(geoarseg.__version__)"
    )
    assert call(sys.executable, "-c", code, cwd=REPOSITORY) == FALLBACK


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the source archive of this tree, of version 9.8.7."""
    pytest.importorskip("hatch_vcs")
    folder = tmp_path_factory.mktemp("dist")
    words = (sys.executable, "-m", "hatchling", "build", "-d", folder, "-t", "sdist", "-t", "wheel")
    call(*words, cwd=REPOSITORY, SETUPTOOLS_SCM_PRETEND_VERSION="9.8.7")
    return folder / "geoarseg-9.8.7-py3-none-any.whl", folder / "geoarseg-9.8.7.tar.gz"


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_package_and_nothing_else(built):
    names = names_in(built[0])
    modules = {str(p.relative_to(REPOSITORY).as_posix()) for p in (REPOSITORY / "geoarseg").rglob("*.py")}
    assert modules | {"geoarseg/py.typed", "geoarseg/report/page.html", "geoarseg/configs/default.yaml"} <= names
    assert "geoarseg-9.8.7.dist-info/licenses/LICENSE" in names
    assert {name.split("/")[0] for name in names} == {"geoarseg", "geoarseg-9.8.7.dist-info"}
    assert not [name for name in names if "__pycache__" in name or "/test" in name]


def test_the_source_builds_the_same_wheel_without_git(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / "geoarseg-9.8.7"
    assert all(
        (source / name).exists() for name in ("tests/conftest.py", "docs/index.md", "mkdocs.yml", "CITATION.cff")
    )
    call(sys.executable, "-m", "hatchling", "build", "-d", tmp_path, "-t", "wheel", cwd=source)
    assert names_in(tmp_path / built[0].name) == names_in(built[0])


def test_the_wheel_runs_away_from_the_tree(built, tmp_path):
    words = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", tmp_path / "lib")
    call(*words, built[0], cwd=tmp_path)
    elsewhere = {"cwd": tmp_path, "PYTHONPATH": str(tmp_path / "lib")}
    assert "geoarseg, version 9.8.7" in call(sys.executable, "-m", "geoarseg", "--version", **elsewhere)
    assert "table-1d/hard-potsdam" in call(sys.executable, "-m", "geoarseg", "reproduce", "--list", **elsewhere)


def test_the_public_workflow_tries_the_pythons_that_are_promised():
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    promised = [re.search(r":: (3\.\d+)$", text) for text in PROJECT["project"]["classifiers"]]
    assert matrix["python"] == [found[1] for found in promised if found]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert workflow["permissions"] == {"contents": "read"}


def test_forms_and_citation_are_yaml():
    for path in (REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert path.name == "config.yml" or {"name", "description", "body"} <= form.keys()
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["license"] == PROJECT["project"]["license"]


def test_the_changelog_keeps_its_form():
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", title) for title in releases[1:])
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds
