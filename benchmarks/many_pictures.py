"""What a start with many pictures costs: processor time, own memory, and room on the disk.

    python benchmarks/many_pictures.py --count 200000 --out FOLDER

Pictures of 32×32 are drawn into FOLDER, and `gan train` is started on them twice, with an empty cache and
with the one that the first start has left; then on a thousand of them, whose start tells what is not the
number's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image


def draw(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for i in range(count):
        cells = rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(4, 0).repeat(4, 1)
        grain = rng.integers(-6, 7, (32, 32, 3))
        Image.fromarray((cells + grain).clip(0, 255).astype(np.uint8)).save(folder / f"{i:07d}.png")


def room(folder: Path) -> int:
    """Bytes on the disk below a folder."""
    total = 0
    for where, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(where, name)).st_blocks * 512
            except OSError:  # gone meanwhile
                continue
    return total


def measure(pictures: Path, out: Path, cache: Path) -> dict[str, float]:
    """One training of a thousand examples as a process, looked at four times a second."""
    command = [sys.executable, "-m", "ganforge", "train", str(pictures), "--kimg", "1", "--out", str(out)]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    log = out.with_suffix(".log")
    with open(log, "w") as file:
        child = subprocess.Popen(
            [*command, "--no-picture"],
            env={**os.environ, "GANFORGE_CACHE": str(cache), "OMP_NUM_THREADS": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        found = {
            "to the first step": 0.0,
            "own memory to the first step": 0.0,
            "own memory": 0.0,
            "disk": 0.0,
        }
        stepped = False
        while child.poll() is None:
            try:
                own = (
                    int(Path(f"/proc/{child.pid}/status").read_text().split("RssAnon:")[1].split()[0]) / 1024
                )
                times = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
            except (OSError, IndexError):
                break
            found["own memory"] = max(found["own memory"], own)
            found["disk"] = max(found["disk"], room(cache) / 2**20)
            stepped = stepped or "before training ·" in log.read_text()
            if not stepped:
                found["to the first step"] = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
                found["own memory to the first step"] = found["own memory"]
            time.sleep(0.25)
        assert child.wait() == 0, log.read_text()
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["in all"] = end.ru_utime + end.ru_stime - used.ru_utime - used.ru_stime
    found["cache"] = room(cache) / 2**20
    return {name: round(value, 1) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    many, few = options.out / "many", options.out / "few"
    if not many.exists():
        draw(many, options.count)
    if not few.exists():
        few.mkdir()
        for path in sorted(many.iterdir())[:1000]:
            os.link(path, few / path.name)
    cache = options.out / f"cache-{os.getpid()}"
    for name, pictures in (
        ("cold", many),
        ("warm", many),
        ("a thousand, cold", few),
        ("the same, warm", few),
    ):
        run = options.out / f"{name.replace(', ', '-').replace(' ', '-')}-{os.getpid()}"
        print(name, json.dumps(measure(pictures, run, cache)), flush=True)


if __name__ == "__main__":
    main()
