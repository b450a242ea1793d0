"""`gan studio`: its refusals, one line each, and what it says when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.cli import main
from tests.processes import Gan, wait_until


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "70000"], "--port is 70000"),
        (["--workers", "0"], "--workers is 0"),
        (["nowhere/at/all"], "there is no nowhere/at/all"),
        (["--token-file", "nothing"], "cannot be read"),
        (["--hst", "1.2.3.4"], "Did you mean '--host'"),
        (["--host", "no.such.host.invalid", "--port", "0"], "is no address"),
    ],
)
def test_refusals_are_one_line(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.chdir(tmp_path)
    assert main(["studio", *words]) in (2, 3)
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["studio", "--help"])
    page = capsys.readouterr().out
    for option in ("--port", "--host", "--token-file", "--allow-host", "--workers", "--no-browser"):
        assert option in page


def test_it_says_where_it_is_and_leaves_at_a_signal(tmp_path: Path):
    gan = Gan("studio", "--port", "0", "--no-browser", "--workers", "1", cwd=tmp_path)
    wait_until(lambda: "address" in gan.said, gan)
    assert "http://127.0.0.1:" in gan.said
    assert "needed: the link below carries it" in gan.said
    assert "/?token=" in gan.said
    gan.process.terminate()
    assert gan.wait(30) == 143
