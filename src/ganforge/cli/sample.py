"""`gan sample RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from ganforge.cli.options import option, parse, run_or_last, seeds

__all__ = ["Sample", "main"]


@dataclass(frozen=True)
class Sample:
    """Make samples with a trained generator: single files, a grid, or a film of a walk.

    Without --grid or --film, one file a seed is written: PNG for pictures, .npy for the rest.
    The same seed gives the same sample, whatever is asked for beside it.
    """

    run: Annotated[Positional[Path | None], option("RUN")] = None
    """a run folder; the last one under runs/ by default"""
    seeds: Annotated[str, option("LIST")] = "0-15"
    """numbers and ranges, as in 0-15 or 3,7,20-23"""
    classes: Annotated[str | None, option("NAME", name="class")] = None
    """the class to ask for; by default what can be asked for takes turns"""
    text: Annotated[str | None, option("WORDS")] = None
    """of a generator trained with captions: what the picture shall show"""
    where: Annotated[str | None, option("NAME=VALUE")] = None
    """of a generator trained with labels or numbers: smile=0.8,age=30"""
    truncation: Annotated[float, option("T")] = 1.0
    """0 to 1: less is more typical and less varied"""
    grid: Annotated[Path | None, option("FILE")] = None
    """write one picture of all seeds"""
    film: Annotated[Path | None, option("FILE")] = None
    """write a walk from seed to seed, as .gif, .webp or .mp4"""
    seconds: Annotated[float, option("S")] = 12.0
    """length of the film"""
    out: Annotated[Path | None, option("FOLDER")] = None
    """where single files go; RUN/made by default"""


def main(arguments: list[str]) -> int:
    options = parse(Sample, "sample", arguments)
    wanted = seeds(options.seeds)
    from ganforge.runs import made
    from ganforge.runs.sampler import load

    run = run_or_last(options.run)
    sampler = load(run)
    if sampler.opened is not None:
        print(f"opened {sampler.opened.words}")
    wishes = {"class": options.classes, "text": options.text, "where": options.where}
    asked = made.asked(sampler, **wishes)
    words = next((said for said in wishes.values() if said is not None), "")
    if options.film is not None:
        made.write_film(
            sampler,
            wanted,
            options.film,
            condition=asked,
            truncation=options.truncation,
            seconds=options.seconds,
        )
        print(f"wrote {options.film}")
    if options.grid is not None:
        made.write_grid(sampler, wanted, options.grid, condition=asked, truncation=options.truncation)
        print(f"wrote {options.grid}")
    if options.film is None and options.grid is None:
        folder = options.out or run / "made"
        files = made.write_files(
            sampler, wanted, folder, condition=asked, words=words, truncation=options.truncation
        )
        print(f"wrote {len(files)} files to {folder}")
    return 0
