"""Short texts: read from lines, and written as lines again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.codecs.text.facts import TextFacts
from ganforge.core.declared import CODECS
from ganforge.core.errors import DataError
from ganforge.core.space import Space
from ganforge.data import load, scan
from ganforge.metrics.choice import named_extractor
from ganforge.metrics.sliced import sliced_wasserstein
from ganforge.metrics.texts import NGrams, text_scores
from tests import players
from tests.conftest import Call


def test_lines_come_back_with_their_labels_as_classes(tmp_path: Path):
    file = players.names(tmp_path / "names.txt")
    found = load(file, cache=tmp_path / "cache")
    assert found.space.classes == ("hard", "soft")
    told = found.space.codec.file_of(np.array(found.train.values)).decode().splitlines()
    known = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    assert found.train.labels is not None
    assert all(
        [found.space.classes[label], line] == known[i]
        for i, label, line in zip(found.train.origin, found.train.labels, told, strict=True)
    )
    again = Space.from_json(json.loads(json.dumps(found.space.to_json())))
    units = again.to_model(torch.from_numpy(np.array(found.train.values)))
    assert np.array_equal(again.to_declared(units).numpy(), found.train.values)
    lines = " ".join(found.scan.lines())
    assert "lengths: " in lines
    assert "2 classes from what stands before a tab" in lines


def test_after_the_end_there_is_nothing(tmp_path: Path):
    space = load(players.names(tmp_path / "names.txt"), cache=tmp_path / "cache").space
    made = space.codec.finish(torch.randn(50, *space.shape) * 3, torch.zeros(50, 1), torch.tanh)
    ended = made[:, :1].cumsum(2) > 0
    assert bool((made[:, :1][ended] == 1).all())
    assert bool((made.sum(1) == 1).all())


def test_folders_of_files_give_classes_and_bad_files_are_named(tmp_path: Path):
    for name, ending in (("one", "a"), ("two", "b")):
        folder = tmp_path / "texts" / name
        folder.mkdir(parents=True)
        for k in range(40):
            (folder / f"{k}.txt").write_text("\n".join(f"word {chr(97 + i)}{k}{ending}" for i in range(9)))
    (tmp_path / "texts" / "one" / "empty.txt").write_bytes(b"")
    (tmp_path / "texts" / "one" / "blank.txt").write_text("\n \n")
    (tmp_path / "texts" / "one" / "bytes.txt").write_bytes(bytes(range(64)))
    found = scan(tmp_path / "texts", cache=tmp_path / "cache")
    said = " ".join(found.lines())
    assert found.count == 720
    assert found.classes == {"one": 360, "two": 360}
    assert "skipped: one/empty.txt: empty (0 bytes)" in said
    assert "skipped: one/blank.txt: without a line that is not empty" in said
    assert "skipped: one/bytes.txt: not a text" in said


def test_pictures_with_captions_stay_pictures(tmp_path: Path):
    for k in range(24):
        Image.new("RGB", (8, 8), (10 * k, 0, 0)).save(tmp_path / f"{k}.png")
        (tmp_path / f"{k}.txt").write_text(f"a red picture of {k}")
        (tmp_path / f"note{k}.txt").write_text("one more\n" * 9)
    assert load(tmp_path, cache=tmp_path.parent / "captions-cache").space.kind == "pictures"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2\n" * 30, "a table goes into a csv file"),
        ("1.5e+00 2.25e-01\n" * 30, "a table goes into a csv file"),
        ("too few\nlines\n", "short texts stand in a line each"),
        (
            ("a long line of prose that goes on and on, " * 3 + "\n") * 30,
            "half of the lines have more than 64",
        ),
        ("", "empty"),
    ],
)
def test_what_is_no_list_of_short_texts_says_so_in_a_line(text: str, said: str, tmp_path: Path):
    (tmp_path / "x.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        load(tmp_path / "x.txt", cache=tmp_path / "cache")


def test_long_lines_and_rare_characters_are_left_out_and_counted(tmp_path: Path):
    lines = [f"name {chr(97 + k % 20)}{chr(97 + k % 13)}" for k in range(2_000)]
    (tmp_path / "x.txt").write_text("\n".join([*lines, "a" * 60, "name ☃"]), "utf-8")
    said = " ".join(scan(tmp_path / "x.txt", cache=tmp_path / "cache").lines())
    assert "1 lines of more than 8 characters are left out" in said
    assert "1 lines with rare characters are left out" in said


def test_perplexities_are_those_by_hand():
    model = NGrams(["ab"], "ab")
    nothing = (1 + 3 * (1 / 3)) / (3 + 3)  # of a, without a past: once among three, of three characters
    assert model.chance("", "a") == pytest.approx(nothing)
    assert model.chance("\n", "a") == pytest.approx((1 + nothing) / 2)
    assert model.perplexity(["ab"]) < 2 < model.perplexity(["ba"])
    assert sum(model.chance("\n\na", letter) for letter in model.letters) == pytest.approx(1.0)
    assert max(len(line) for line in model.write(50, 4)) <= 4


def test_scores_know_copies_and_noise():
    data = players.texts(600)
    facts = data.space.codec.facts()
    assert isinstance(facts, TextFacts)
    values = data.train.values
    train, real = values[:300], values[300:]
    noise = np.random.default_rng(0).integers(1, 10, real.shape).astype(np.uint8)
    found = [
        {score.key: score.value for score in text_scores(x, train, real, facts, split="held-out")[0]}
        for x in (train, noise)
    ]
    assert found[0]["new_texts"] == 0.0
    assert found[1]["new_texts"] > 0.99
    assert found[1]["perplexity_of_real"] > 1.5 * found[0]["perplexity_of_real"]
    assert found[1]["perplexity_of_made"] > 2 * found[0]["perplexity_of_made"]
    assert found[1]["text_lengths"] > 0.5 > found[0]["text_lengths"]


def test_what_is_looked_at_while_training_sees_which_characters_stand_together():
    values = players.texts(600).train.values
    train, real = values[:300], values[300:]
    broken = real.copy()
    rng = np.random.default_rng(0)
    for row in broken[:, 0]:
        row[: (row > 0).sum()] = rng.permutation(row[row > 0])
    assert CODECS["texts"].extractor == "characters"
    read = named_extractor("characters", train)
    wrong, right = (sliced_wasserstein(read(x), read(train)) for x in (broken, real))
    assert wrong > 1.5 * right


def test_a_file_is_learnt_and_lines_of_a_class_are_written(gan: Call, tmp_path: Path):
    players.names(tmp_path / "names.txt")
    small = ["--set", "generator.width=16", "--set", "discriminator.width=8", "--no-picture"]
    train = gan("train", "names.txt", "--kimg", "0.3", "--out", "run", *small)
    assert train.code == 0, train.err
    sample = gan("sample", "run", "--seeds", "0-29", "--class", "soft", "--out", "new.txt")
    assert sample.code == 0, sample.err
    assert "wrote 30 texts to new.txt" in sample.said
    assert len((tmp_path / "new.txt").read_text("utf-8").split("\n")) == 31
    scored = gan("evaluate", "run", "--samples", "40")
    assert scored.code == 0, scored.err
    assert "headline  perplexity of real texts to a 5-gram of made ones" in scored.out
    assert "writes likelier texts than a GAN" in scored.said


def test_a_table_that_is_called_a_text_is_asked_about(tmp_path: Path):
    lines = [f"{'abc'[i % 3]} is|{'xyz'[i % 3]}|no. {i}" for i in range(40)]
    (tmp_path / "t.txt").write_text("\n".join(lines))
    said = " ".join(scan(tmp_path / "t.txt", cache=tmp_path / "cache").warnings)
    assert "nearly each line has 2 '|', and is read as a text; if this is a table, call it .csv" in said
