"""Random damage: whatever happens to a file of a run folder, it is named, or it changes nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import shutil
import time
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

import ganforge
from ganforge.core.errors import DamageWarning, GanforgeError
from ganforge.health.diagnosis import diagnose
from ganforge.health.history import History
from ganforge.report import write_report
from ganforge.runs import checkpoint
from ganforge.runs.discriminator import load_judge
from ganforge.runs.files import sealed
from ganforge.runs.folder import Run
from ganforge.runs.sampler import load
from ganforge.runs.verify import verify
from ganforge.shipping.card import card
from ganforge.shipping.description import Description
from ganforge.shipping.export import export
from tests import players
from tests.training.test_resume import trainer
from tests.translations import trained

SECONDS = 10.0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run folders with every kind of file in them: one of points, one that translates."""
    folder = tmp_path_factory.mktemp("damage")
    made = trainer(folder / "points", players.recipe(), players.points(), 0.64)
    assert made.train().finished
    write_report(made.run)
    export(folder / "points", to="folder")
    scores = {"nimg": made.nimg, "scores": [{"key": "a", "name": "a", "value": 0.5, "direction": "lower"}]}

    (folder / "points" / "scores.json").write_text(sealed(scores))
    trained("pix2pix", folder / "pairs", players.translated())
    return {"points": folder / "points", "pairs": folder / "pairs"}


def _sha(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _tensors(tensors: dict[str, dict[str, torch.Tensor]]) -> str:
    flat = {f"{part}.{name}": value for part, named in tensors.items() for name, value in named.items()}
    return _sha(*((name, value.flatten().tolist()) for name, value in sorted(flat.items())))


def _card(path: Path) -> str:
    run = Run.open(path)
    return _sha(card(run, Description.of(run.recipe, run.space), opened=run.checkpoint(only=()).opened))


def _diagnosis(path: Path) -> str:
    return _sha(json.dumps(diagnose(History.of(Run.open(path))).to_json(), sort_keys=True, default=str))


def _report(path: Path) -> str:
    """The page, with the pixels of its pictures in place of their files."""
    page = write_report(Run.open(path)).read_text()
    return _sha(re.sub(r'src="data:image/png;base64,([^"]*)"', lambda found: _pixels(found[1]), page))


def _pixels(text: str) -> str:
    with Image.open(BytesIO(base64.b64decode(text))) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()


READERS: dict[str, Callable[[Path], str]] = {
    "sample": lambda path: _sha(load(path).sample(5, seed=3).tolist()),
    "judge": lambda path: _sha(load_judge(path).logits(load(path).sample(4)).tolist()),
    "resume": lambda path: _tensors(Run.open(path).checkpoint("newest").tensors),
    "diagnose": _diagnosis,
    "card": _card,
    "report": _report,
    "model": lambda path: _sha(ganforge.load(path / "exported/model").sample(3).tolist()),
    "events": lambda path: _sha(Run.open(path).events()),
}
OF_PAIRS = ("sample", "resume", "diagnose", "events")
READS = {
    "run.json": ("sample", "resume", "diagnose", "card"),
    "state.json": ("sample", "judge", "resume", "diagnose"),
    "average.safetensors": ("sample", "resume"),
    "game.safetensors": ("judge", "resume"),
    "optimisers.safetensors": ("resume",),
    "log.jsonl": ("diagnose", "report"),
    "events.jsonl": ("card", "events", "report"),
    "scores.json": ("card", "report"),
    "config.json": ("model",),
    "model.safetensors": ("model",),
    ".png": ("report",),
    "inputs.safetensors": ("sample",),
}


def mutate(content: bytes, chance: random.Random) -> bytes:
    """A bit, a byte, a cut, a hole, a piece twice, another file's beginning, or nothing left."""
    data = bytearray(content)
    match chance.randrange(8):
        case 0 | 1 | 2:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 3:
            data[chance.randrange(len(data))] = chance.choice(b'0123456789"{}[],:. \n\x00\xff')
        case 4:
            del data[chance.randrange(len(data)) :]
        case 5:
            start = chance.randrange(len(data))
            data[start : start + 64] = bytes(len(data[start : start + 64]))
        case 6:
            start = chance.randrange(len(data))
            data[start:start] = data[start : start + 32]
        case _:
            data = bytearray(b"" if chance.random() < 0.5 else chance.randbytes(64) + bytes(data[64:]))
    return bytes(data)


def outcome(read: Callable[[Path], str], path: Path) -> tuple[str | None, str]:
    """What a reader gives, and all that is said meanwhile; None where it refuses."""
    began = time.process_time()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found: str | None = read(path)
        except GanforgeError as error:
            found = None
            told.append(warnings.WarningMessage(str(error), DamageWarning, "", 0))
    assert time.process_time() - began < SECONDS
    return found, "\n".join(str(one.message) for one in told)


def damage(runs: dict[str, Path], tmp_path: Path, times: int) -> dict[str, int]:
    """Damage files one at a time; gives how often each kind was. The seed is fixed."""
    chance = random.Random(20260816)
    done: dict[str, int] = {}
    for name, sound in runs.items():
        path = tmp_path / name
        shutil.copytree(sound, path)
        readers = {key: read for key, read in READERS.items() if name == "points" or key in OF_PAIRS}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            expected = {key: read(path) for key, read in readers.items()}
            assert verify(path).sound, verify(path).faults
        files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
        for _ in range(times if name == "points" else times // 4):
            file = chance.choice(files)
            content = file.read_bytes()
            damaged = mutate(content, chance)
            whole_lines = file.suffix == ".jsonl" and damaged[-1:] in (b"", b"\n")
            if damaged == content or (whole_lines and content.startswith(damaged)):
                continue  # a log that ends earlier is a log
            kind = file.name if file.name in READS else file.suffix
            done[kind] = done.get(kind, 0) + 1
            file.write_bytes(damaged)
            for key in READS.get(kind, ()):
                if key not in readers:
                    continue
                found, said = outcome(readers[key], path)
                where = file.relative_to(path)
                named = str(where.parent if kind == "state.json" else where) in said
                assert found == expected[key] or named, (str(where), key, found, said)
            verify(path)  # which never gives up
            file.write_bytes(content)
        (path / "report.html").unlink(missing_ok=True)
    return done


def test_no_random_damage_goes_unnoticed(runs: dict[str, Path], tmp_path: Path):
    assert len(damage(runs, tmp_path, 60)) >= 8


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_thousand_random_damages_go_noticed(runs: dict[str, Path], tmp_path: Path):
    done = damage(runs, tmp_path, 800)
    assert sum(done.values()) >= 950, done
    assert len(done) >= 10, done


def test_every_file_of_weights_is_verified(runs: dict[str, Path], tmp_path: Path):
    shutil.copytree(runs["points"], tmp_path / "run")
    newest = checkpoint.path_of(tmp_path / "run/checkpoints", Run.open(tmp_path / "run").checkpoint().nimg)
    for file in sorted(newest.iterdir()):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        sound = file.read_bytes()
        file.write_bytes(content)
        faults = [fault for fault in verify(tmp_path / "run").faults if fault.grave]
        assert [fault.file.name for fault in faults] == [file.name]
        assert "gan train --resume" in faults[0].fix
        file.write_bytes(sound)
    assert verify(tmp_path / "run").sound
