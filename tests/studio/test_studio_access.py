"""Who may ask the studio, and what it does where something goes wrong: on HTTP and on WebSockets."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.processes import Gan
from tests.studio.conftest import RING, Running, running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    """A studio with a token."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text("a-token-of-some-length\n")
    with running(folder, "--workers", "1", "--token-file", "token", "--host", "0.0.0.0") as opened:
        yield opened


def refused(studio: Running, path: str = "/api/play", **headers: str) -> tuple[int, str]:
    """Status and words of a refused WebSocket."""
    entered = "Origin" in headers or path == "/api/nothing"
    with pytest.raises(InvalidStatus) as caught, studio.socket(path, entered=entered, **headers):
        pass
    response = caught.value.response
    return response.status_code, json.loads(response.body)["error"]


def test_a_foreign_origin_or_host_is_refused(studio: Running):
    foreign = {"Origin": "http://evil.example"}
    assert studio.ask("/api/about", headers=foreign)[0] == 403
    assert studio.ask("/api/play/python", RING, headers=foreign)[0] == 403
    assert studio.ask("/api/about", headers={"Host": "evil.example"})[0] == 403
    status, words = refused(studio, Origin="http://evil.example")
    assert (status, "foreign" in words) == (403, True)
    for path in ("/api/watch", "/api/explore"):
        assert refused(studio, path, Origin="http://evil.example:80")[0] == 403
    own = f"http://127.0.0.1:{studio.port}"
    with studio.socket("/api/play", Origin=own) as line:
        assert line.call("open", settings=RING)["round"] == 0
    assert refused(studio, "/api/nothing")[0] == 404


def test_the_token_opens_everything_by_header_and_by_cookie(guarded: Running):
    assert guarded.token == "a-token-of-some-length"
    assert guarded.ask("/")[0] in (200, 503)  # the page itself tells nothing
    told = json.loads(guarded.ask("/api/about", entered=False)[1])
    assert (told["token_needed"], told["entered"], "limits" in told) == (True, False, False)
    assert guarded.ask("/api/play/catalogue", entered=False)[0] == 401
    assert refused(guarded) == (401, "a token is needed: send the header Authorization: Bearer TOKEN")
    assert refused(guarded, Authorization="Bearer wrong")[0] == 401
    assert guarded.ask("/api/play/catalogue", headers={"Authorization": f"Bearer {guarded.token}"})[0] == 200
    for wrong in ("wrong", "a-token-of-some-lengt\u00e9", 7, None):
        assert guarded.ask("/api/enter", {"token": wrong}, entered=False)[0] == 401
    cookie = entered(guarded)
    assert guarded.ask("/api/play/catalogue", headers={"Cookie": cookie}, entered=False)[0] == 200
    with guarded.socket("/api/play", entered=False, Cookie=cookie) as line:
        line.call("open", settings=RING)
    assert refused(guarded, Cookie=cookie[:-1])[0] == 401


