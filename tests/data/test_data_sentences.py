"""Captions read by a sentence encoder: from the data to a sample that is asked for in words."""

from __future__ import annotations

import json
import sys
import types
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganforge.core import sentences
from ganforge.core.condition import Condition
from ganforge.core.errors import DataError, MachineError, UsageError
from ganforge.data import load
from ganforge.data.words import as_known
from ganforge.runs.sampler import load as load_sampler
from ganforge.tasks.again import data_arguments
from ganforge.tasks.experiment import prepare


class Encoder:
    """What the package gives: here a vector of 12 numbers by chance for each text."""

    def __init__(self, name: str, **options: Any) -> None:
        assert options["trust_remote_code"] is False
        assert options["model_kwargs"] == {"use_safetensors": True}
        if name != "some/encoder":
            raise OSError(f"{name} is not\na model")

    def encode(self, texts: Sequence[str], **_: Any) -> np.ndarray:
        return np.stack([np.random.default_rng(zlib.crc32(t.encode())).normal(size=12) for t in texts])


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = Encoder  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    sentences._model.cache_clear()


def test_vectors_have_length_one():
    found = sentences.encode("some/encoder", ["a red apple", "a pear"])
    assert found.shape == (2, 12)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-6)


def test_what_cannot_be_had_is_one_line(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UsageError, match=r"'elsewhere' cannot be loaded \(elsewhere is not a model\); give"):
        sentences.encode("elsewhere", ["a"])
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MachineError, match=r"pip install 'ganforge\[text\]'"):
        sentences.encode("some/encoder", ["a"])


def test_captions_become_the_encoders_numbers():
    data = load("captioned-shapes", text_encoder="some/encoder")
    asks = data.space.condition
    assert asks is not None
    assert (asks.kind, asks.encoder, asks.size) == ("text", "some/encoder", 12)
    assert data.train.rows is not None
    assert data.train.rows.shape == (data.train.n, 12)
    said = asks.read(asks.captions[0])
    torch.testing.assert_close(said, torch.tensor(asks.examples[:1]))
    assert Condition.from_json(json.loads(json.dumps(asks.to_json()))) == asks


def test_a_run_knows_its_encoder(tmp_path: Path):
    changes = {"text_encoder": "some/encoder", "batch": 8, "generator.width": 8, "discriminator.width": 8}
    experiment = prepare("captioned-shapes", recipe="captions", kimg=0.032, changes=changes, rescue=False)
    assert data_arguments(experiment.recipe)["text_encoder"] == "some/encoder"
    run = experiment.measure().start(tmp_path / "run")
    assert run.train().finished
    sampler = load_sampler(tmp_path / "run")
    assert sampler.asks is not None
    red, blue = (sampler.sample(1, seed=1, condition=sampler.asks.read(c)) for c in ("a red circle", "blue"))
    assert not red.equal(blue)


def test_another_reader_is_not_this_one():
    asks = Condition(kind="text", names=("0", "1"), examples=((0.0, 1.0),), encoder="some/encoder")
    rows = np.array([[0.6, 0.8]], np.float32)
    assert as_known(rows, asks, asks) is rows
    with pytest.raises(DataError, match="some/encoder reads them, 2 numbers, and the run knows"):
        as_known(rows, asks, replace(asks, encoder="some/other"))
    with pytest.raises(DataError, match="the run knows captions with 2 known phrases"):
        as_known(rows, asks, replace(asks, encoder=""))


def test_a_model_folder_says_who_reads():
    asks = Condition(kind="text", names=("0", "1"), examples=((0.6, 1.8),), encoder="some/encoder")
    assert Condition.from_json(json.loads(json.dumps(asks.to_json())), "space.condition") == asks
