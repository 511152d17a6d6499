import csv
from pathlib import Path

import pytest

from geoarseg.evaluation.comparison import Trial, _colour_values, csv_text, markdown


def trial(method="ac", seed=0, one_to_one=0.5):
    return Trial(method, seed, Path("x.tif"), one_to_one, 0.6, 0.3, 0.2, 0.1, 0.05, 4, 12.5, {1: 2, 3: 1})


def test_the_table_has_means_and_spreads():
    table = markdown([trial(), trial(seed=1, one_to_one=0.6), trial("kmeans")], {"ac": "AC"})
    rows = [line.split(" | ") for line in table.splitlines()]
    assert rows[2][:2] == ["| AC", "55.0 ± 7.1"]
    assert rows[3][:2] == ["| kmeans", "50.0"]
    assert "seeds 0, 1" in table


def test_the_csv_has_all_digits():
    (row,) = csv.DictReader(csv_text([trial(one_to_one=1 / 3)]).splitlines())
    assert float(row["one_to_one"]) == 1 / 3
    assert row["seed"] == "0"


def test_figures_travel_through_json_types():
    one = trial()
    assert Trial.from_figures(one.figures(), one.path) == one
    assert Trial.from_figures({"method": "ac"}, one.path) is None
    assert Trial.from_figures({**one.figures(), "assignment": [1]}, one.path) is None


@pytest.mark.parametrize(
    ("assignment", "clusters", "expected"),
    [({1: 2, 2: 1}, 2, {1: 2, 2: 1}), ({1: 3}, 3, {1: 3, 2: 4, 3: 5}), ({}, 1, {1: 2})],
)
def test_unmatched_clusters_take_colours_of_no_class(assignment, clusters, expected):
    assert _colour_values(assignment, clusters) == expected
