"""The model folder: it comes back bit for bit, without the training code, and a hostile one is refused."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from ganforge.core.errors import RunError, UsageError
from ganforge.core.space import Space
from ganforge.shipping import load
from ganforge.shipping.description import Description, fields_of
from ganforge.shipping.export import _rounded
from ganforge.shipping.folder import write_model_folder
from ganforge.shipping.weights import Precision
from tests.processes import environment
from tests.shipping.conftest import DIGITS, made

SPACES = {
    "dcgan": DIGITS,
    "residual": Space(kind="waves", shape=(1, 40), sample_rate=8000),
    "few_shot": Space(kind="pictures", shape=(3, 16, 20)),
    "mlp": Space(kind="points", shape=(2,), offset=(1.0, -5.0), scale=(10.0, 0.1), columns=("a", "b")),
}


@pytest.mark.parametrize("family", SPACES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_folder_gives_back_the_generator(family: str, precision: Precision, tmp_path: Path):
    sampler, description = made(family, SPACES[family])
    kept = Description(
        space=description.space,
        prior=description.prior,
        conditions=description.conditions,
        body=description.body,
        precision=precision,
        made={"recipe": "tiny", "nimg": 7},
    )
    write_model_folder(tmp_path / "model", sampler, kept, card="# card\n")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    back = load(tmp_path / "model")
    assert (back.space, back.prior, back.conditions) == (sampler.space, sampler.prior, sampler.conditions)
    found, expected = back.sample(9, seed=3), _rounded(sampler, precision).sample(9, seed=3)
    assert torch.equal(found, expected)
    assert torch.equal(found, sampler.sample(9, seed=3)) == (precision == "float32")
    assert found.dtype == sampler.sample(1).dtype
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    del config["sha256"], config["own_sha256"]
    assert Description.from_json(config, "it") == kept
    with pytest.raises(UsageError, match="exists already"):
        write_model_folder(tmp_path / "model", sampler, kept, card="")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sampler, description = made("dcgan", DIGITS)
    write_model_folder(tmp_path / "model", sampler, description, card="")
    return tmp_path / "model"


def test_the_folder_opens_without_the_training_code(folder: Path):
    program = (
        "import sys, ganforge\n"
        f"x = ganforge.load({str(folder)!r}).sample(2, seed=1)\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('ganforge.')}\n"
        "print(tuple(x.shape), x.dtype, *sorted(rooms))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "(2,",
        "1,",
        "8,",
        "12)",
        "torch.uint8",
        "codecs",
        "core",
        "data",  # how the cells of tables are written; nothing is read
        "networks",
        "runs",
        "shipping",
    ]


def _change(path: tuple[str, ...], value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        here = config
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = value
        (folder / "config.json").write_text(json.dumps(config))

    return change


def _weights(make: Callable[[dict[str, torch.Tensor]], bytes]) -> Callable[[Path], None]:
    """Other weights, with a checksum that is right: whoever is hostile can compute one too."""

    def change(folder: Path) -> None:
        file = folder / "model.safetensors"
        content = make(safetensors.torch.load(file.read_bytes()))
        file.write_bytes(content)
        _change(("sha256",), hashlib.sha256(content).hexdigest())(folder)

    return change


def _without_one(weights: dict[str, torch.Tensor]) -> bytes:
    weights.pop("first.weight")
    return safetensors.torch.save(weights)


def _longer(weights: dict[str, torch.Tensor]) -> bytes:
    return safetensors.torch.save({**weights, "more": torch.zeros(10_000_000)})


def _header(header: Any, tail: bytes = b"") -> Callable[[dict[str, torch.Tensor]], bytes]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return lambda _: struct.pack("<Q", len(text)) + text + tail


def _lying(weights: dict[str, torch.Tensor]) -> bytes:
    """The right names and shapes, over no bytes."""
    header = {n: {"dtype": "F32", "shape": list(w.shape), "data_offsets": [0, 4]} for n, w in weights.items()}
    for name, weight in weights.items():
        header[name]["dtype"] = "I64" if weight.dtype == torch.int64 else "F32"
    return _header(header, b"1234")(weights)


def _absurd(length: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / "model.safetensors").open("wb") as file:
            file.write(struct.pack("<Q", length))
            file.truncate(min(length + 8, 120_000_000))  # a file of holes

    return change


PICKLE = b"cos\nsystem\n(S'touch EXECUTED'\ntR."
HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "there is no .*model.safetensors"),
    "an empty file": (lambda f: (f / "model.safetensors").write_bytes(b""), "no safetensors file"),
    "a cut file": (lambda f: os.truncate(f / "model.safetensors", 5_000), "damaged|checksum"),
    "a header of 100 MB": (_absurd(100_000_000), "its header would have 100,000,000 bytes"),
    "a header of exabytes": (_absurd(1 << 62), "its header would have"),
    "a pickle as weights": (_weights(lambda _: PICKLE), "no safetensors file"),
    "a header that is no JSON": (_weights(_header(b"{" * 5_000)), "no safetensors file"),
    "a header that is a list": (_weights(_header([1, 2])), "no safetensors file"),
    "another type": (_weights(_header({"x": {"dtype": "F8", "shape": [1]}})), "no safetensors file"),
    "a tensor too few": (_weights(_without_one), "'first.weight' is missing"),
    "a tensor too many": (_weights(_longer), "'more' is another one"),
    "sizes that are not there": (_weights(_lying), "cannot be read"),
    "a flipped checksum": (_change(("sha256",), "0" * 64), "checksum"),
    "a pickle as configuration": (lambda f: (f / "config.json").write_bytes(PICKLE), "not JSON"),
    "a deep configuration": (lambda f: (f / "config.json").write_text("[" * 100_000), "not JSON"),
    "a large configuration": (lambda f: (f / "config.json").write_text(" " * 2_000_000), "at most 1,000,000"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), "not a JSON object"),
    "another format": (_change(("format",), 2), "upgrade"),
    "another thing": (_change(("what",), "a classifier"), "does not describe a generator"),
    "a path": (_change(("weights",), "../../etc/passwd"), "unknown field 'weights'"),
    "a class to import": (_change(("generator", "family"), "os.system"), "unknown generator family"),
    "an option to import": (_change(("generator", "options"), {"module": "os"}), "no generator option"),
    "an option of the wrong type": (_change(("generator", "options"), {"normalisation": [1]}), "option"),
    "an endless option": (_change(("generator", "options"), {"normalisation": 1e300}), "option"),
    "a width of text": (_change(("generator", "width"), "64"), "width must be a whole number"),
    "a width of true": (_change(("generator", "width"), True), "width must be a whole number"),
    "an endless width": (_change(("generator", "width"), 10**30), "width must be a whole number"),
    "a huge width": (_change(("generator", "width"), 65_536), "more than 2,000,000,000 parameters"),
    "an endless depth": (_change(("generator", "depth"), 10**9), "depth must be a whole number"),
    "an endless latent": (_change(("prior", "size"), 10**9), "prior.size must be"),
    "another prior": (_change(("prior", "kind"), "cauchy"), "prior.kind can be normal, uniform"),
    "a shape of text": (_change(("space", "shape"), "888"), "space.shape must be a list"),
    "a huge shape": (_change(("space", "shape"), [1, 16_384, 16_384]), "too large"),
    "a negative shape": (_change(("space", "shape"), [1, -8, 8]), "space.shape must be a whole number"),
    "no shape": (_change(("space", "shape"), []), "need a shape"),
    "an unknown kind": (
        _change(("space", "kind"), ["pictures"]),
        "space.kind can be clips, passages, pictures",
    ),
    "a million classes": (_change(("space", "classes"), ["x"] * 20_000), "more than 10,000 classes"),
    "conditions without classes": (_change(("conditions",), 7), "7 conditions do not fit 3 classes"),
    "another precision": (_change(("precision",), "int2"), "precision can be"),
    "no network": (_change(("generator",), None), "generator must be a mapping"),
    "another network": (_change(("generator", "width"), 9), "does not fit its config.json"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_folder_is_refused_in_one_line(
    what: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    change, pattern = HOSTILE[what]
    change(folder)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(RunError, match=pattern) as told:
        load(folder)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 600
    assert time.monotonic() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    assert not (tmp_path / "EXECUTED").exists()


def test_the_folder_of_these_tests_is_right_before_it_is_made_hostile(folder: Path):
    assert load(folder).sample(1).shape == (1, 1, 8, 12)


def test_links_out_of_the_folder_are_only_read_as_what_they_should_be(folder: Path, tmp_path: Path):
    (tmp_path / "secret").write_text("the secret")
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(tmp_path / "secret")
    with pytest.raises(RunError, match="not JSON") as told:
        load(folder)
    assert "secret" not in str(told.value).replace(str(folder), "")
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(RunError, match="not a run folder"):  # a pipe would be waited for without end
        load(folder)


def test_descriptions_are_whole():
    _, description = made("mlp", SPACES["mlp"])
    assert Description.from_json(fields_of(json.dumps(description.to_json()), "it"), "it") == description
    with pytest.raises(RunError, match="1,000,001 characters"):
        fields_of("x" * 1_000_001, "it")
