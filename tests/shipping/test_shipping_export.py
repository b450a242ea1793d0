"""A whole export: where it goes, what its card says, and the hub."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

import ganforge
from ganforge.core.errors import GanforgeError, MachineError, RunError, UsageError
from ganforge.runs.checkpoint import Opened
from ganforge.runs.folder import Run
from ganforge.runs.sampler import load as load_run
from ganforge.shipping import export as exporting
from ganforge.shipping import hub
from ganforge.shipping.card import card
from ganforge.shipping.description import Description
from ganforge.shipping.export import export

SCORES = [
    {
        "key": "kernel_distance",
        "name": "kernel distance (sketch-64)",
        "value": 0.08124,
        "interval": [0.075, 0.0871],
        "floor": 0.0041,
        "direction": "lower",
        "protocol": {"extractor": "sketch-64", "n": 1000, "split": "held-out"},
    },
    {
        "key": "memorisation",
        "name": "nearer to training than to held-out examples",
        "value": 0.53,
        "interval": None,
        "floor": 0.5,
        "direction": "floor",
        "protocol": {"n": 1000, "settings": {"exact_copies": 2}},
    },
]


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """A run of one's own to write into."""
    return Path(shutil.copytree(run, tmp_path / "digits"))


def test_a_folder_is_numbered_and_gives_what_the_run_gives(copied: Path):
    first, second = export(copied, to="folder"), export(copied, to="folder")
    assert first.path == copied / "exported" / "model"
    assert second.path == copied / "exported" / "model-2"
    assert first.parity is None
    assert first.size == sum(file.stat().st_size for file in first.path.iterdir())
    expected = load_run(copied).sample(12, seed=2)
    assert torch.equal(ganforge.load(first.path).sample(12, seed=2), expected)
    assert torch.equal(ganforge.load(copied).sample(12, seed=2), expected)
    small = export(copied, to="folder", precision="int8", out=copied / "small", distance=lambda a, b: 0.25)
    assert small.loss is not None
    assert (small.loss.distance, small.loss.floor) == (0.25, 0.25)
    assert small.loss.words() in (small.path / "README.md").read_text()
    config = json.loads((small.path / "config.json").read_text())
    assert config["precision"] == "int8"
    assert config["made"]["nimg"] == load_nimg(copied)


def load_nimg(path: Path) -> int:
    return Run.open(path).checkpoint(only=()).state["nimg"]


def test_a_file_goes_where_it_is_asked_to(copied: Path, tmp_path: Path):
    made = export(copied, out=tmp_path / "new" / "g.onnx", precision="bfloat16")
    assert made.path == tmp_path / "new" / "g.onnx"
    assert made.parity is not None
    assert made.parity.difference <= 1e-4
    assert made.loss is not None
    assert 0 <= made.loss.mean < 2
    assert [path.name for path in made.path.parent.iterdir()] == ["g.onnx"]


def test_the_card_says_what_is_known(copied: Path):
    (copied / "events.jsonl").unlink()
    run = Run.open(copied)
    description = Description.of(run.recipe, run.space)
    before = card(run, description, opened=Opened(112, "0" * 64))
    for words in (
        "Not measured",
        "to be filled in",
        "0, 1, 2, 3",
        f"trained on: {run.data['train']}",
        "seed 3",
        "uint8",
    ):
        assert words in before, words
    assert "None recorded." in before
    (copied / "scores.json").write_text(json.dumps({"scores": SCORES}))
    finding = {"code": "mode-collapse", "severity": "failure", "meaning": "All | samples\nare `alike`."}
    run.add_event("finding", finding={"code": "blurred", "severity": "notice", "meaning": "Old words."})
    run.add_event("finding", finding={"code": "blurred", "severity": "notice", "meaning": "It is soft."})
    run.add_event("finding", finding={"code": "fine", "severity": "good", "meaning": "All is well."})
    run.add_event("finding", finding=finding)
    after = card(run, description, opened=Opened(112, "0" * 64))
    row = "| kernel distance (sketch-64) | 0.08124 | 0.075 to 0.0871 | 0.0041 | lower | 1000 |"
    assert row in after
    assert "Exact copies found: 2" in after
    assert "0.53 are nearer to a training example" in after
    grave, mild = (
        "**mode-collapse** (failure): All / samples are 'alike'.",
        "**blurred** (notice): It is soft.",
    )
    assert 0 < after.index(grave) < after.index(mild)
    assert "Old words" not in after
    assert "All is well" not in after


