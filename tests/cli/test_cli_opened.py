"""Every verb that opens a run says which moment and which weights it opened, and never the untrained ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from ganforge.core.errors import DamageWarning, RunError
from ganforge.runs.checkpoint import path_of, write_checkpoint
from ganforge.runs.files import sha256
from ganforge.runs.folder import Run
from ganforge.studio.model import Model
from tests import players, translations
from tests.conftest import Call

VERBS = {
    "sample": "sample run --seeds 0-1 --out made",
    "evaluate": "evaluate run --samples 200 --only spectrum",
    "explore": "explore run truncate --pool 64",
    "export": "export run --out made.onnx",
    "serve": "serve run --port 0",
    "diagnose": "diagnose run --look",
    "train": "train --resume run --kimg 0.2",
}


@pytest.fixture
def run(digits_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits_run, tmp_path / "run"))


def damaged(run: Path) -> None:
    """The newest checkpoint cannot be read."""
    file = max((run / "checkpoints").glob("0*")) / "average.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_in_one_line_what_it_opened(
    verb: str, gan: Call, run: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ganforge.shipping.server.serve", lambda service, opened: opened.close() or 0)
    weights = sha256((path_of(run / "checkpoints", 112) / "average.safetensors").read_bytes())
    told = re.findall(r"^opened +(.*)$", gan(*VERBS[verb].split()).out, re.MULTILINE)
    assert told == [f"the state after 112 examples, the newest; weights {weights[:12]}"]


def test_a_translation_says_it_too(gan: Call, tmp_path: Path):
    translations.trained("cyclegan", tmp_path / "run", players.translated())
    Image.new("RGB", (16, 16)).save(tmp_path / "picture.png")
    told = gan("translate", "run", "picture.png").out
    assert re.search(
        r"^opened    the state after \d+ examples, the newest; weights [0-9a-f]{12}$", told, re.M
    )


def test_the_studio_says_it_too(run: Path, tmp_path: Path):
    words = Model(run, tmp_path / "kept", "chosen").to_json()["words"]
    assert re.fullmatch(r"8×8 grey; the state after 112 examples, the newest; weights [0-9a-f]{12}", words)


def test_why_this_one_is_said_too(run: Path):
    opened = Run.open(run)
    assert opened.checkpoint(112, only=()).opened.why == "as asked for"
    assert opened.checkpoint("best", only=()).opened.why.startswith("the newest")
    found = opened.checkpoint()
    standing = {**found.state["standing"], "best_nimg": 112, "past_its_best": True}
    state = {**found.state, "nimg": 224, "standing": standing}
    write_checkpoint(run / "checkpoints", state=state, tensors=found.tensors)
    assert opened.checkpoint("newest", only=()).opened.why == "the newest"
    assert opened.checkpoint("best", only=()).opened.why == "the best"
    chosen = opened.checkpoint(only=("average",)).opened
    assert (chosen.nimg, chosen.why) == (112, "the best: that of 224 scores worse")
    damaged(run)
    with pytest.warns(DamageWarning):
        assert opened.checkpoint("newest", only=("average",)).opened.why == "in place of a damaged one"


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("train", "diagnose")])
def test_the_state_before_training_is_never_chosen(verb: str, gan: Call, run: Path):
    damaged(run)  # what is left is the state before training
    answer = gan(*VERBS[verb].split())
    assert (answer.code, answer.err.count("\n")) == (RunError.exit_code, 1), answer
    assert "only the state before training" in answer.err
    assert "opened" not in answer.out
    assert not Path("made").exists()
