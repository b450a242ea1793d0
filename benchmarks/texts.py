"""Names of places: are made ones like real ones, new, and different, beside a 5-gram?

Writes the places that name time zones (tzdata, public domain) into a file, a line each with a label for
the part of the world, trains on it as `gan train FILE` does, and prints the scores of `gan evaluate`.

    python benchmarks/texts.py --core-minutes 5 --seeds 3
    python benchmarks/texts.py --run RUN        judges a run that is there
"""

from __future__ import annotations

import argparse
import tempfile
import zoneinfo
from pathlib import Path

import numpy as np
import torch

from ganforge.codecs.text import Texts
from ganforge.data import load as load_data
from ganforge.metrics.texts import text_scores
from ganforge.runs.sampler import load
from ganforge.tasks.experiment import prepare

PARTS = ("Africa", "America", "Asia", "Europe", "Pacific")


def write_names(path: Path) -> Path:
    """A file of places, each after its part of the world and a tab."""
    zones = sorted(zone.split("/") for zone in zoneinfo.available_timezones())
    lines = [f"{zone[0]}\t{zone[-1].replace('_', ' ')}" for zone in zones if zone[0] in PARTS and zone[1:]]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--core-minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=1_000)
    parser.add_argument("--run", type=Path, action="append", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        names = write_names(Path(place) / "places.txt")
        data = load_data(names, cache=Path(place) / "cache")
        codec = data.space.codec
        assert isinstance(codec, Texts)
        train, real = np.asarray(data.train.values), np.asarray(data.held_out.values)
        print(f"{len(train)} names to train on, {len(real)} held out: {data.space.describe()}", flush=True)
        runs: list[Path] = list(options.run)
        for seed in range(1, 1 + (0 if runs else options.seeds)):
            run = Path(place) / f"seed{seed}"
            given = {"core_minutes": options.core_minutes, "seed": seed}
            prepare(names, **given, cache=Path(place) / "cache").start(run).train()
            runs.append(run)
        for run in runs:
            made = load(run).sample(options.samples, seed=5).numpy()
            for score in text_scores(made, train, real, codec.facts(), split="held-out")[0]:
                print(f"{run.name}: {score.line()}")
            print(", ".join(codec.lines(made[:30])), flush=True)


if __name__ == "__main__":
    main()
