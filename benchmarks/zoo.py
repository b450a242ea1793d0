"""A zoo of planted failures, and healthy runs beside them: does `gan diagnose` name them, and only them?

Each kind of failure is played with several seeds, each healthy recipe too, in short runs of small
players. The table tells what was named first; three rates have bars: failures found (a warning or a
failure) 95 %, named rightly first 90 %, false alarms on healthy runs at most 2 %.

    python benchmarks/zoo.py                               about 30 minutes on one core
    python benchmarks/zoo.py --seeds 5-9 --kinds dead copier
    python benchmarks/zoo.py --rescue --seeds 0-2          recoverable kinds, untouched and rescued
    python benchmarks/zoo.py --logs FOLDER                 keep every log, and play only what is not there
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from zoo_kinds import DIGITS_RECIPE, FAILURES, HEALTHY, HEALTHY_TWIN, RESCUED, Kind

from ganforge.core.condition import Condition
from ganforge.core.errors import DivergenceError
from ganforge.core.prior import Prior
from ganforge.core.recipe import Recipe
from ganforge.core.sampler import Sampler
from ganforge.core.space import Space
from ganforge.data.dataset import Examples
from ganforge.health.diagnosis import Diagnosis, diagnose
from ganforge.health.history import History
from ganforge.metrics.examination import Examiner
from ganforge.networks.players import condition_of, condition_size
from ganforge.runs.discriminator import Judge, load_judge
from ganforge.runs.sampler import GeneratorSampler, load
from ganforge.tasks.experiment import Experiment, prepare
from ganforge.training.engine import Engine
from ganforge.training.probe import Finding
from ganforge.training.rounds import Rounds

LOOKS = (1 / 128, 1 / 64, 1 / 32, *(i / 16 for i in range(1, 17)))  # shares of the budget


# -- one run --------------------------------------------------------------------------------------------


def experiment_of(kind: Kind, seed: int) -> Experiment:
    own = str(DIGITS_RECIPE) if kind.data == "digits" else None
    experiment = prepare(
        kind.data, recipe=kind.recipe or own, size=kind.size, seed=seed, changes=kind.changes, device="cpu"
    )
    dataset = kind.data_plant(experiment.dataset) if kind.data_plant is not None else experiment.dataset
    return replace(experiment, dataset=dataset)


def _rows(part: Examples, asks: Condition) -> np.ndarray:
    rows = part.conditions(asks)
    assert rows is not None
    return rows


def play(kind: Kind, seed: int) -> dict[str, Any]:
    """Play one run and examine it as training does: its log and what a History needs beside it."""
    experiment = experiment_of(kind, seed)
    recipe, dataset = experiment.recipe, experiment.dataset
    engine = Engine(threads=1, recorded=kind.game_plant is None)
    engine.apply()
    rounds = Rounds(recipe, dataset, engine)
    if kind.game_plant is not None:
        kind.game_plant(rounds.game.players)
        kind.game_plant(nn.ModuleDict({"generator": rounds.average.network}))
    asks = condition_of(recipe, dataset.space)
    conditions = condition_size(recipe, dataset.space)
    whole = np.isfinite(dataset.train.values).reshape(dataset.train.n, -1).all(1)
    examiner = Examiner(
        dataset.space,
        dataset.train.values[whole],
        dataset.held_out.values,
        asks=asks,
        training_rows=None if asks is None else _rows(dataset.train, asks)[whole],
        held_out_rows=dataset.held_out.conditions(asks),
        seed=recipe.seed,
    )
    sampler: Sampler = GeneratorSampler(
        rounds.average.network,
        space=dataset.space,
        prior=Prior(recipe.latent, recipe.prior, recipe.latent_bits),
        conditions=conditions,
    )
    if kind.sampler_plant is not None:
        sampler = kind.sampler_plant(dataset, sampler)

    def look() -> dict[str, Any]:
        judge = Judge(
            rounds.game.players["discriminator"],
            space=dataset.space,
            packing=recipe.packing,
            conditions=conditions,
        )
        return examiner(sampler, judge).to_json()

    total = round(recipe.kimg * 1000)
    began = time.perf_counter()
    records: list[dict[str, Any]] = [{"nimg": 0, "rounds": 0, "seconds": 0.0, "examination": look()}]
    refused = played = 0
    for share in (look for look in LOOKS if look <= kind.played + 1 / 32):
        while rounds.nimg < share * total:
            rounds.play(rounds.nimg / total)
        if rounds.nimg == records[-1]["nimg"]:
            continue
        since = rounds.statistics.close()
        lost, moves = rounds.referee.refused - refused, rounds.rounds - played
        refused, played = rounds.referee.refused, rounds.rounds
        records.append(
            {
                "nimg": rounds.nimg,
                "rounds": rounds.rounds,
                "seconds": round(time.perf_counter() - began, 3),
                "progress": share,
                "refused": refused,
                **since,
                "since": since,
                "since_rounds": moves,
                "since_refused": lost,
                "examination": look(),
            }
        )
        if lost >= 3 and lost >= 0.2 * moves * (1 + recipe.discriminator_moves):
            break  # the trainer stops here
    return {
        "kind": kind.name,
        "seed": seed,
        "recipe": recipe.to_json(),
        "space": dataset.space.to_json(),
        "training": dataset.train.n,
        "held_out": dataset.held_out.n,
        "seconds": round(time.perf_counter() - began, 1),
        "log": records,
    }


# -- the rescue -----------------------------------------------------------------------------------------

SCORED = 2_000  # samples of the moving average in the end


def trained(kind: Kind, seed: int, *, rescue: bool) -> tuple[float, list[str]]:
    """Train as `gan train` does; the final score (lower is better), and what the rescue did."""
    experiment = experiment_of(kind, seed)
    found = Finding(Engine(threads=1, recorded=True), 1.0, 1.0, "")
    with tempfile.TemporaryDirectory() as folder:
        trainer = replace(experiment, finding=found, rescue=rescue, patience=None).start(Path(folder) / "run")
        with contextlib.suppress(DivergenceError):  # what was saved before is what there is
            trainer.train()
        dataset, path = experiment.dataset, trainer.run.path
        sampler = load(path)
        examiner = Examiner(
            dataset.space,
            dataset.train.values,
            dataset.held_out.values,
            asks=sampler.asks,
            training_rows=dataset.train.conditions(sampler.asks),
            held_out_rows=dataset.held_out.conditions(sampler.asks),
            n=SCORED,
        )
        seen = examiner(sampler, load_judge(path))
    score = seen.scores.get(seen.headline, {}).get("value", math.inf)
    return score, [str(rescue["code"]) for rescue in trainer.run_progress.rescues]


def rescue_table(seeds: list[int], only: list[str]) -> bool:
    """Recoverable kinds with and without the rescue; says whether enough of them end well."""
    print("| planted | seed | healthy | untouched | rescued | rescued for |")
    print("|---|---|---|---|---|---|")
    well = dict.fromkeys((False, True), 0)
    runs, known = 0, dict[tuple[str, int], float]()
    for kind in RESCUED:
        if only and kind.name not in only:
            continue
        for seed in seeds:
            healthy = HEALTHY_TWIN[kind.data]
            if (kind.data, seed) not in known:
                known[kind.data, seed] = trained(healthy, seed, rescue=False)[0]
            goal = known[kind.data, seed]
            ends = {rescue: trained(kind, seed, rescue=rescue) for rescue in (False, True)}
            runs += 1
            for rescue, (score, _) in ends.items():
                well[rescue] += score <= 1.5 * goal
            deeds = ", ".join(ends[True][1]) or "—"
            scores = f"{goal:.3g} | {ends[False][0]:.3g} | {ends[True][0]:.3g}"
            print(f"| {kind.name} | {seed} | {scores} | {deeds} |", flush=True)
    ok = well[True] >= 0.8 * runs
    print(
        f"\nwithin 1.5 times the healthy score: rescued {well[True]} of {runs} "
        f"({100 * well[True] / max(runs, 1):.0f} %, bar 80), untouched {well[False]} of {runs} "
        f"({100 * well[False] / max(runs, 1):.0f} %): {'the bar is met' if ok else 'THE BAR IS MISSED'}"
    )
    return ok


# -- the table ------------------------------------------------------------------------------------------


def diagnosis_of(record: dict[str, Any]) -> Diagnosis:
    history = History.from_records(
        record["log"],
        recipe=Recipe.from_json(record["recipe"]),
        space=Space.from_json(record["space"]),
        training=record["training"],
        held_out=record["held_out"],
        finished=record["log"][-1]["progress"] == 1,
    )
    return diagnose(history)


def kept(kind: Kind, seed: int, folder: Path | None) -> dict[str, Any]:
    """The run's log, from the folder where it was played before."""
    if folder is None:
        return json.loads(json.dumps(play(kind, seed)))  # as from the folder: lists, no tuples
    name = "".join(letter if letter.isalnum() else "-" for letter in kind.name)
    file = folder / f"{name}-{seed}.json"
    if not file.exists():
        record = play(kind, seed)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(record))
    return json.loads(file.read_text())


