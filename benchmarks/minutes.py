"""What a number of core minutes on a set of pictures yields: ours beside what others would train.

    python benchmarks/minutes.py celeba64 flowers --minutes 3,12 --seeds 0,1,2 --methods ours,dcgan,dcgan16
                                 --out FOLDER [--size 64] [--set batch=16] [--name NAME] [--table FILE.md]

Ours is `gan train SET --minutes M` as a process of its own with one thread: reading the data, choosing,
examining and the end are in its processor time. The peers (`benchmarks/peers.py`) are counted from their
first step: their data lie ready. A minute is one of processor time of one core; what a run really took stands
in the table.

Each run has a folder in FOLDER: `log.txt`, `sheet.png` (64 samples left, 64 real pictures right, twice their
size), `record.json`, and what can be sampled from again. What is there already is not done again, so the same
command goes on where it stopped; with other `--features` it adds another judge's figures to old runs. At the
end comes a table of all runs in FOLDER: medians over seeds, with the least and the most.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.judge import (
    FEATURES,
    Judge,
    brought,
    by_class,
    classifier_of,
    extractor_of,
    pictures_of,
    samples_of,
    source,
)
from benchmarks.peers import Dcgan
from ganforge import __version__
from ganforge.data import Dataset
from ganforge.data import load as load_data
from ganforge.runs.sampler import load as load_sampler

PEERS = {"dcgan": 64, "dcgan16": 16}  # name: batch
_FIGURES = ("frechet", "thumbnails", "kernel", "precision", "recall", "density", "coverage", "as_asked")


@dataclass(frozen=True)
class Asked:
    """One run: what, how, for how long."""

    what: str
    method: str
    minutes: float
    seed: int
    size: int
    settings: tuple[str, ...] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """The method with what sets it apart, in the table."""
        if self.method != "ours":
            return self.method
        return self.name or " ".join(("ours", *self.settings))

    def folder(self, out: Path) -> Path:
        words = [
            Path(self.what).stem,
            self.label,
            f"{self.size}px",
            f"{self.minutes:g}min",
            f"seed{self.seed}",
        ]
        return out / "-".join(words).replace("/", "_").replace(" ", "_")


class Set:
    """The real pictures and their judges, each made when it is first needed."""

    def __init__(self, what: str, size: int | None) -> None:
        self.what = what
        self.path, self.size = source(what, size)
        self._judges: dict[str, Judge] = {}
        self._dataset: Dataset | None = None

    @property
    def dataset(self) -> Dataset:
        self._dataset = self._dataset or load_data(self.path, size=self.size)
        return self._dataset

    def judge(self, features: str) -> Judge:
        if features not in self._judges:
            labelled = by_class(self.what) and self.dataset.train.labels is not None
            others = list(self._judges.values())
            classifier = others[0].classifier if others else classifier_of(self.dataset) if labelled else None
            values, _ = pictures_of(self.dataset)
            self._judges[features] = Judge(
                values, size=self.size, extractor=extractor_of(features, self.size), classifier=classifier
            )
        return self._judges[features]

    @property
    def side_of_peers(self) -> int:
        """The power of two that is nearest to the size from above."""
        return max(16, 2 ** (self.size - 1).bit_length())


# -- training -----------------------------------------------------------------------------------------------


def train_ours(asked: Asked, data: Set, folder: Path) -> dict[str, Any] | None:
    """`gan train` as a process of its own with one thread; None where it failed."""
    command = [sys.executable, "-c", "import sys; from ganforge.cli import main; sys.exit(main())"]
    command += ["train", str(data.path), "--core-minutes", f"{asked.minutes:g}", "--size", str(asked.size)]
    command += ["--seed", str(asked.seed), "--out", str(folder / "run")]
    command += ["--set", *asked.settings] if asked.settings else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    shutil.rmtree(folder / "run", ignore_errors=True)  # of a training that was stopped before its end
    began = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(f"{folder.name}: ended with {process.returncode}, see its log.txt", flush=True)
        return None
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    last = json.loads(lines[-1]) if lines else {}
    return {
        "processor_minutes": (usage.ru_utime + usage.ru_stime) / 60,
        "wall_minutes": (time.perf_counter() - began) / 60,
        "pictures": last.get("nimg", 0),
        "steps": last.get("rounds", 0),
    }


def train_peer(wanted: list[Asked], data: Set, out: Path) -> Iterator[tuple[Asked, dict[str, Any]]]:
    """One training to the longest of ``wanted``, which differ in minutes only; its moments as they come."""
    torch.set_num_threads(1)
    pictures = brought(pictures_of(data.dataset)[0], data.side_of_peers)
    peer = Dcgan(pictures, batch=PEERS[wanted[0].method], seed=wanted[0].seed)
    spent, began = 0.0, time.perf_counter()  # processor seconds of steps
    for asked in sorted(wanted, key=lambda one: one.minutes):
        folder = asked.folder(out)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("w") as log:
            while spent < 60 * asked.minutes:
                started = time.process_time()
                peer.step()
                spent += time.process_time() - started
                if peer.steps % 100 == 0:
                    log.write(f"{peer.steps:,} steps, {spent / 60:.2f} processor minutes\n")
                    log.flush()
        peer.save(folder / "generator.safetensors")
        yield (
            asked,
            {
                "processor_minutes": spent / 60,
                "wall_minutes": (time.perf_counter() - began) / 60,
                "pictures": peer.shown,
                "steps": peer.steps,
            },
        )


# -- judging ------------------------------------------------------------------------------------------------


def made(asked: Asked, data: Set, folder: Path, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """``n`` samples of a finished run and the classes they were asked to be."""
    if asked.method == "ours":
        return samples_of(load_sampler(folder / "run"), data.dataset, n)
    peer = Dcgan(np.empty((0, 3, data.side_of_peers, data.side_of_peers), np.uint8), batch=1, seed=0)
    peer.load(folder / "generator.safetensors")
    return peer.sample(n), None


def sheet(samples: np.ndarray, real: np.ndarray, size: int) -> Image.Image:
    """64 samples on the left, 64 real pictures on the right, twice their size."""
    halves = []
    for pictures in (samples, real):
        small = brought(pictures[:64], size)
        if len(small) < 64:
            small = np.concatenate([small, np.full((64 - len(small), *small.shape[1:]), 255, np.uint8)])
        halves.append(small.reshape(8, 8, 3, size, size).transpose(0, 3, 1, 4, 2).reshape(8 * size, -1, 3))
    gap = np.full((8 * size, 4, 3), 255, np.uint8)
    whole = Image.fromarray(np.concatenate([halves[0], gap, halves[1]], 1))
    return whole.resize((2 * whole.width, 2 * whole.height), Image.Resampling.NEAREST)


def judge_run(asked: Asked, data: Set, folder: Path, features: list[str]) -> None:
    """Add the figures that a finished run lacks, and its sheet."""
    file = folder / "record.json"
    record = json.loads(file.read_text())
    missing = [name for name in features if name not in record["figures"]]
    if not missing:
        return
    judges = {name: data.judge(name) for name in missing}
    samples, classes = made(asked, data, folder, max(judge.needed for judge in judges.values()))
    sheet(samples, data.dataset.train.values, asked.size).save(folder / "sheet.png")
    for name, judge in judges.items():
        record["figures"][name] = judge(samples, classes)
    write(file, record)
    print(json.dumps(record), flush=True)


def write(file: Path, record: dict[str, Any]) -> None:
    scratch = file.with_suffix(".writing")
    scratch.write_text(json.dumps(record, indent=1) + "\n")
    scratch.replace(file)


def machine() -> dict[str, str]:
    """What the figures depend on beside the program."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    flags = torch.backends.cpu.get_cpu_capability()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{names[0].split(':')[1].strip() if names else platform.machine()}, {flags}",
        "torch": f"torch {torch.__version__}",
        "ganforge": f"ganforge {__version__}",
    }


