"""`gan evaluate`: what a person reads, what a program reads, and one line for what is asked wrongly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ganforge.cli.evaluate import _headline, _row
from ganforge.metrics.score import Protocol, Score
from tests import processes
from tests.conftest import Call

QUICK = ("--samples", "200", "--only", "distances,manifold,memorisation")


def test_a_person_reads_the_headline_first_and_every_score_beside_its_floor(gan: Call, digits_run: Path):
    answer = gan("evaluate", digits_run, "--samples", "200")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == f"run       {digits_run}: 200 samples, seed 0"
    assert re.match(r"opened    the state after 112 examples, the newest; weights [0-9a-f]{12}$", lines[1])
    assert re.match(r"data      digits: 1,\d+ training examples, compared with \d+ held-out ones$", lines[2])
    headline = next(line for line in lines if line.startswith("headline  "))
    assert re.match(
        r"headline  kernel distance \(small-classes-\w+\) \S+, best possible \S+: not like real examples$",
        headline,
    )
    first = next(line for line in lines if line.startswith("kernel distance"))
    assert re.search(r"\) +[\d.]+ +\[[\d.]+, [\d.]+\] +-?[\d.e-]+ +lower +off [\d.]+ +subset 200$", first)
    for name in (
        "Fréchet distance",
        "precision",
        "recall",
        "coverage",
        "class balance, KL",
        "fresh classifier right",
    ):
        assert any(line.startswith(name) for line in lines), name
    assert any(re.match(r"n 200 · held-out +score +interval +best +better$", line) for line in lines)
    assert any(re.match(r"7 +[\d.]+% \(10\.\d%\) +\d+% \(\d+%\) +\d+% \(\d+%\)$", line) for line in lines)
    assert any(line.startswith("best      the best possible: what real examples score") for line in lines)
    assert lines[-2] == f"scores    {digits_run / 'scores.json'}"
    assert lines[-1] == f"report    {digits_run / 'report.html'}"
    assert not any("nan" in line for line in lines)


def test_a_score_without_a_best_possible_value_is_not_called_unlike_real_examples():
    own = Protocol(extractor="pixels", n=9, split="held-out", seed=0, settings={"input": 12.25})
    score = Score(
        key="psnr",
        name="PSNR (dB)",
        value=15.5,
        interval=(15.0, 16.0),
        floor=float("nan"),
        direction="higher",
        protocol=own,
    )
    assert _headline(score) == "PSNR (dB) 15.5, of the input itself 12.2; higher is better"
    assert _row(score, 9) == "PSNR (dB)     15.5  [15, 16]                –  higher             input 12.2"


def test_a_program_reads_json_alone(gan: Call, points_run: Path):
    answer = gan("evaluate", points_run, *QUICK, "--json")
    assert (answer.code, answer.err) == (0, "")
    told = json.loads(answer.out)
    kept = json.loads((points_run / "scores.json").read_text())
    assert told == {key: value for key, value in kept.items() if key != "own_sha256"}
    assert told["headline"] == told["scores"][0]["key"] == "kernel_distance"
    assert told["extractor"] == "standardised"
    assert {"value", "floor", "interval", "direction", "protocol"} <= set(told["scores"][0])
    assert json.loads(gan("evaluate", points_run, *QUICK, "--json", "--seed", "1").out) != told


def test_the_discriminator_is_told_and_drawn(gan: Call, points_run: Path):
    answer = gan(
        "evaluate", points_run, *QUICK[:2], "--only", "distances", "--discriminator", "--duality",
        "--duality-steps", 3,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert re.search(r"p\(real\) = σ\(a·D \+ b\)   a \S+ ± \S+   b [+-]\S+ ± \S+", answer.out)
    assert re.search(r"is \.?\d\S* from the best discriminator D\* on average; a random guess", answer.out)
    assert re.search(r"duality gap at least -?\d\S* \[\S+, \S+\] nats after 3 steps", answer.out)
    assert f"picture   {points_run / 'discriminator.png'}" in answer.out


def test_the_last_run_is_meant_where_none_is_named(gan: Call, tmp_path: Path):
    assert gan("train", "moons", "--kimg", "0.2", "--set", "batch=32").code == 0
    answer = gan("evaluate", *QUICK)
    assert answer.out.startswith("the last run is runs/moons\n")
    assert (tmp_path / "runs/moons/scores.json").is_file()


WRONG = {
    "no run": ("absent", 2, "absent is not a run folder .no such folder."),
    "a group": ("RUN --only distanses", 2, "Did you mean 'distances'"),
    "an extractor": ("RUN --extractor learnt", 2, "Did you mean 'learned'"),
    "no weights": ("RUN --extractor inception", 2, "give --weights FILE"),
    "a file of weights": ("RUN --extractor mobilenet --weights absent.npz", 2, "no file of weights"),
    "weights alone": ("RUN --weights absent.npz", 2, "--weights belongs to an extractor"),
    "few samples": ("RUN --samples 3", 2, "--samples is 3; scores need at least 8"),
    "other data": ("RUN --against digits", 2, "name data of its kind"),
    "no such data": ("RUN --against moonz", 2, "Did you mean 'moons'"),
    "steps": ("RUN --duality-steps 0", 2, "--duality-steps is 0"),
    "an option": ("RUN --agianst moons", 2, "Did you mean '--against'"),
    "stacked": ("RUN --samples 9 --only stacked --stacked absent.pth", 2, "no file of LeNet weights"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_asked_wrongly_has_one_line(name: str, gan: Call, points_run: Path):
    words, code, pattern = WRONG[name]
    answer = gan("evaluate", *[str(points_run) if word == "RUN" else word for word in words.split()])
    assert answer.code == code, answer.err
    assert answer.err.count("\n") == 1
    assert re.match(r"gan evaluate: .*" + pattern, answer.err), answer.err


def test_a_stop_leaves_nothing_half_written(points_run: Path):
    before = sorted(path.name for path in points_run.iterdir())
    command = [sys.executable, "-c", PATIENT, str(points_run)]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=processes.environment(), **piped) as ran:
        assert ran.stdout is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            assert ran.stdout.readline() == "begun\n"
            os.kill(ran.pid, number)
        out, err = ran.communicate(timeout=60)
    assert out == "[130, 143]\n"
    assert err == "gan evaluate: stopped at once\ngan evaluate: stopped by SIGTERM\n"
    assert sorted(path.name for path in points_run.iterdir()) == before


PATIENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from ganforge.cli import main
from ganforge.metrics import evaluate
def slow(*arguments, **options):
    print("begun", flush=True)
    time.sleep(60)
evaluate.context_of = slow
print([main(["evaluate", sys.argv[1]]) for _ in range(2)])
"""
