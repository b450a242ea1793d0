"""What the service answers, called without a socket: every status, and the same bytes for the same seed."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import threading
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.space import Space
from ganforge.shipping import service as services
from ganforge.shipping.guard import Access
from ganforge.shipping.limits import Limits
from ganforge.shipping.service import Ability, Service
from tests.shipping.conftest import DIGITS, made

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return json.loads(self.body)["error"]

    @property
    def shades(self) -> np.ndarray:
        with Image.open(io.BytesIO(self.body)) as image:
            return np.asarray(image.convert("L"))


class Client:
    """Calls a service as its server would; the body comes in pieces."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.read = 0

    async def ask(
        self,
        path: str = "/sample",
        fields: Any = None,
        *,
        method: str = "POST",
        pieces: Any = None,
        **more: str,
    ) -> Answer:
        body = b"" if fields is None else json.dumps(fields).encode()
        waiting = list(pieces if pieces is not None else [body])
        headers = {"host": "127.0.0.1:8000", **JSON, **{k.replace("_", "-"): v for k, v in more.items()}}
        sent: list[Any] = []
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not waiting:
                await never.wait()
            part = waiting.pop(0)
            if part is None:
                await never.wait()
            self.read += len(part)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
        }
        await self.service.app(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], found, b"".join(message["body"] for message in sent[1:]))

    def __call__(self, *arguments: Any, **more: Any) -> Answer:
        return asyncio.run(self.ask(*arguments, **more))


def client(space: Space = DIGITS, family: str = "dcgan", **more: Any) -> Client:
    return Client(Service(made(family, space)[0], name="bees", **more))


@pytest.fixture(scope="module")
def ask() -> Client:
    return client()


POINTS = Space(kind="points", shape=(2,))


def test_one_picture_is_what_the_sampler_makes(ask: Client):
    sampler = made("dcgan", DIGITS)[0]
    answer = ask(fields={"seed": 3, "class": "bee"})
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    expected = sampler.sample(1, seed=3, condition=torch.eye(3)[1:2])
    assert np.array_equal(answer.shades, expected[0, 0].numpy())
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert ask(fields={"seed": 3, "class": 1}).body == answer.body
    assert ask(fields={"seed": 3, "class": 2}).body != answer.body
    turn = ask(fields={"seed": 3, "start": 4})
    assert np.array_equal(turn.shades, sampler.sample(1, seed=3, start=4)[0, 0].numpy())
    assert ask().body == ask(fields={}).body == ask(fields={"seed": 0, "n": 1, "truncation": 1}).body
    assert ask(fields={"truncation": 0.2}).body != ask().body


def test_many_samples_in_every_form(ask: Client):
    expected = made("dcgan", DIGITS)[0].sample(5, seed=9, start=2).numpy()
    zipped = ask(fields={"n": 5, "seed": 9, "start": 2})
    assert zipped.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(zipped.body)) as packed:
        assert packed.namelist()[0] == "seed000009-000002.png"
        for name, sample in zip(packed.namelist(), expected, strict=True):
            with Image.open(io.BytesIO(packed.read(name))) as image:
                assert np.array_equal(np.asarray(image), sample[0])
    array = ask(fields={"n": 5, "seed": 9, "start": 2, "format": "npy"})
    assert np.array_equal(np.load(io.BytesIO(array.body), allow_pickle=False), expected)
    record = json.loads(ask(fields={"n": 5, "seed": 9, "start": 2, "format": "json"}).body)
    with Image.open(io.BytesIO(base64.b64decode(record["samples"][4]))) as image:
        assert np.array_equal(np.asarray(image), expected[4, 0])
    assert (record["seed"], record["start"], record["shape"]) == (9, 2, [1, 8, 12])
    grid = ask(fields={"n": 5, "seed": 9, "start": 2, "grid": True})
    with Image.open(io.BytesIO(grid.body)) as image:
        assert np.array_equal(np.asarray(image), np.asarray(DIGITS.codec.show(expected)))


