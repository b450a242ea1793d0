"""Every address and every call of the studio, asked what nobody should ask: a line and 4xx, and nothing left.

Each walk is seeded. The tables are checked against what the studio offers, so that nothing new is left out.
"""

from __future__ import annotations

import base64
import io
import json
import random
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from starlette.routing import Route
from websockets.exceptions import ConnectionClosed

from ganforge.core.recipe import Recipe
from ganforge.studio.app import Studio
from ganforge.studio.session import PlaySession
from ganforge.tasks.experiment import prepare
from tests.malformed import SECRET, hostile, mutated, raw, tells_a_path
from tests.studio.conftest import RING, Line, Running, running


def _png(side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 60).save(file, "PNG")
    return file.getvalue()


PICTURE = base64.b64encode(_png()).decode()
CSV = b"x,y\n" + b"".join(b"%d,%d\n" % (i % 7, i % 5) for i in range(60))

# What each address takes: its method, its query and its body.
ADDRESSES: dict[str, tuple[str, dict[str, str], Any]] = {
    "/api/about": ("GET", {}, None),
    "/api/enter": ("POST", {}, {"token": "0123456789abcdef"}),
    "/api/play/catalogue": ("GET", {}, None),
    "/api/play/data": ("POST", {"name": "points.csv"}, CSV),
    "/api/play/python": ("POST", {}, {**RING, "changes": {"batch": 32}}),
    "/api/play/check": ("POST", {}, {**RING, "changes": {"batch": 32}, "noise": True}),
    "/api/watch/runs": ("GET", {}, None),
    "/api/watch/run": ("GET", {"run": "0:digits"}, None),
    "/api/watch/log": ("GET", {"run": "0:digits", "from": "0"}, None),
    "/api/watch/events": ("GET", {"run": "0:digits", "from": "0"}, None),
    "/api/watch/samples": ("GET", {"run": "0:digits"}, None),
    "/api/watch/sample": ("GET", {"run": "0:digits", "file": "000000000000.png"}, None),
    "/api/watch/report": ("GET", {"run": "0:digits"}, None),
    "/api/watch/command": ("POST", {}, {"run": "0:digits", "command": "save"}),
    "/api/watch/export": ("POST", {}, {"run": "0:digits", "form": "onnx"}),
    "/api/watch/delete": ("POST", {}, {"run": "0:digits", "path": "elsewhere"}),
    "/api/explore/models": ("GET", {}, None),
    "/api/explore/picture": ("POST", {"id": "0123"}, _png()),
}

# What each socket takes.
CALLS: dict[str, list[dict[str, Any]]] = {
    "/api/play": [
        {"do": "open", "settings": {**RING, "changes": {"batch": 32}}},
        {"do": "resume", "session": "0123"},
        {
            "do": "watch",
            "rate": 0,
            "layers": ["heat"],
            "heat": 10,
            "grid": 3,
            "generated": 16,
            "arrows": 2,
            "networks": True,
        },
        {"do": "play", "speed": 5, "rounds": 2},
        {"do": "pause"},
        {"do": "step", "who": "both"},
        {"do": "slow"},
        {"do": "set", "changes": {"batch": 16, "seed": 2}, "reset": "if_needed"},
        {"do": "reset", "settings": RING},
        {"do": "rewind", "moment": 0},
        {"do": "moments"},
        {"do": "curve"},
        {"do": "advice", "index": 0},
        {"do": "python"},
        {"do": "ack", "frame": 0},
        {"do": "close"},
    ],
    "/api/watch": [
        {"do": "follow", "run": "0:digits", "log_from": 0, "events_from": 0},
        {"do": "unfollow", "run": "0:digits"},
        {"do": "runs"},
        {"do": "command", "run": "0:digits", "command": "pause"},
        {"do": "export", "run": "0:digits", "form": "folder"},
        {"do": "cancel", "task": "0123"},
    ],
    "/api/explore": [
        {"do": "open", "model": "0:digits", "moment": "newest"},
        {
            "do": "make",
            "slot": "a",
            "class": "3",
            "latents": [
                {"between": [{"seed": 1, "start": 2}, {"z": [0.0] * 64}], "t": 0.5},
                {"moved": {"truncated": {"seed": 2}, "by": 0.5}, "by": [{"direction": "d", "amount": 1}]},
                {"near": {"sum": [{"seed": 1}] * 3}, "spread": 0.2, "seed": 1},
            ],
        },
        {"do": "name", "direction": "factorised-1", "name": "bold"},
        {"do": "feedback", "latent": {"mixed": [{"seed": 1}, {"seed": 2}]}, "class": 3},
        {"do": "task", "kind": "directions", "method": "factorised", "count": 2},
        {"do": "task", "kind": "invert", "picture": PICTURE, "mask": PICTURE, "class": 3, "steps": 10},
        {"do": "task", "kind": "invert", "strokes": PICTURE, "class": 3, "steps": 10},
        {"do": "task", "kind": "translate", "picture": "0123", "back": False, "degrade": False, "class": 1},
        {"do": "cancel", "task": "0123"},
    ],
}


