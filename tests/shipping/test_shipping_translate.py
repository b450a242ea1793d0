"""Translations that are shipped: ONNX at any size, folders, hostile words, and the service."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

import ganforge
from ganforge.core.condition import Condition
from ganforge.core.errors import RunError, UsageError
from ganforge.core.space import Space
from ganforge.runs.translator import NetworkTranslator, Translator, load_translator
from ganforge.shipping import load
from ganforge.shipping.description import Body, Description
from ganforge.shipping.export import export
from ganforge.shipping.folder import write_model_folder
from ganforge.shipping.graph import export_onnx
from ganforge.shipping.limits import Limits
from ganforge.shipping.onnx_sampler import OnnxTranslator
from ganforge.shipping.service import Service
from tests import players
from tests.shipping.test_shipping_service import Answer, Client
from tests.translations import photo, space, trained, translating

ASKS = Condition.of_classes(("day", "night"))
OF = dataclasses.replace(space((3, 16, 24), (3, 8, 12)), classes=ASKS.names)


def described(translator: NetworkTranslator, **options: Any) -> Description:
    body = Body(family="translator", width=8, depth=1, options=options)
    return Description(
        space=translator.space,
        prior=None,
        conditions=translator.conditions,
        grid=translator.grid,
        body=body,
        made={"recipe": "tiny"},
    )


def conditional() -> NetworkTranslator:
    return NetworkTranslator(translating("translator", OF, condition=2), space=OF, asks=ASKS)


def plain() -> NetworkTranslator:
    return NetworkTranslator(translating(), space=space(), asks=None)


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "night.onnx"
    translator = conditional()
    parity = export_onnx(translator, dataclasses.replace(described(translator), body=None), path)
    assert parity.difference <= 1e-4
    assert parity.batches == (1, 2, 7)
    assert len(parity.sides) == 2
    assert parity.sides[0] != parity.sides[1]
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("cyclegan", tmp_path_factory.mktemp("runs") / "two", players.translated())


@pytest.mark.parametrize(("n", "height", "width"), [(1, 8, 12), (7, 8, 12), (2, 20, 8), (1, 64, 96)])
def test_the_graph_gives_what_the_network_gives_at_any_batch_and_size(
    n: int, height: int, width: int, file: Path
):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    x, asked = photo(height, width).float().expand(n, -1, -1, -1), torch.eye(2)[torch.arange(n) % 2]
    fed = {"source": x.contiguous().numpy(), "conditions": asked.numpy()}
    (found,) = session.run(["samples"], fed)
    expected = conditional().network(x / 127.5 - 1.0, asked)
    assert found.shape == (n, 3, 2 * height, 2 * width)
    assert np.abs(found / 127.5 - 1.0 - expected.numpy()).max() <= 1e-4
    assert np.ptp(found) > 30


def test_the_file_opens_as_a_translator_of_any_size(file: Path):
    found, expected = load(file), conditional()
    assert isinstance(found, OnnxTranslator)
    assert (found.space, found.asks, found.grid) == (expected.space, ASKS, expected.grid)
    night = ASKS.read("night")
    for sides in ((8, 12), (9, 31), (3, 2)):
        x = photo(*sides)
        made, right = found.translate(x, night), expected.translate(x, night)
        assert made.shape == right.shape
        assert (made.int() - right.int()).abs().max() <= 1
    both = torch.cat([photo(8, 12), photo(8, 12, seed=1)])
    assert torch.equal(found.translate(both, night)[1:], found.translate(both[1:], night))
    assert not torch.equal(found.translate(both, night), found.translate(both, ASKS.read("day")))
    with pytest.raises(UsageError, match="no way back"):
        found.turned()


def test_the_file_says_what_it_takes(file: Path):
    words = json.loads(
        onnxruntime.InferenceSession(file).get_modelmeta().custom_metadata_map["ganforge"],
    )
    assert words["what"] == "ganforge translator"
    assert words["graph"] == {
        "source": "(N, 3, sides), float32, 0 to 255",
        "samples": "(N, 3, sides), float32, 0 to 255 before rounding",
        "sides": "multiples of 2, at least 4",
    }
    assert Description.from_json(words, "it").space == OF


def _words(change: dict[str, Any]) -> Any:
    def apply(model: Any) -> None:
        fields = json.loads(model.metadata_props[0].value)
        for dotted, value in change.items():
            *path, last = dotted.split(".")
            here = fields
            for step in path:
                here = here[step]
            here[last] = value
        model.metadata_props[0].value = json.dumps(fields)
        del model.metadata_props[1:]  # the checksum of the whole: who means harm leaves it out

    return apply


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "no inputs": ({"space.source": None}, "inputs and outputs|needed"),
    "inputs of inputs": (
        {"space.source": {"kind": "pictures", "shape": [3, 8, 12], "source": {}}},
        "no inputs of its own",
    ),
    "other channels": ({"space.source.shape": [1, 8, 12]}, "does not take and give"),
    "inputs that do not fit": ({"space.source.shape": [3, 7, 12]}, "do not fit"),
    "an endless grid": ({"grid": 10**9}, "grid must be"),
    "a latent": ({"prior": {"size": 3}}, "unknown field 'prior'"),
    "endless inputs": ({"space.source.shape": [3, 16384, 16384]}, "too large"),
    "another condition": ({"conditions": 5}, "do not fit"),
    "a condition of another kind": (
        {"space.condition": {"kind": "os.system", "names": ["x", "y"]}},
        "space.condition.kind can be",
    ),
    "a condition that points beyond": (
        {"space.condition": {"kind": "text", "names": ["x", "y"], "examples": [[7.0]]}},
        "names what it does not have",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_words_are_refused(what: str, file: Path, tmp_path: Path):
    change, pattern = HOSTILE[what]
    model = onnx.load(file)
    _words(change)(model)
    (tmp_path / "hostile.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(RunError, match=pattern) as told:
        load(tmp_path / "hostile.onnx")
    assert "\n" not in str(told.value)


def test_conditions_beyond_classes_travel_too():
    asks = Condition(
        kind="text", names=("red", "blue", "red sky"), examples=((0.0, 2.0), (1.0, -1.0)), captions=("a", "b")
    )
    of = Space(
        kind="pictures", shape=(3, 8, 8), condition=asks, source=Space(kind="pictures", shape=(3, 8, 8))
    )
    words = Description(space=of, prior=None, conditions=3, grid=4)
    back = Description.from_json(json.loads(json.dumps(words.to_json())), "it")
    assert back == words
    assert back.asks == asks


def test_a_run_is_exported_there_and_back(run: Path, tmp_path: Path):
    x = photo(20, 14)
    for back in (False, True):
        made = export(run, to="folder", out=tmp_path / f"model{back}", back=back)
        expected = load_translator(run, back=back)
        found = ganforge.load(made.path)
        assert isinstance(found, Translator)
        assert torch.equal(found.translate(x), expected.translate(x))
        assert "A translator from 16×16 RGB" in (made.path / "README.md").read_text()
    assert isinstance(ganforge.load(run), Translator)
    duel = trained("residual", tmp_path / "duel", players.pictures(20, (3, 16, 16)))
    with pytest.raises(UsageError, match="--back is for translations"):
        export(duel, back=True)


def test_lengths_and_directions_of_weights_are_shipped(tmp_path: Path):
    paired = trained("pix2pix", tmp_path / "paired", players.translated())
    x, expected = photo(20, 14), load_translator(paired)
    assert any("parametrizations" in name for name, _ in expected.network.named_parameters())
    folder = ganforge.load(export(paired, to="folder", out=tmp_path / "model").path)
    graph = ganforge.load(export(paired, to="onnx", out=tmp_path / "paired.onnx").path)
    assert isinstance(folder, Translator)
    assert isinstance(graph, Translator)
    assert torch.equal(folder.translate(x), expected.translate(x))
    assert (graph.translate(x).int() - expected.translate(x).int()).abs().max() <= 1


@pytest.mark.slow
def test_a_torch_program_takes_any_size(run: Path, tmp_path: Path):
    made = export(run, to="torch", out=tmp_path / "two.pt2")
    assert made.parity is not None
    assert made.parity.difference <= 1e-4
    assert len(made.parity.sides) == 2


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_folder_of_rounded_weights_says_what_it_lost(precision: Any, run: Path, tmp_path: Path):
    made = export(run, to="folder", out=tmp_path / "small", precision=precision)
    assert made.loss is not None
    assert 0 < made.loss.mean < 5
    full = export(run, to="folder", out=tmp_path / "full")
    assert made.size < 0.7 * full.size


def test_a_hostile_folder_is_refused(tmp_path: Path):
    translator = plain()
    write_model_folder(tmp_path / "m", translator, described(translator), card="")
    assert isinstance(load(tmp_path / "m"), NetworkTranslator)
    config = json.loads((tmp_path / "m/config.json").read_text())
    for change, pattern in (
        ({"family": "unet"}, "does not fit"),
        ({"family": "residual"}, "family"),
        ({"width": 24}, "does not fit"),
        ({"width": 65_536}, "more than"),
    ):
        changed = {**config, "generator": {**config["generator"], **change}}
        (tmp_path / "m/config.json").write_text(json.dumps(changed))
        with pytest.raises(RunError, match=pattern):
            load(tmp_path / "m")


# --- the service ---


@pytest.fixture(scope="module")
def ask() -> Client:
    return Client(Service(plain(), name="seasons"))


def png(x: torch.Tensor, kind: str = "PNG") -> bytes:
    planar = x[0].permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(planar[..., 0] if planar.shape[2] == 1 else planar).save(buffer, kind)
    return buffer.getvalue()


def pixels(answer: Answer) -> torch.Tensor:
    assert answer.status == 200, answer.error
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.body)) as image:
        return torch.from_numpy(np.array(image).transpose(2, 0, 1))[None]


def test_a_posted_picture_comes_back_translated(ask: Client):
    x = photo(20, 33)
    expected = plain().translate(x)
    raw = ask("/translate", pieces=[png(x)], content_type="image/png")
    coded = ask("/translate", {"picture": base64.b64encode(png(x)).decode()})
    assert torch.equal(pixels(raw), expected)
    assert raw.body == coded.body
    grey = photo(16, 16, channels=1)
    made = ask("/translate", pieces=[png(grey)], content_type="image/png")
    assert torch.equal(pixels(made), plain().translate(grey.expand(-1, 3, -1, -1).contiguous()))
    assert ask("/translate", pieces=[png(x, "JPEG")], content_type="image/jpeg").status == 200


def test_what_a_translator_cannot_do_is_said(ask: Client):
    sampled = ask("/sample", {"seed": 1})
    assert (sampled.status, "none from latents" in sampled.error) == (501, True)
    for path in ("/invert", "/feedback"):
        assert ask(path, {}).status == 501
    assert ask("/translate", {}, content_type="text/plain").status == 415
    assert ask("/translate", method="GET").status == 405
    x = base64.b64encode(png(photo(8, 8))).decode()
    wrong = {
        "a PNG or JPEG": {"picture": base64.b64encode(b"GIF89a").decode()},
        "in base64": {"picture": "@"},
        "PNG or JPEG in base64": {"picture": 3},
        "no field 'file'": {"file": "/etc/passwd"},
        "no field 'class'": {"picture": x, "class": "day"},
        "no way back": {"picture": x, "back": True},
        "back can be": {"picture": x, "back": "yes"},
    }
    for words, fields in wrong.items():
        answer = ask("/translate", fields)
        assert (answer.status, words in answer.error) == (422, True), words
    bomb = png(torch.zeros(1, 1, 3000, 3000, dtype=torch.uint8))
    large = ask("/translate", pieces=[bomb], content_type="image/png")
    assert (large.status, "at most" in large.error) == (422, True)
    small = Client(Service(plain(), name="s", limits=Limits(picture_body=100)))
    assert small("/translate", pieces=[b"x" * 500], content_type="image/png").status == 413


def test_a_class_is_asked_for_by_name():
    asked, x = Client(Service(conditional(), name="s")), photo(8, 12)
    coded = {"picture": base64.b64encode(png(x)).decode()}
    made = asked("/translate", {**coded, "class": "night"})
    assert torch.equal(pixels(made), conditional().translate(x, ASKS.read("night")))
    assert "say with class" in asked("/translate", coded).error
    assert "no class 'dusk'" in asked("/translate", {**coded, "class": "dusk"}).error
    page = asked("/", method="GET").body.decode()
    assert "<option>night</option>" in page
    described = json.loads(asked("/openapi.json", method="GET").body)["paths"]
    assert "/translate" in described
    assert "/sample" not in described


def test_holes_come_as_transparency_and_the_way_back_is_served(run: Path):
    of = space((3, 16, 16), (4, 16, 16))
    filler = NetworkTranslator(translating("unet", of), space=of, asks=None)
    asked = Client(Service(filler, name="s"))
    x = torch.cat([photo(16, 16), torch.full((1, 1, 16, 16), 255, dtype=torch.uint8)], 1)
    assert "transparent" in asked("/translate", pieces=[png(x)], content_type="image/png").error
    x[:, 3, 4:9, 5:12] = 0
    made = pixels(asked("/translate", pieces=[png(x)], content_type="image/png"))
    hole = x[:, 3:] == 0
    expected = filler.translate(torch.cat([hole.byte() * 255, x[:, :3].masked_fill(hole, 128)], 1))
    assert torch.equal(made, expected)
    both = Client(Service(load_translator(run), name="s"))
    y = photo(16, 16)
    coded = {"picture": base64.b64encode(png(y)).decode(), "back": True}
    assert torch.equal(pixels(both("/translate", coded)), load_translator(run, back=True).translate(y))