def test_points_are_numbers_or_a_scatter():
    ask = client(POINTS, "mlp")
    expected = made("mlp", POINTS)[0].sample(2, seed=1)
    record = json.loads(ask(fields={"n": 2, "seed": 1}).body)
    assert torch.equal(torch.tensor(record["samples"]), expected)
    assert "ask for npy or json" in ask(fields={"format": "png"}).error
    assert ask(fields={"n": 200, "grid": True}).shades.shape == (480, 480)
    assert "without classes" in ask(fields={"class": 0}).error


def test_the_same_seed_has_the_same_bytes_in_any_company(ask: Client):
    wishes = [{"seed": seed, "n": 1 + seed % 4, "format": "npy"} for seed in range(24)]
    alone = [ask(fields=fields).body for fields in wishes]

    async def together() -> list[Answer]:
        return await asyncio.gather(*(ask.ask(fields=fields) for fields in wishes))

    before = ask.service.counts.batches
    assert [answer.body for answer in asyncio.run(together())] == alone
    assert ask.service.counts.batches - before < 24


UNPROCESSABLE: dict[str, tuple[Any, str]] = {
    "a milliard": ({"n": 10**9}, "n must be a whole number from 1 to 256"),
    "none": ({"n": 0}, "n must be"),
    "a fraction": ({"n": 1.5}, "n must be"),
    "true": ({"n": True}, "n must be"),
    "text": ({"n": "1"}, "n must be"),
    "a typo": ({"sed": 1}, "there is no field 'sed'. Did you mean 'seed'?"),
    "a negative seed": ({"seed": -1}, "seed must be"),
    "a huge seed": ({"seed": 1 << 64}, "seed must be"),
    "no number": ({"truncation": float("nan")}, "NaN is no number"),
    "too much truncation": ({"truncation": 1.01}, "truncation must be"),
    "truncation of true": ({"truncation": True}, "truncation must be"),
    "an unknown class": ({"class": "be"}, "no class 'be'. Did you mean 'bee'? Known: ant, bee, cat"),
    "a class beyond": ({"class": 3}, "no class '3'"),
    "a class of lists": ({"class": [["x" * 1000] * 9]}, "no class"),
    "an unknown format": ({"format": "exe"}, "format can be png, npy or json"),
    "a format of objects": ({"format": {}}, "format can be"),
    "a grid of numbers": ({"grid": True, "format": "npy"}, "a grid is a picture"),
    "a grid of text": ({"grid": "yes"}, "grid can be true or false"),
    "a list": ([1], "not a JSON object"),
}


@pytest.mark.parametrize("what", UNPROCESSABLE)
def test_what_cannot_be_given_is_named(what: str, ask: Client):
    fields, words = UNPROCESSABLE[what]
    answer = ask(fields=fields)
    assert answer.status == 422
    assert words in answer.error
    assert len(answer.body) < 1000


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 60_000, b'{"n": ' + b"9" * 9000 + b"}"])
def test_bodies_that_are_no_json(body: bytes, ask: Client):
    assert ask(pieces=[body]).status == 422


def test_a_large_body_is_refused_before_it_is_kept(ask: Client):
    ask.read = 0
    answer = ask(pieces=[b" " * 100] * 5, content_length="10000000")
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert ask.read == 500  # a browser hears nothing before it has sent everything
    answer = ask(pieces=[b" " * 100] * 5, content_length="10000000", expect="100-continue")
    assert (answer.status, ask.read) == (413, 500)  # who asks first is told first
    answer = ask(pieces=[b" " * 30_000] * 1000)  # of no announced length
    assert answer.status == 413
    assert ask.read == 500 + 30_000_000
    for length in ("-1", "1e3", "9" * 30):
        assert ask(fields={}, content_length=length).status == 413
    assert ask("/health", {"x": 1}, method="GET", content_length="8").status == 413


def test_a_body_that_does_not_come_is_not_waited_for():
    answer = client(limits=Limits(body_seconds=0.05))(pieces=[b"{", None])
    assert answer.status == 408