class Walk:
    """A studio with a run, a place for its temporary files, and a file that nobody named."""

    def __init__(self, studio: Running, folder: Path) -> None:
        self.studio, self.temporary = studio, folder / "tmp"
        self.secret = folder / "secret" / "salaries.csv"
        self.values = hostile(str(self.secret))

    def check(self, status: int, answer: str, sent: str) -> None:
        about = f"{status} {answer[:300]!r} to {sent[:300]!r}"
        assert status == 200 or status == 204 or 400 <= status < 500, about
        assert SECRET not in answer, about
        assert "a fault" not in answer, about
        if status != 200 or '"ok": false' in answer:  # what a run records of itself may be told
            assert not tells_a_path(answer, sent), f"{tells_a_path(answer, sent)} in {about}"

    def ask(self, path: str, method: str, query: dict[str, Any], body: Any) -> tuple[int, str]:
        words = "&".join(f"{quote(str(name))}={quote(str(value))}" for name, value in query.items())
        sent = body if isinstance(body, bytes) or body is None else raw(body).encode()
        status, answer = self.studio.ask(f"{path}?{words}", sent, method=method)
        shown = f"{words} {'' if sent is None else sent.decode(errors='replace')}"
        self.check(status, answer.decode(errors="replace"), shown)
        return status, answer.decode(errors="replace")

    def left(self) -> set[str]:
        """Files among the temporary ones."""
        found = (path for path in self.temporary.rglob("*") if path.is_file() and path.name != ".lock")
        return {str(path.relative_to(self.temporary)) for path in found}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Walk]:
    folder = tmp_path_factory.mktemp("walk")
    for name in ("tmp", "secret"):
        (folder / name).mkdir()
    secret = folder / "secret" / "salaries.csv"
    secret.write_text(f"name,salary\nBob,{SECRET}\n")
    made = prepare("digits", recipe="digits", device="cpu", changes={"batch": 16}, cache=folder / "cache")
    made.start(folder / "runs" / "digits").save()
    with running(folder, "runs", "--workers", "1", TMPDIR=str(folder / "tmp")) as studio:
        yield Walk(studio, folder)
        said = studio.gan.said
    assert "Traceback" not in said, said[-4_000:]
    assert not list((folder / "tmp").iterdir())  # it has cleaned up behind itself


def test_the_tables_name_everything_that_can_be_asked(tmp_path: Path):
    studio = Studio([tmp_path], workers=1)
    inner: Any = studio.app
    assert set(ADDRESSES) == set(inner._paths) - {"/"}
    routes = {route.path for route in inner._app.routes if isinstance(route, Route)}
    assert routes == {*ADDRESSES, "/{path:path}"}
    assert set(CALLS) == set(inner._sockets)
    session = PlaySession("a", lambda _: None, studio.bounds, tmp_path)
    assert {call["do"] for call in CALLS["/api/play"]} == {*session._calls, "close"}


@pytest.mark.parametrize("path", sorted(ADDRESSES))
def test_addresses(walk: Walk, path: str):
    method, query, body = ADDRESSES[path]
    rng = random.Random(path)
    before = walk.left()
    for other in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        if other != method:
            walk.ask(path, other, query, None)
    for changed in mutated(query, walk.values, rng, 10):
        asked = changed if isinstance(changed, dict) else {"run": changed}
        if len(str(asked)) < 4_000:  # longer ones never get so far
            walk.ask(path, method, asked, body)
    if isinstance(body, dict):
        for changed in mutated(body, walk.values, rng, 15):
            walk.ask(path, method, query, changed)
    for said in (b"", b"\0", b"{", b"[1]", b"\xff\xfe{\x00}\x00", b'{"a": NaN}', b"null", _png()[:-9]):
        walk.ask(path, method, query, said)
    if path not in ("/api/explore/picture", "/api/play/data"):  # what is taken stays for a while
        assert walk.left() <= before


