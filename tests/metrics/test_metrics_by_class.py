"""Which class lags, and extractors by their names."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ganforge.core.errors import DataError, UsageError
from ganforge.metrics.by_class import ClassLine, class_lines, lagging
from ganforge.metrics.choice import EXTRACTORS, named_extractor
from ganforge.metrics.features import raw, referee


def line(**changes):
    fair = {
        "name": "seven",
        "share": 0.1,
        "share_real": 0.1,
        "read": 0.95,
        "read_real": 0.95,
        "coverage": 0.9,
        "coverage_real": 0.92,
        "asked": 100,
        "real": 60,
    }
    return ClassLine(**{**fair, **changes})


def test_the_class_that_lags_is_named_with_its_numbers():
    fair = line(name="one")
    assert lagging([]) == ""
    assert lagging([fair, line()]) == "no class lags beyond chance"
    assert lagging([fair, line(read=0.6)]) == (
        "seven lags: 60% of the samples asked for are read as seven, 95% of real ones"
    )
    assert "cover 40% of its real examples, other real ones 92%" in lagging([line(coverage=0.4), fair])
    # Nine real examples are too few to say so.
    assert lagging([line(coverage=0.7, real=9)]) == "no class lags beyond chance"
    nobody = line(read=math.nan, asked=0, coverage=math.nan)
    assert lagging([nobody]) == "no class lags beyond chance"
    assert json.dumps(nobody.to_json(), allow_nan=False)


def test_lines_of_a_generator_that_collapsed_on_one_class(digits):
    samples, asked = digits.fresh.copy(), digits.fresh_labels
    ones = np.flatnonzero(asked == 1)
    samples[ones] = samples[ones[0]]  # one picture for every 1
    told = asked.copy()
    told[asked == 7] = 1  # 7 reads as 1
    lines = class_lines(
        [str(digit) for digit in range(10)],
        predicted=told,
        wanted=asked,
        training_labels=digits.training_labels,
        real_predicted=digits.held_out_labels,
        real_labels=digits.held_out_labels,
        features=raw()(samples),
        real_features=raw()(digits.held_out),
        other_features=raw()(digits.training[:397]),
    )
    assert [one.name for one in lines] == [str(digit) for digit in range(10)]
    assert lines[1].coverage < 0.5 < 0.8 < lines[1].coverage_real
    assert lines[2].coverage > 0.8
    assert (lines[7].read, lines[7].read_real, lines[7].share) == (0.0, 1.0, 0.0)
    assert lines[1].share == pytest.approx((asked == 1).mean() + (asked == 7).mean())
    assert sum(one.share_real for one in lines) == pytest.approx(1.0)
    assert sum(one.asked for one in lines) == len(asked)
    assert sum(one.real for one in lines) == 400
    assert lagging(lines).startswith("7 lags")
    unasked = class_lines(
        ["0"],
        predicted=told,
        wanted=None,
        training_labels=digits.training_labels,
        real_predicted=digits.held_out_labels[:1],
        real_labels=digits.held_out_labels[:1],
        features=raw()(samples[:1]),
        real_features=raw()(digits.held_out[:1]),
        other_features=raw()(digits.training[:1]),
    )
    assert math.isnan(unasked[0].read)


def test_every_extractor_has_a_name(digits, tmp_path):
    for name in ("learned", "raw", "standardised", "sketch"):
        assert name in EXTRACTORS
        found = named_extractor(name, digits.training[:200], digits.training_labels[:200], cache=tmp_path)
        assert found(digits.fresh[:5]).shape[0] == 5
    with pytest.raises(UsageError, match="Did you mean 'inception'"):
        named_extractor("incepton", digits.training)
    with pytest.raises(UsageError, match=r"needs its file of weights pt_inception\S+: give --weights FILE"):
        named_extractor("inception", digits.training)
    with pytest.raises(UsageError, match=r"the extractor raw takes no weights"):
        named_extractor("raw", digits.training, weights=tmp_path / "x")
    with pytest.raises(DataError, match="there is no file of weights"):
        named_extractor("squeezenet", digits.training, weights=tmp_path / "absent.npz")


def test_the_referee_and_the_features_are_one_network_from_one_cache(digits, tmp_path):
    some = digits.training[:300], digits.training_labels[:300]
    extractor = named_extractor("learned", *some, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    stamp = file.stat().st_mtime_ns
    judge = referee(*some, cache=tmp_path)
    assert file.stat().st_mtime_ns == stamp
    assert list(tmp_path.iterdir()) == [file]
    assert (judge.probabilities(digits.fresh).argmax(1) == digits.fresh_labels).mean() > 0.9
    features, read = extractor(digits.fresh[:50]), judge.features(digits.fresh[:50])
    np.testing.assert_allclose(np.corrcoef(features[:, 3], read[:, 3])[0, 1], 1.0, rtol=1e-9)


def test_a_file_of_ones_own_is_an_extractor(digits, tmp_path):
    own = tmp_path / "halves.py"
    own.write_text("def features(x):\n    return x.float().flatten(1)[:, :32]\n")
    found = named_extractor(str(own), digits.training)
    assert found.frechet_name == "Fréchet distance (halves)"
    assert found(digits.fresh[:7]).shape == (7, 32)
    with pytest.raises(UsageError, match="there is no file"):
        named_extractor(str(tmp_path / "absent.py"), digits.training)
    for text, reason in (
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("x = 1", "AttributeError"),
        ("def features(x):\n    return x.float().sum()", "5 examples gave ()"),
    ):
        own.write_text(text)
        with pytest.raises(UsageError) as caught:
            named_extractor(str(own), digits.training)(digits.fresh[:5])
        assert reason in str(caught.value)
        assert "must define features(x)" in str(caught.value)
