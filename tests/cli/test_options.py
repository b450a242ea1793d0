"""Words of the command line that more than one verb understands."""

import pytest

from ganforge.cli.options import changes, gather, size
from ganforge.core.errors import UsageError
from ganforge.core.options import seeds
from tests.conftest import Call


def test_set_can_come_twice_and_swallows_nothing():
    words = ["--set", "batch=32", "digits", "--set", "kimg=1", "prior=uniform", "--dry-run"]
    assert gather(words) == ["digits", "--dry-run", "--set", "batch=32", "kimg=1", "prior=uniform"]
    assert gather(["digits"]) == ["digits"]


def test_pairs_sizes_and_seeds():
    assert changes(["a=1", "b.c=x=y"]) == {"a": "1", "b.c": "x=y"}
    assert size("64") == 64
    assert size("96x64") == (96, 64)
    assert size(None) is None
    assert seeds("3,7,20-22") == [3, 7, 20, 21, 22]


@pytest.mark.parametrize("text", ["x", "5-3", "1-", "1,,2"])
def test_wrong_seeds_are_named(text: str):
    with pytest.raises(UsageError, match="--seeds"):
        seeds(text)


@pytest.mark.parametrize("words", [("--cache", "lst"), ("--cache=lst",)])
def test_a_choice_that_is_not_there_is_answered_with_what_is(gan: Call, words: tuple[str, ...]) -> None:
    answer = gan("data", *words)
    assert answer.code == 2
    assert answer.said == "gan data: --cache cannot be lst: clear, list. See: gan data --help"