def _keys(recipe: Recipe) -> Iterator[str]:
    for name, value in recipe.to_json().items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}.{part}" for part in value)
            yield from (f"{name}.{part}" for part in value.get("options", {}))


def test_every_key_of_a_recipe(walk: Walk):
    recipe = prepare("ring", recipe="ring", device="cpu").recipe
    extra = ["penalties.r1.sigma", "penalties.r1", "discriminator.spectral_norm", "", ".", "generator."]
    pairs = [(key, value) for key in [*_keys(recipe), *extra] for value in walk.values]
    chosen = random.Random(16).sample(pairs, 40) + [
        (key, value) for key in ("source", "text_encoder") for value in walk.values[::4]
    ]
    for key, value in chosen:
        status, answer = walk.ask("/api/play/check", "POST", {}, {**RING, "changes": {key: value}})
        if key in ("source", "text_encoder"):
            assert (status == 200) == (value == ""), (key, value, answer)


@pytest.mark.parametrize("path", sorted(CALLS))
def test_calls(walk: Walk, path: str):
    rng = random.Random(path)
    for call in CALLS[path]:
        with walk.studio.socket(path) as line:
            if call["do"] not in ("open", "resume") and path != "/api/watch":
                line.call(**CALLS[path][0])
            # What a change of it happens to be right is done, too.
            for changed in mutated(call, walk.values, rng, 8):
                if not isinstance(changed, dict) or changed.get("do") == "ack":
                    continue
                _called(walk, line, changed, path)
    for said in (
        "",
        "{",
        "[]",
        "null",
        "7",
        '{"do": 5}',
        '{"do": "x", "id": [1]}',
        '{"id": {}, "do": "open"}',
    ):
        with walk.studio.socket(path) as line:
            line.opened.send(said)
            walk.check(200, json.dumps(line.next()), said)


def _called(walk: Walk, line: Line, call: dict[str, Any], path: str) -> None:
    line._last += 1
    sent = raw({**call, "id": line._last})
    line.opened.send(sent)
    try:
        while True:
            message = line.next(240)
            header = message[0] if isinstance(message, tuple) else message
            if header.get("id") == line._last or (header.get("id") is None and "error" in header):
                break
        walk.check(200, json.dumps(header), sent)
        if header.get("ok") and "task" in header:  # it ends with a line, too
            last = line.until("task", 240)
            while (told := last[0] if isinstance(last, tuple) else last)["state"] == "running":
                last = line.until("task", 240)
            walk.check(200, json.dumps(told), sent)
    except ConnectionClosed:
        assert call.get("do") in ("close", "resume"), sent


_NPY = b"\x93NUMPY\x01\x00v\x00"
UPLOADS = {
    "bad.csv": b"x,y\n" + b"a,b\n" * 5_000,
    "half.csv.gz": b"\x1f\x8b\x08\x00 no more",
    "cut.npz": b"PK\x03\x04 cut",
    "cut.zip": b"PK\x03\x04" + bytes(200),
    "object.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (9,), }".ljust(
        200
    ),
    "huge.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,), }",
    "nul\0.csv": CSV[:3],
    "é" * 200 + ".csv": b"\xff\xfe\x00",
    "../../../../tmp/up.csv": b"no numbers at all",
    ".csv": b"\n\n\n",
    "x.exe": CSV,
    "": CSV,
}


def test_refused_uploads_leave_nothing(walk: Walk):
    before = walk.left()
    rng = random.Random(3)
    for name, content in UPLOADS.items():
        assert walk.ask("/api/play/data", "POST", {"name": name}, content)[0] == 422, name
    file, archive = io.BytesIO(), io.BytesIO()
    np.save(file, np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32))
    with zipfile.ZipFile(archive, "w") as packed:
        for i in range(20):
            packed.writestr(f"{i}.png", _png(12))
    accepted = 0
    for name, good in (("a.npy", file.getvalue()), ("b.csv", CSV), ("c.zip", archive.getvalue())):
        for _ in range(6):
            some = bytearray(good)
            for _ in range(rng.choice((1, 5, 40))):
                some[rng.randrange(min(len(some), 400))] = rng.randrange(256)
            accepted += walk.ask("/api/play/data", "POST", {"name": name}, bytes(some))[0] == 200
    uploads = {Path(one).parts[1] for one in walk.left() - before if "upload-" in one}
    assert len(uploads) == accepted