def finish(asked: Asked, measured: dict[str, Any], folder: Path) -> None:
    """Write the record of a run that has been trained and not been judged."""
    about = {
        "set": Path(asked.what).stem,
        "method": asked.method,
        "label": asked.label,
        "minutes": asked.minutes,
    }
    about |= {"minutes": asked.minutes, "seed": asked.seed, "size": asked.size}
    about |= {"settings": list(asked.settings)}
    numbers = {name: round(value, 3) for name, value in measured.items()}
    write(folder / "record.json", about | numbers | {"machine": machine(), "figures": {}})


# -- the table ----------------------------------------------------------------------------------------------


def spread(values: list[float]) -> str:
    """Median, and from least to most where there are several."""
    middle = f"{statistics.median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3g}–{max(values):.3g})"


def table(out: Path) -> str:
    """All judged runs of a folder in Markdown: a table a set, size and judge."""
    records = [json.loads(file.read_text()) for file in sorted(out.glob("*/record.json"))]
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        for features in record["figures"]:
            groups[record["set"], record["size"], features].append(record)
    lines: list[str] = []
    for (what, size, features), some in sorted(groups.items()):
        first = some[0]["figures"][features]
        columns = [name for name in _FIGURES if any(name in one["figures"][features] for one in some)]
        lines += [f"## {what}, {size} px, {first['features']}, {first['samples']:,} samples", ""]
        lines += [f"| minutes | method | seeds | of a core | pictures | steps | {' | '.join(columns)} |"]
        lines += ["|" + "---|" * (6 + len(columns))]
        runs: dict[tuple[float, str], list[dict[str, Any]]] = defaultdict(list)
        for record in some:
            runs[record["minutes"], record["label"]].append(record)
        for (minutes, label), same in sorted(runs.items()):
            cells = [f"{minutes:g}", label, str(len(same))]
            cells += [spread([one["processor_minutes"] for one in same])]
            cells += [
                f"{statistics.median(one[name] for one in same):,.0f}" for name in ("pictures", "steps")
            ]
            for name in columns:
                values = [one["figures"][features][name] for one in same if name in one["figures"][features]]
                cells.append(spread(values) if values else "–")
            lines.append(f"| {' | '.join(cells)} |")
        best: dict[str, float] = {}
        for record in some:
            best |= {
                name[:-5]: value for name, value in record["figures"][features].items() if "_best" in name
            }
        cells = ["", "real against real", "", "", "", "", *(f"{best[name]:.3g}" for name in columns)]
        lines += [f"| {' | '.join(cells)} |", ""]
    for about in sorted({", ".join(record["machine"].values()) for record in records}):
        lines.append(f"Measured on {about}.")
    return "\n".join(lines) + "\n"


