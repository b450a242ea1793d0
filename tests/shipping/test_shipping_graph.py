"""Exported graphs give what the network gives, or are not kept; hostile ones are refused."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from ganforge.core.errors import GanforgeError, RunError, UsageError
from ganforge.core.space import Space
from ganforge.runs.sampler import GeneratorSampler
from ganforge.shipping import graph, load
from ganforge.shipping.description import Description
from ganforge.shipping.graph import export_onnx, export_program
from ganforge.shipping.onnx_sampler import METADATA, UNSEALED, OnnxSampler
from tests.shipping.conftest import DIGITS, made

POINTS = Space(kind="points", shape=(2,), offset=(1.0, -5.0), scale=(10.0, 0.1))


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def eager(sampler: GeneratorSampler, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Latents, conditions, and what the network makes of them in model units."""
    z = sampler.prior.seeded(n, seed=77)
    condition = torch.eye(sampler.conditions)[torch.arange(n) % sampler.conditions]
    with torch.no_grad():
        return z, condition, sampler.network(z, condition)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sampler, description = made("dcgan", DIGITS)
    path = tmp_path_factory.mktemp("onnx") / "bees.onnx"
    parity = export_onnx(sampler, dataclasses.replace(description, body=None), path)
    assert 0 <= parity.difference <= 1e-4
    assert parity.batches == (1, 2, 7)
    return path


@pytest.fixture
def model(file: Path) -> Any:
    return onnx.load(file)


@pytest.mark.parametrize("n", [1, 2, 5, 7, 64])
def test_the_graph_gives_what_the_network_gives_at_any_batch(n: int, file: Path):
    sampler, _ = made("dcgan", DIGITS)
    z, condition, expected = eager(sampler, n)
    fed = {"latents": z.numpy(), "conditions": condition.numpy()}
    (found,) = session(file).run(["samples"], fed)
    assert found.shape == (n, 1, 8, 12)
    assert found.dtype == np.float32
    difference = np.abs(found / 127.5 - 1.0 - expected.numpy()).max()
    assert difference <= 1e-4
    assert np.ptp(found) > 50  # it shows something that could be wrong
    (other,) = session(file).run(["samples"], {**fed, "latents": z.flip(0).numpy()})
    assert n == 1 or np.abs(other - found).max() > 1.0


def test_the_file_describes_itself_and_tells_nothing_of_this_machine(file: Path, model: Any):
    words = session(file).get_modelmeta().custom_metadata_map
    assert set(words) == {METADATA, *UNSEALED}
    description = Description.from_json(json.loads(words[METADATA]), "it")
    assert (description.space, description.prior.size, description.conditions) == (DIGITS, 6, 3)
    text = file.read_bytes()
    assert b".py" not in text
    assert b"/home" not in text
    assert str(Path(graph.__file__).parents[2]).encode() not in text
    assert not list(file.parent.glob(".tmp*"))


def test_a_sampler_of_the_file_is_a_sampler(file: Path):
    sampler, _ = made("dcgan", DIGITS)
    found = load(file)
    assert isinstance(found, OnnxSampler)
    assert (found.space, found.prior, found.conditions) == (sampler.space, sampler.prior, sampler.conditions)
    many, expected = found.sample(20, seed=4), sampler.sample(20, seed=4)
    assert many.dtype == torch.uint8
    assert (many.int() - expected.int()).abs().max() <= 1
    assert (many != expected).double().mean() < 0.01
    for n, start in ((1, 7), (3, 6)):  # bit for bit, whatever is asked for beside it
        assert torch.equal(found.sample(n, seed=4, start=start), many[start : start + n])
    narrow = found.sample(20, seed=4, truncation=0.1)
    assert narrow.double().std(0).mean() < many.double().std(0).mean()
    one = found.sample(2, seed=4, condition=torch.tensor([[0.0, 1.0, 0.0]]))
    assert torch.equal(one[1], many[1])
    assert not torch.equal(one[0], many[0])
    assert found.generate(torch.zeros(0, 6), torch.zeros(0, 3)).shape == (0, 1, 8, 12)
    for wrong in ({"n": 0}, {"n": 1, "truncation": 2.0}, {"n": 1, "condition": torch.zeros(1, 4)}):
        with pytest.raises(UsageError):
            found.sample(**wrong)
    with pytest.raises(UsageError, match=r"\(N, 6\)"):
        found.generate(torch.zeros(2, 5), torch.zeros(2, 3))


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_points_come_in_their_own_coordinates_and_weights_can_be_rounded(precision: Any, tmp_path: Path):
    sampler, description = made("mlp", POINTS)
    export_onnx(sampler, dataclasses.replace(description, precision=precision), tmp_path / "p.onnx")
    with torch.no_grad():
        made_of = sampler.network(sampler.prior.seeded(50, seed=1))
    expected = made_of * torch.tensor(POINTS.scale) + torch.tensor(POINTS.offset)
    found = load(tmp_path / "p.onnx").sample(50, seed=1)
    lost = (found - expected).abs().amax(0) / torch.tensor(POINTS.scale)
    assert 1e-5 < lost.max() < 0.3
    kinds = {initial.data_type for initial in onnx.load(tmp_path / "p.onnx").graph.initializer}
    assert (TensorProto.BFLOAT16 if precision == "bfloat16" else TensorProto.INT8) in kinds