def test_the_card_does_not_tell_where_the_data_were(copied: Path):
    run = Run.open(copied)
    run.data["source"] = "/home/somebody/secret place/cats"
    text = card(run, Description.of(run.recipe, run.space), opened=Opened(1, ""))
    assert "- source: cats" in text
    assert "somebody" not in text


@pytest.mark.parametrize("record", ["[]", "{", '{"scores": 3}', '{"scores": [3]}', '{"scores": [{}]}'])
@pytest.mark.filterwarnings("ignore::ganforge.core.errors.DamageWarning")
def test_damaged_scores_make_no_card_fail(record: str, copied: Path):
    (copied / "scores.json").write_text(record)
    run = Run.open(copied)
    assert "## Scores" in card(run, Description.of(run.recipe, run.space), opened=Opened(1, ""))


def test_a_folder_that_differs_is_not_kept(copied: Path, monkeypatch: pytest.MonkeyPatch):
    right = exporting.open_folder

    def wrong(path: Path) -> Any:
        sampler = right(path)
        next(sampler.network.parameters()).add_(0.5)
        return sampler

    monkeypatch.setattr(exporting, "open_folder", wrong)
    with pytest.raises(GanforgeError, match="was not kept: its samples differ by up to"):
        export(copied, to="folder")
    assert list((copied / "exported").iterdir()) == []


@dataclass
class FakeHub:
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    there: Path | None = None
    fault: str = ""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> str:
        if self.fault:
            raise ConnectionError(self.fault)
        self.calls.append(("create", {"repo_id": repo_id, "private": private, "exist_ok": exist_ok}))
        return f"hub://{repo_id}"

    def upload_folder(
        self, *, repo_id: str, folder_path: str, allow_patterns: list[str], commit_message: str
    ):
        assert sorted(path.name for path in Path(folder_path).iterdir()) == sorted(allow_patterns)
        self.calls.append(("upload", {"repo_id": repo_id, "folder_path": folder_path}))
        self.there = Path(folder_path)

    def snapshot_download(self, repo_id: str, *, allow_patterns: list[str]) -> str:
        if self.there is None:
            raise ConnectionError("offline")
        assert allow_patterns == ["config.json", "model.safetensors", "README.md"]
        return str(self.there)


def test_a_folder_is_sent_to_the_hub_and_comes_back(copied: Path, monkeypatch: pytest.MonkeyPatch):
    fake = FakeHub()
    made = export(copied, to="hub:ann/digits-1.0", on_hub=fake)
    assert made.address == "hub://ann/digits-1.0"
    assert fake.calls == [
        ("create", {"repo_id": "ann/digits-1.0", "private": True, "exist_ok": True}),
        ("upload", {"repo_id": "ann/digits-1.0", "folder_path": str(made.path)}),
    ]
    monkeypatch.setattr(hub, "_hub", lambda: fake)
    back = ganforge.load("hub:ann/digits-1.0")
    assert torch.equal(back.sample(3), load_run(copied).sample(3))
    fake.there = None
    with pytest.raises(MachineError, match=r"did not come from the hub \(offline\)"):
        ganforge.load("hub:ann/digits-1.0")
    with pytest.raises(MachineError, match=r"did not take ann/d \(401 no token\); .* at .*model-2"):
        export(copied, to="hub:ann/d", on_hub=FakeHub(fault="401\nno token"))


@pytest.mark.parametrize(
    "name", ["hub:", "hub:ann", "hub:../x", "hub:ann/../x", "hub:ann/b/c", "hub:ann/b c"]
)
def test_names_on_the_hub(name: str, run: Path):
    with pytest.raises(UsageError, match="named hub:USER/NAME"):
        export(run, to=name, on_hub=FakeHub())


def test_what_cannot_be_exported(copied: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"not 'onxx'\. Did you mean 'onnx'\?"):
        export(copied, to="onxx")
    with pytest.raises(UsageError, match="--precision is for onnx and folder"):
        export(copied, to="torch", precision="int8")
    with pytest.raises(RunError, match="not a run folder"):
        export(tmp_path)
    model = export(copied, to="folder").path
    with pytest.raises(RunError, match="a model folder already"):
        export(model)
    with pytest.raises(UsageError, match="exists already"):
        export(copied, to="folder", out=model)
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="in the way"):
        export(copied, out=tmp_path / "file" / "g.onnx")
