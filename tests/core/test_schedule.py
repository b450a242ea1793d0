"""Schedules are pure functions of progress."""

import pytest

from ganforge.core.schedule import cosine


@pytest.mark.parametrize(
    ("progress", "value"),
    [(0.0, 2.0), (0.5, 1.25), (1.0, 0.5), (2.0, 0.5), (-1.0, 2.0), (0.25, 1.7803300859)],
)
def test_half_a_cosine(progress: float, value: float):
    assert cosine(2.0, 0.5, progress) == pytest.approx(value, abs=1e-9)


def test_without_an_end_it_is_constant():
    assert cosine(3.0, None, 0.7) == 3.0