def entered(studio: Running) -> str:
    """The cookie that the printed address gives; the address itself is left at once."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=30)
    connection.request("GET", f"/?token={studio.token}")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    connection.close()
    return cookie.partition(";")[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_there_is_always_a_token_for_other_users_of_this_machine_too(tmp_path: Path, host: str):
    with running(tmp_path, "--workers", "1", "--host", host) as opened:
        assert opened.token is not None
        assert len(opened.token) >= 24
        assert opened.ask("/api/play/catalogue", entered=False)[0] == 401
        assert opened.ask("/api/play/catalogue")[0] == 200
        assert opened.ask("/?token=wrong", entered=False)[0] == 401
        assert opened.ask(f"/?token={opened.token}", entered=False)[0] == 303


def test_the_page_or_how_to_build_it(studio: Running):
    status, page = studio.ask("/")
    assert (status == 200) == (b"hatch_build.py" not in page)
    assert b"<html" in page
    assert studio.ask("/explore/anything")[0] == status  # the page's own addresses
    assert studio.ask("/../../etc/passwd")[1] == page
    assert studio.ask("/%2e%2e/%2e%2e/pyproject.toml")[1] == page
    assert studio.ask("/api/nothing")[0] == 404
    assert studio.ask("/api/play/check", b"no JSON")[0] == 422
    assert studio.ask("/api/play/check")[0] == 404  # it is for POST


def test_a_killed_worker_is_told_and_the_game_can_begin_again(tmp_path: Path):
    with running(tmp_path, "--workers", "1") as studio, studio.socket("/api/play") as line:
        standing = line.call("open", settings={**RING, "seed": 7})
        worker = workers(studio.gan)[0]
        os.kill(worker, signal.SIGKILL)
        ended = line.until("ended")
        assert "SIGKILL" in ended["error"]
        assert ended["reopen"] == standing["settings"]
        with pytest.raises(ConnectionClosed):
            line.next(10)
        with studio.socket("/api/play") as again:
            assert again.call("open", settings=ended["reopen"])["round"] == 0
            assert again.call("step")["round"] == 1
        assert workers(studio.gan) != [worker]


def workers(gan: Gan) -> list[int]:
    """Processes that a studio has started."""
    children = Path(f"/proc/{gan.process.pid}/task/{gan.process.pid}/children").read_text()
    return [int(word) for word in children.split()]


def test_a_browser_that_was_cut_off_comes_back(studio: Running):
    with studio.socket("/api/play") as line:
        name = line.call("open", settings=RING)["session"]
        line.call("play", rounds=5, speed=None)
    with studio.socket("/api/play") as line:
        told = line.call("resume", session=name)
        assert told["settings"] == RING
        assert line.until("scene")[0]["view"] == "plane"
        line.call("watch")
        assert line.until("frame")[0]["frame"] == 1
        line.call("close")
    with studio.socket("/api/play") as line:
        assert "has ended" in line.refused("resume", session=name)
        assert "first call" in line.refused("play")


def test_a_stopped_studio_leaves_no_process(tmp_path: Path):
    with running(tmp_path, "--workers", "1") as studio:
        with studio.socket("/api/play") as line:
            line.call("open", settings=RING)
            line.call("play", speed=None)
            started = workers(studio.gan)
            studio.gan.send(signal.SIGINT)
            assert studio.gan.wait(20) == 0
        end = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in started):
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_huge_message_ends_the_socket_and_nothing_else(studio: Running):
    with studio.socket("/api/play") as line:
        line.call("open", settings=RING)
        with contextlib.suppress(ConnectionClosed):
            line.opened.send(" " * (13 << 20))
        with pytest.raises(ConnectionClosed):
            line.next(10)
    assert studio.ask("/api/about")[0] == 200


def test_a_killed_studio_leaves_nothing_once_another_starts(tmp_path: Path):
    place = tmp_path / "tmp"
    (place / "ganforge-studio-of-a-stranger").mkdir(parents=True)  # without a lock, and new: it is left alone
    os.utime(place / "ganforge-studio-of-a-stranger")
    old = place / "ganforge-studio-long-ago"
    old.mkdir()
    os.utime(old, (0, 0))
    csv = b"x,y\n" + b"1,2\n3,1\n" * 20
    with running(tmp_path, "--workers", "1", TMPDIR=str(place)) as alive:
        assert alive.ask("/api/play/data?name=a.csv", csv)[0] == 200
        assert not old.exists()
        kept = set(place.rglob("a.csv"))
        (tmp_path / "other").mkdir()
        with running(tmp_path / "other", "--workers", "1", TMPDIR=str(place)) as dead:
            assert dead.ask("/api/play/data?name=b.csv", csv)[0] == 200
            assert len(set(place.rglob("b.csv"))) == 1
            started = workers(dead.gan)
            dead.gan.send(signal.SIGKILL)
            dead.gan.wait(20)
            assert len(set(place.rglob("b.csv"))) == 1
        end = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < end:
            time.sleep(0.05)
        with running(tmp_path / "other", "--workers", "1", TMPDIR=str(place)) as third:
            assert third.ask("/api/about")[0] == 200
            assert not set(place.rglob("b.csv"))
            assert set(place.rglob("a.csv")) == kept  # the one that lives keeps its own
    assert [path.name for path in place.iterdir()] == ["ganforge-studio-of-a-stranger"]


def test_scripts_go_out_compressed_to_whom_asks(studio: Running):
    page = studio.ask("/")[1].decode()
    script = re.search(r'src="[.]?(/assets/[^"]+[.]js)"', page)
    if script is None:
        pytest.skip("the page is not built")
    plain = studio.ask(script[1])[1]
    packed = studio.ask(script[1], headers={"Accept-Encoding": "gzip"})[1]
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2


def test_a_file_that_is_too_large_is_refused_in_words(studio: Running):
    status, answer = studio.ask("/api/play/data?name=a.csv", bytes(40 << 20))  # all of it is sent first
    assert status == 413
    assert "16,777,216 bytes" in json.loads(answer)["error"]
