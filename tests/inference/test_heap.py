import ctypes

import pytest

from geoarseg.inference.heap import give_back_freed_memory


def test_the_c_library_is_asked(monkeypatch):
    asked = []

    class Library:
        def malloc_trim(self, pad):
            asked.append(pad)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    give_back_freed_memory()
    assert asked == [0]


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_one_that_cannot_is_no_fault(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", fail)
    give_back_freed_memory()