def test_a_torch_program_gives_the_same(tmp_path: Path):
    sampler, _ = made("residual", DIGITS)
    parity = export_program(sampler, tmp_path / "g.pt2")
    assert parity.difference <= 1e-4
    z, condition, expected = eager(sampler, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.export.load(tmp_path / "g.pt2").module()
    found = module(z, condition) / 127.5 - 1.0
    assert (found - expected).abs().max() <= 1e-4
    with pytest.raises(RunError, match="opening one runs what stands in it"):
        load(tmp_path / "g.pt2")


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        ("none", ""),
        ("a sign", "at batch 7 the largest difference to the network is 0.0002, more than 0.0001"),
        ("no number", "at batch 7 the largest difference to the network is nan"),
        ("a shape", r"it makes \(6, 2\) where the network makes \(7, 2\)"),
    ],
)
def test_a_graph_that_differs_is_not_kept(
    fault: str, pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sampler, _ = made("mlp", POINTS)
    right = graph._compared

    def wrong(sampler: GeneratorSampler, shipped: Any, run: graph.Runner, path: Path) -> graph.Parity:
        def run_wrong(z: Tensor, condition: Tensor | None) -> Tensor:
            found = run(z, condition)
            if len(z) == 7:  # at one of the batch sizes only
                match fault:
                    case "a sign":
                        found[3, 1] += 2e-5  # 2e-4 in model units
                    case "no number":
                        found[6, 0] = float("nan")
                    case "a shape":
                        return found[:6]
            return found

        return right(sampler, shipped, run_wrong, path)

    monkeypatch.setattr(graph, "_compared", wrong)
    if fault == "none":
        export_program(sampler, tmp_path / "p.pt2")
        assert (tmp_path / "p.pt2").is_file()
        return
    with pytest.raises(GanforgeError, match=rf"was not kept.*{pattern}"):
        export_program(sampler, tmp_path / "p.pt2")
    assert list(tmp_path.iterdir()) == []


def test_a_former_file_stays_where_the_new_one_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sampler, description = made("mlp", POINTS)
    (tmp_path / "p.onnx").write_bytes(b"the former")
    monkeypatch.setattr(graph, "TOLERANCE", -1.0)
    with pytest.raises(GanforgeError, match="was not kept"):
        export_onnx(sampler, description, tmp_path / "p.onnx")
    assert (tmp_path / "p.onnx").read_bytes() == b"the former"


def _save(model: Any, path: Path) -> Path:
    """Without the checksum of the whole: who means harm leaves it out."""
    del model.metadata_props[1:]
    path.write_bytes(model.SerializeToString())
    return path


def _without_words(model: Any) -> None:
    del model.metadata_props[:]


def _other_words(model: Any) -> None:
    model.metadata_props[0].value = model.metadata_props[0].value.replace('"size": 6', '"size": 7')


def _hostile_words(model: Any) -> None:
    model.metadata_props[0].value = "[" * 100_000


def _other_shape(model: Any) -> None:
    model.metadata_props[0].value = model.metadata_props[0].value.replace("12", "13")


def _outside(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def _outside_constant(model: Any) -> None:
    tensor = numpy_helper.from_array(np.zeros(2, np.float32), "t")
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["t"], value=tensor))


def _loop(model: Any) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body))


def _foreign(model: Any) -> None:
    model.graph.node[0].domain = "evil.ops"


def _function(model: Any) -> None:
    function = helper.make_function("d", "f", [], [], [], [helper.make_opsetid("", 20)])
    model.functions.append(function)


def _unknown(model: Any) -> None:
    model.graph.node[0].op_type = "Explode"


def test_a_flipped_bit_is_noticed(file: Path, tmp_path: Path):
    content = file.read_bytes()
    for place in (len(content) // 3, len(content) // 2, content.index(b'"size": 6') + 8):
        flipped = bytearray(content)
        flipped[place] ^= 1
        (tmp_path / "g.onnx").write_bytes(flipped)
        with pytest.raises(RunError, match="damaged"):
            load(tmp_path / "g.onnx")


CHANGES = {
    "no words": (_without_words, "does not describe itself"),
    "words of another graph": (_other_words, "does not take and give what it says"),
    "hostile words": (_hostile_words, "not JSON"),
    "another shape": (_other_shape, "makes samples of shape"),
    "weights outside": (_outside, "weights in other files"),
    "a constant outside": (_outside_constant, "weights in other files"),
    "a loop": (_loop, "an operator that no generator needs: Loop"),
    "a foreign operator": (_foreign, "an operator that no generator needs"),
    "a function": (_function, "has functions"),
    "an unknown operator": (_unknown, "cannot be run"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_hostile_graph_is_refused(what: str, model: Any, tmp_path: Path):
    change, pattern = CHANGES[what]
    change(model)
    with pytest.raises(RunError, match=pattern) as told:
        load(_save(model, tmp_path / "hostile.onnx"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_cut_file_is_refused(share: float, file: Path, tmp_path: Path):
    content = file.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(content[: int(share * len(content))])
    with pytest.raises(RunError, match=r"cut or damaged|does not describe itself"):
        load(tmp_path / "cut.onnx")


def test_other_files_are_named_for_what_they_are(tmp_path: Path):
    for name in ("weights.pt", "weights.safetensors"):
        (tmp_path / name).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        with pytest.raises(RunError, match="a file of weights alone"):
            load(tmp_path / name)
    with pytest.raises(RunError, match="no file"):
        load(tmp_path / "none.onnx")
    with pytest.raises(RunError, match="not a run folder"):
        load(tmp_path)
    (tmp_path / "pickle.onnx").write_bytes(b"cos\nsystem\n(S'touch EXECUTED'\ntR.")
    with pytest.raises(RunError, match=r"cut or damaged|does not describe"):
        load(tmp_path / "pickle.onnx")
    with pytest.raises(UsageError, match="--best is for run folders"):
        load(tmp_path / "pickle.onnx", moment="best")