def test_other_paths_methods_and_kinds(ask: Client):
    assert ask("/nothing").status == 404
    assert (ask(method="GET").status, ask(method="PUT").status) == (405, 405)
    assert ask("/health").status == 405
    assert ask(fields={}, content_type="text/plain").status == 415
    assert ask(fields={}, content_type="").status == 415
    assert json.loads(ask("/health", method="GET").body)["status"] == "ok"


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1", "", 200),
        ("localhost:8000", "http://localhost:8000", 200),
        ("[::1]:8000", "", 200),
        ("LOCALHOST", "http://localhost", 200),
        ("127.0.0.1:8000", "http://127.0.0.1:9000", 403),
        ("127.0.0.1:8000", "http://evil.example", 403),
        ("127.0.0.1:8000", "null", 403),
        ("127.0.0.1:8000", "http://127.0.0.1:8000.evil.example", 403),
        ("evil.example", "http://evil.example", 403),
        ("evil.example:8000", "", 403),
        ("127.0.0.1.evil.example", "", 403),
        ("192.168.0.7", "", 403),
        ("user@127.0.0.1@evil.example", "", 403),
        ("[::1", "", 403),
        ("", "", 403),
    ],
)
def test_foreign_hosts_and_origins_are_refused(host: str, origin: str, status: int, ask: Client):
    for path, method in (("/sample", "POST"), ("/", "GET"), ("/metrics", "GET")):
        assert ask(path, method=method, host=host, origin=origin).status == status


def test_a_token_beyond_this_machine():
    ask = client(access=Access(loopback=False, names=("gan.example",), token="0123456789abcdef"))
    for given in (
        "",
        "Bearer wrong",
        "0123456789abcdef",
        "Basic 0123456789abcdef",
        "Bearer 0123456789abcdeé",
    ):
        answer = ask(authorization=given.encode().decode("latin-1"))
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    right = "bearer 0123456789abcdef"
    assert ask(authorization=right).status == 200
    assert ask("/metrics", method="GET").status == 401
    assert ask("/invert", {}).status == 401
    assert [ask(path, method="GET").status for path in ("/", "/health", "/openapi.json")] == [200] * 3
    for host, status in (("gan.example", 200), ("192.168.0.7:80", 200), ("evil.example", 403)):
        assert ask(host=host, authorization=right).status == status


def test_a_full_queue_is_said_to_be_full():
    asked = client(limits=Limits(queue=6, samples=6))
    held, go = threading.Event(), threading.Event()
    inner = asked.service._batcher._make

    def slow(z: Tensor, condition: Tensor | None) -> Tensor:
        held.set()
        assert go.wait(10)
        return inner(z, condition)

    asked.service._batcher._make = slow

    async def main() -> None:
        first = asyncio.create_task(asked.ask(fields={"seed": 1}))
        await asyncio.to_thread(held.wait, 10)
        second = asyncio.create_task(asked.ask(fields={"n": 6, "seed": 2}))
        await asyncio.sleep(0.01)
        full = await asked.ask(fields={"seed": 3})
        assert (full.status, "retry-after" in full.headers) == (503, True)
        go.set()
        assert [(await one).status for one in (first, second)] == [200, 200]
        assert (await asked.ask(fields={"seed": 3})).status == 200

    asyncio.run(main())


def test_answers_on_their_way_are_bounded_in_memory():
    asked = client(limits=Limits(held=6_000))
    asked.service._held = 5_000
    answer = asked()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    asked.service._held = 0
    assert asked().status == 200
    assert asked.service._held == 0
    assert asked(fields={"n": 100, "seed": "x"}).status == 422
    assert asked.service._held == 0


def test_what_the_model_cannot_do_is_said(ask: Client):
    for path, words in (
        ("/feedback", "no discriminator"),
        ("/invert", "the run folder"),
        ("/translate", "latents"),
    ):
        answer = ask(path, {})
        assert answer.status == 501
        assert words in answer.error


