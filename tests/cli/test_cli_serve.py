"""`gan serve` as a process: it answers, it protects itself, and it stops when told to."""

from __future__ import annotations

import base64
import concurrent.futures
import functools
import http.client
import json
import re
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

import ganforge
from tests.conftest import Call
from tests.processes import Gan, wait_until

TOKEN = "0123456789-abcdef"


@contextmanager
def serving(*words: str, cwd: Path) -> Generator[tuple[Gan, int, dict[str, str]]]:
    """The process, its port, and the header that lets in."""
    gan = Gan("serve", *words, "--port", "0", cwd=cwd)
    try:
        wait_until(lambda: "stop: Ctrl-C\n" in gan.said, gan)
        match = re.search(r"address   http://\S+:(\d+)/(?:\?token=(\S+))?   stop: Ctrl-C\n", gan.said)
        assert match, gan.said
        yield gan, int(match[1]), {"Authorization": f"Bearer {match[2] or TOKEN}"}
    finally:
        if gan.process.poll() is None:
            gan.send(signal.SIGKILL)
        gan.process.wait(20)


def ask(port: int, fields: object, path: str = "/sample", **headers: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        sent = {"Content-Type": "application/json", **headers}
        connection.request("POST", path, json.dumps(fields), sent)
        answer = connection.getresponse()
        return answer.status, answer.read()


def memory(gan: Gan) -> int:
    """Resident kB."""
    status = Path(f"/proc/{gan.process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


def test_a_run_is_served_to_a_crowd_and_stopped_by_sigterm(digits_run: Path, tmp_path: Path):
    expected = ganforge.load(digits_run)
    with serving(str(digits_run), cwd=tmp_path) as (gan, port, token):
        assert "token     needed: the link below carries it" in gan.said
        assert ask(port, {})[0] == 401
        assert_a_browser_is_let_in(port, token["Authorization"].split()[1])
        ask_it = functools.partial(ask, port, **token)
        assert ask_it({})[0] == 200
        with concurrent.futures.ThreadPoolExecutor(32) as crowd, ExitStack() as idle:
            list(crowd.map(lambda seed: ask_it({"seed": seed}), range(64)))
            before = memory(gan)
            for _ in range(1000):  # sockets that never ask
                idle.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            wishes = [{"seed": seed, "format": "npy"} for seed in range(64)]
            answers = list(crowd.map(ask_it, wishes))
            assert {status for status, _ in answers} == {200}
            for wish, (_, body) in zip(wishes, answers, strict=True):
                made = np.frombuffer(body[-64:], np.uint8)
                assert np.array_equal(made, expected.sample(1, seed=int(wish["seed"])).numpy().ravel())
            assert memory(gan) - before < 60_000
        picture = base64.b64encode(ask_it({"class": "3"})[1]).decode()
        status, body = ask_it({"picture": picture, "class": "3"}, "/feedback")
        assert status == 200
        told = json.loads(body)
        assert 0 < told["probability"] < 1
        assert np.abs(told["change"]).max() == pytest.approx(8.0, rel=1e-4)
        assert ask_it({"picture": picture}, "/feedback")[0] == 422
        assert ask_it({}, "/translate")[0] == 501
        assert ask_it({"n": 10**9})[0] == 422
        assert ask(port, {}, Host="evil.example")[0] == 403
        assert ask(port, {}, Origin="http://evil.example")[0] == 403
        gan.send(signal.SIGTERM)
        assert gan.wait(30) == 143
        assert "Traceback" not in gan.said


def assert_a_browser_is_let_in(port: int, token: str) -> None:
    """The printed address sets a cookie, leads on to an address without the token, and the page may ask."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/?token=wrong")
        assert b"that is not the token" in connection.getresponse().read()
        connection.request("GET", f"/?token={token}")
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        for headers, asks in (({}, True), ({"Cookie": cookie.partition(";")[0]}, False)):
            connection.request("GET", "/", headers=headers)
            assert (b'name="token"' in connection.getresponse().read()) == asks
        connection.request("GET", "/metrics", headers={"Cookie": cookie.partition(";")[0]})
        assert connection.getresponse().status == 200


def test_an_exported_file_is_served_with_a_token_and_stopped_by_ctrl_c(
    gan: Call, digits_run: Path, tmp_path: Path
):
    assert gan("export", digits_run, "--out", "g.onnx").code == 0
    (tmp_path / "token").write_text(TOKEN)
    words = ("g.onnx", "--host", "0.0.0.0", "--token-file", "token")
    with serving(*words, cwd=tmp_path) as (process, port, _):
        assert "token     needed: the one in token; " in process.said
        assert TOKEN not in process.said
        assert ask(port, {})[0] == 401
        assert ask(port, {}, Authorization="Bearer wrong")[0] == 401
        status, body = ask(port, {"seed": 1, "n": 3, "format": "npy"}, Authorization=f"Bearer {TOKEN}")
        assert status == 200
        expected = ganforge.load(tmp_path / "g.onnx").sample(3, seed=1).numpy()
        assert np.array_equal(np.frombuffer(body[-192:], np.uint8), expected.ravel())
        process.send(signal.SIGINT)
        assert process.wait(30) == 0
        assert "Traceback" not in process.said


@pytest.mark.parametrize(
    ("words", "code", "pattern"),
    [
        ("--host 0.0.0.0", 2, "give --token-file FILE"),
        ("--host 0.0.0.0 --token-file none", 2, "cannot be read"),
        ("--port 70000", 2, "--port is 70000"),
        ("--max-batch 0", 2, "--max-batch is 0"),
        ("--porn 1", 2, "no option --porn"),
    ],
)
def test_what_is_not_started(words: str, code: int, pattern: str, gan: Call, digits_run: Path):
    told = gan("serve", digits_run, *words.split())
    assert (told.code, told.out) == (code, "")
    assert re.fullmatch(rf"gan serve: .*{pattern}.*\n", told.err)


def test_what_is_no_generator_or_no_port(gan: Call, digits_run: Path, tmp_path: Path):
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x08\x12")
    for path, words in (("none", "is not a run folder"), ("cut.onnx", "cut or damaged|does not describe")):
        told = gan("serve", path)
        assert told.code == 2
        assert re.search(words, told.err)
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        told = gan("serve", digits_run, "--port", str(taken.getsockname()[1]))
    assert told.code == 3
    assert "choose another --port" in told.err