# -- the program --------------------------------------------------------------------------------------------


def run_set(data: Set, options: argparse.Namespace) -> None:
    """Everything that is asked for of one set and not there yet."""

    def asked(method: str, minutes: float, seed: int) -> Asked:
        ours = (tuple(options.set), options.name) if method == "ours" else ((), "")
        return Asked(data.what, method, minutes, seed, data.size, *ours)

    for seed in options.seeds:
        for method in options.methods:
            wanted = [asked(method, minutes, seed) for minutes in options.minutes]
            missing = [one for one in wanted if not (one.folder(options.out) / "record.json").is_file()]
            if missing and method in PEERS:
                for one, measured in train_peer(missing, data, options.out):
                    finish(one, measured, one.folder(options.out))
            elif missing:
                for one in missing:
                    folder = one.folder(options.out)
                    folder.mkdir(parents=True, exist_ok=True)
                    measured = train_ours(one, data, folder)
                    if measured is not None:
                        finish(one, measured, folder)
            for one in wanted:
                if (one.folder(options.out) / "record.json").is_file():
                    judge_run(one, data, one.folder(options.out), options.features)


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", help="names in benchmarks/judge.py, or folders")
    parser.add_argument("--minutes", type=numbers, default=[2.0, 5.0, 15.0])
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[0])
    parser.add_argument("--methods", type=lambda text: text.split(","), default=["ours"])
    parser.add_argument("--size", type=int, help="side of the pictures; the set's own by default")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="changes of our recipe")
    parser.add_argument("--name", default="", help="of our runs with these changes, in the table")
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=["mobilenet"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="write the table there as well")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.methods if name != "ours" and name not in PEERS]
    if unknown:
        parser.error(f"there is no method {unknown[0]!r}: ours, {', '.join(PEERS)}")
    torch.set_num_threads(1)
    for what in options.sets:
        run_set(Set(what, options.size), options)
    page = table(options.out)
    if options.table is not None:
        options.table.write_text(page)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