def first_of(found: Diagnosis) -> str:
    """What is named first: the code of the worst finding if that is a warning or a failure, else nothing."""
    return found.findings[0].code if found.exit_code else "—"


def _wanted(kind: Kind, only: list[str]) -> bool:
    return not only or kind.name in only or kind.name.split(",")[0] in only


def words(counts: Counter[str]) -> str:
    return ", ".join(f"{code} {n}" for code, n in counts.most_common())


def table(seeds: list[int], healthy_seeds: list[int], only: list[str], folder: Path | None) -> bool:
    """Play, print the confusion table, and say whether every bar is met."""
    print("| planted | accepted | runs | found | right first | named first |")
    print("|---|---|---|---|---|---|")
    runs = found = right = 0
    for kind in FAILURES:
        if not _wanted(kind, only):
            continue
        named = Counter(first_of(diagnosis_of(kept(kind, seed, folder))) for seed in seeds)
        n, hit = named.total(), sum(named[code] for code in kind.right)
        runs, found, right = runs + n, found + n - named["—"], right + hit
        accepted = ", ".join(kind.right)
        print(f"| {kind.name} | {accepted} | {n} | {n - named['—']} | {hit} | {words(named)} |", flush=True)
    print("\n| healthy | runs | false alarms | named first | called healthy |")
    print("|---|---|---|---|---|")
    alarms = healthy = 0
    for kind in HEALTHY:
        if not _wanted(kind, only):
            continue
        results = [diagnosis_of(kept(kind, seed, folder)) for seed in healthy_seeds]
        named = Counter(first_of(result) for result in results)
        earned = sum(result.healthy for result in results)
        wrong = named.total() - named["—"]
        healthy, alarms = healthy + named.total(), alarms + wrong
        print(f"| {kind.name} | {named.total()} | {wrong} | {words(named)} | {earned} |", flush=True)
    ok = found >= 0.95 * runs and right >= 0.9 * runs and alarms <= 0.02 * healthy
    print(
        f"\nfound {found} of {runs} ({100 * found / max(runs, 1):.1f} %, bar 95), right name first {right} "
        f"({100 * right / max(runs, 1):.1f} %, bar 90), false alarms {alarms} of {healthy} "
        f"({100 * alarms / max(healthy, 1):.1f} %, bar 2): {'every bar is met' if ok else 'A BAR IS MISSED'}"
    )
    return ok


def numbers(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=numbers, default="0-4", metavar="FIRST-LAST")
    parser.add_argument("--healthy-seeds", type=numbers, default="0-1", metavar="FIRST-LAST")
    parser.add_argument("--kinds", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--rescue", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{time.strftime('%Y-%m-%d')}, torch {torch.__version__}: {' '.join(sys.argv)}\n")
    if options.rescue:
        return int(not rescue_table(options.seeds, options.kinds))
    return int(not table(options.seeds, options.healthy_seeds, options.kinds, options.logs))


if __name__ == "__main__":
    sys.exit(main())
