import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoarseg.network.orderings import ALL_ORDERINGS, never_used, orderings_by_name

by_name = pytest.mark.parametrize("ordering", ALL_ORDERINGS, ids=lambda o: o.name)


def test_there_are_sixteen_distinct_orderings():
    ranks = {tuple(o.ranks(4, 5).ravel()) for o in ALL_ORDERINGS}
    assert len(ranks) == len({o.name for o in ALL_ORDERINGS}) == 16


@given(height=st.integers(1, 7), width=st.integers(1, 7), index=st.integers(0, 15))
def test_ranks_are_a_bijection(height, width, index):
    ranks = ALL_ORDERINGS[index].ranks(height, width)
    assert sorted(ranks.ravel()) == list(range(height * width))


@given(height=st.integers(1, 6), width=st.integers(1, 6), index=st.integers(0, 15))
def test_an_allowed_offset_never_leads_to_a_higher_rank(height, width, index):
    ordering = ALL_ORDERINGS[index]
    ranks = ordering.ranks(height, width)
    for y, x in np.ndindex(height, width):
        for other_y, other_x in np.ndindex(height, width):
            if ordering.allows(other_y - y, other_x - x):
                assert ranks[other_y, other_x] <= ranks[y, x]


@by_name
def test_raster_orderings_mask_only_what_comes_after_on_the_current_line(ordering):
    for kernel_px in (3, 5):
        masked = (~ordering.kernel_mask(kernel_px)).sum()
        assert masked == (0 if ordering.scan == "zigzag" else kernel_px // 2)


@by_name
def test_the_opposite_ordering_reverses_raster_ranks(ordering):
    if ordering.scan != "zigzag":
        np.testing.assert_array_equal(ordering.ranks(4, 6), 23 - ordering.opposite.ranks(4, 6))
    assert ordering.opposite.opposite == ordering


def test_zigzag_is_the_order_of_jpeg():
    (ordering,) = orderings_by_name(["zigzag-top-left-row"])
    assert ordering.ranks(4, 4).tolist() == [[0, 1, 5, 6], [2, 4, 7, 12], [3, 8, 11, 13], [9, 10, 14, 15]]


def test_weights_never_used_by_a_pair():
    same = orderings_by_name(["rows-top-left", "columns-left-top"])
    assert never_used(same, 3).tolist() == [[False] * 3, [False] * 3, [False, False, True]]
    assert not never_used(orderings_by_name(["rows-top-left", "rows-top-right"]), 3).any()
