"""What the plugin's environment is made of: pins with checksums, those of the constraints."""

import re

import pytest
from plugin_paths import PLUGIN, REPOSITORY

REQUIREMENTS = PLUGIN / "requirements"


@pytest.mark.parametrize("name", ["base.txt", "torch.txt"])
def test_every_package_is_pinned_with_its_checksums(name):
    packages = re.split(r"\n(?=\S)", (REQUIREMENTS / name).read_text())[1:]
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+==[\w.]+", package), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", package), package


def test_the_pins_are_those_of_the_constraints():
    constraints = dict(line.split("==") for line in (REPOSITORY / "constraints.txt").read_text().lower().split())
    for name in ("base.txt", "torch.txt"):
        for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", (REQUIREMENTS / name).read_text(), re.MULTILINE):
            assert constraints.get(package.lower(), version) == version


def test_every_dependency_is_pinned():
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = {re.match(r"[\w-]+", text)[0].lower() for text in project["dependencies"]}
    pinned = {
        match.lower()
        for name in ("base.txt", "torch.txt")
        for match in re.findall(r"^([\w.-]+)==", (REQUIREMENTS / name).read_text(), re.MULTILINE)
    }
    assert wanted <= pinned