def test_an_ability_is_given_the_posted_picture():
    seen: list[tuple[Tensor, int | None]] = []

    def feedback(example: Tensor, label: int | None) -> dict[str, Any]:
        seen.append((example, label))
        if label == 0:
            raise UsageError("ants have no feedback")
        return {"probability": 0.25}

    asked = client(abilities={"feedback": Ability(DIGITS, feedback)})
    shades = np.arange(96, dtype=np.uint8).reshape(8, 12)

    def png(size: tuple[int, int] = (12, 8), kind: str = "PNG") -> str:
        buffer = io.BytesIO()
        Image.fromarray(shades).resize(size).save(buffer, kind)
        return base64.b64encode(buffer.getvalue()).decode()

    answer = asked("/feedback", {"picture": png(), "class": "cat"})
    assert (answer.status, json.loads(answer.body)) == (200, {"probability": 0.25})
    assert seen[0][1] == 2
    assert torch.equal(seen[0][0], torch.from_numpy(shades)[None, None])
    refused = {
        "ants have no feedback": {"picture": png(), "class": "ant"},
        "this model's are 12×8": {"picture": png((24, 16))},
        "a PNG in base64": {"picture": png(kind="BMP")},
        "must be a PNG": {"picture": "@@"},
        "PNG in": {},
        "no field 'file'": {"file": "/etc/passwd"},
    }
    for words, fields in refused.items():
        answer = asked("/feedback", fields)
        assert (answer.status, words in answer.error) == (422, True), words
    assert len(seen) == 2
    assert "/feedback" in json.loads(asked("/openapi.json", method="GET").body)["paths"]


def test_posted_points():
    seen: list[Tensor] = []
    ability = Ability(POINTS, lambda example, _: seen.append(example) or {})
    asked = client(POINTS, "mlp", abilities={"invert": ability})
    assert asked("/invert", {"numbers": [1, -2.5]}).status == 200
    assert torch.equal(seen[0], torch.tensor([[1.0, -2.5]]))
    for numbers in ([1], "12", [1, "2"], [1, float("inf")], None):
        assert asked("/invert", {"numbers": numbers}).status == 422


def test_a_fault_is_500_and_tells_nothing(ask: Client, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("the secret path /srv/x")

    monkeypatch.setattr(services.answering, "respond", broken)
    sent: list[Any] = []

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):  # for the server's log
            sent.append(await ask.ask())

    asyncio.run(main())
    assert ask.service.counts.requests["/sample", 500] == 1
    assert ask.service._held == 0


def test_metrics_are_text_that_prometheus_reads(ask: Client):
    ask(fields={"n": 3})
    ask("/some/other/path", method="GET")
    answer = ask("/metrics", method="GET")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()
    sample = r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+]+'
    assert all(re.fullmatch(sample, line) or line.startswith("# ") for line in lines)
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(values['ganforge_requests_total{path="/sample",status="200"}']) >= 1
    assert float(values['ganforge_requests_total{path="other",status="404"}']) >= 1
    counts = [int(value) for name, value in values.items() if "bucket" in name]
    assert counts == sorted(counts)
    assert counts[-1] == int(values["ganforge_sample_seconds_count"]) >= 1
    assert float(values["process_resident_memory_bytes"]) > 1e7
    assert values["ganforge_held_bytes"] == values["ganforge_waiting_samples"] == "0"


def test_the_description_and_the_page(ask: Client):
    told = json.loads(ask("/openapi.json", method="GET").body)
    assert told["openapi"] == "3.1.0"
    assert set(told["paths"]) == {"/", "/health", "/openapi.json", "/metrics", "/sample"}
    schema = told["paths"]["/sample"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"n", "seed", "start", "truncation", "class", "format", "grid"}
    assert schema["properties"]["class"]["anyOf"][0]["enum"] == ["ant", "bee", "cat"]
    page = ask("/", method="GET")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"<option>bee</option>" in page.body
    hostile = Space(kind="pictures", shape=(1, 8, 8), classes=("<script>alert(1)</script>",))
    assert b"<script>alert" not in client(hostile)("/", method="GET").body


def test_sounds_are_wav_files():
    space = Space(kind="sounds", shape=(1, 16, 16), sample_rate=8_000)
    ask = client(space, "residual")
    one = ask(fields={"seed": 3})
    assert (one.status, one.headers["content-type"]) == (200, "audio/wav")
    assert one.body == space.codec.file(made("residual", space)[0].sample(1, seed=3)[0].numpy())
    with zipfile.ZipFile(io.BytesIO(ask(fields={"n": 3, "seed": 3, "format": "wav"}).body)) as packed:
        assert packed.namelist()[0] == "seed000003-000000.wav"
        assert packed.read(packed.namelist()[0]) == one.body
    assert "format can be png, npy, wav or json, not 'mp3'" in ask(fields={"format": "mp3"}).error
    assert ask(fields={"n": 4, "grid": True}).headers["content-type"] == "image/png"
