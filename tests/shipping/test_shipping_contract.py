"""Every address and every field of the service, asked what nobody should ask: a line and 4xx."""

from __future__ import annotations

import base64
import io
import logging
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganforge.shipping.guard import Access
from ganforge.shipping.service import ABILITIES, Service
from ganforge.tasks.abilities import abilities
from tests.malformed import SECRET, hostile, mutated, raw, tells_a_path
from tests.shipping.test_shipping_service import Client

TOKEN = {"authorization": "Bearer 0123456789abcdef"}
HEADERS = ("host", "origin", "authorization", "cookie", "content-type", "content-length", "expect")


def _picture(side: int) -> str:
    file = io.BytesIO()
    Image.effect_noise((side, side), 60).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


FIELDS: dict[str, dict[str, Any]] = {
    "/": {},
    "/health": {},
    "/openapi.json": {},
    "/metrics": {},
    "/sample": {
        "n": 2,
        "seed": 1,
        "start": 3,
        "truncation": 0.5,
        "class": "3",
        "format": "npy",
        "grid": False,
    },
    "/translate": {"picture": _picture(8), "back": False},
    "/feedback": {"picture": _picture(8), "class": "3"},
    "/invert": {"picture": _picture(8), "class": "3"},
}


@pytest.fixture(scope="module")
def ask(run: Path) -> Client:
    import ganforge

    access = Access(token="0123456789abcdef", cookie="ganforge-serve-1")
    able = abilities(run)
    assert able.keys() == ABILITIES.keys()
    return Client(Service(ganforge.load(run), name="bees", access=access, abilities=able))


def check(status: int, answer: bytes, sent: str) -> None:
    text = answer.decode(errors="replace") if answer[:1] == b"{" else ""
    about = f"{status} {text[:300]!r} to {sent[:300]!r}"
    assert status in (200, 204, 303, 501) or 400 <= status < 500, about
    assert not tells_a_path(text, sent), about
    assert SECRET not in text


def test_the_table_names_every_address(ask: Client):
    inner: Any = ask.service.app
    assert set(FIELDS) == set(inner._paths)


@pytest.mark.parametrize("path", sorted(FIELDS))
def test_addresses(path: str, ask: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    secret = tmp_path / "secret.csv"
    secret.write_text(f"a,b\nc,{SECRET}\n")
    values, rng = hostile(str(secret)), random.Random(path)
    with caplog.at_level(logging.DEBUG):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"):
            answer = ask(path, {}, method=method, **TOKEN)
            check(answer.status, answer.body, method)
        for changed in mutated(FIELDS[path], values, rng, 60):
            body = raw(changed).encode()
            answer = ask(path, pieces=[body], **TOKEN)
            check(answer.status, answer.body, body.decode())
        for said in (
            b"",
            b"\0",
            b"{",
            b"\xff\xfe{\x00}\x00",
            b"\x89PNG\r\n\x1a\n" + bytes(40),
            b"\xff\xd8\xff\xe1",
        ):
            answer = ask(path, pieces=[said], **TOKEN)
            check(answer.status, answer.body, repr(said))
    assert "Traceback" not in caplog.text


def test_headers(ask: Client):
    rng = random.Random(5)
    values = [
        "",
        "\xb2",
        "-1",
        "1e9",
        "[::1",
        "http://[",
        "http://[::1",
        'a="',
        "=;=;",
        "bearer",
        "Bearer \xe9",
    ]
    for _ in range(300):
        headers = {name.replace("-", "_"): rng.choice(values) for name in rng.sample(HEADERS, 2)}
        answer = ask(fields={}, **headers)
        assert 400 <= answer.status < 500 or answer.status == 200, headers
    assert ask(fields={}, authorization="Bearer 0123456789abcde\xe9").status == 401
