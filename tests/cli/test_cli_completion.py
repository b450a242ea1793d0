"""`gan --completion`: what the shells themselves offer."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ganforge.cli import VERBS
from tests.conftest import Call

_ASK = 'eval "$SCRIPT"; COMP_WORDS=({words} ""); COMP_CWORD={at}; _gan; echo "${{COMPREPLY[@]}}"'


def _offered(script: str, *words: str, last: str = "") -> list[str]:
    asked = [*words, last] if last else list(words)
    ask = _ASK.format(words=" ".join(asked), at=len(words))
    done = subprocess.run(
        ["bash", "-c", ask], env={"SCRIPT": script, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here: its completion is NOT tested")
def test_bash_offers_verbs_options_and_questions(gan: Call) -> None:
    script = gan("--completion", "bash").out
    assert {*VERBS, "--version"} <= {*_offered(script, "gan")}
    assert _offered(script, "gan", last="sa") == ["sample"]
    assert _offered(script, "gan", "train", "photos", last="--min") == ["--minutes"]
    assert _offered(script, "gan", "sample", "runs/a", last="--see") == ["--seeds", "--seed"]
    assert "interpolate" in _offered(script, "gan", "explore", "runs/a")
    assert _offered(script, "gan", "explore", "runs/a", "interpolate", last="--fr") == ["--frames"]
    assert _offered(script, "gan", "--completion", last="f") == ["fish"]


def test_the_other_shells_know_the_same(gan: Call) -> None:
    assert "bashcompinit" in gan("--completion", "zsh").out
    fish = gan("--completion", "fish").out
    assert "__fish_seen_subcommand_from train' -l minutes" in fish
    assert all(f"-a {verb} -d" in fish for verb in VERBS)


def test_an_unknown_shell_is_one_line(gan: Call) -> None:
    said = gan("--completion", "bsh")
    assert said.code == 2
    assert said.err == "gan: there is no completion for 'bsh'. Did you mean 'bash'? See: gan --help\n"
