"""`gan sample RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from ganforge.cli.options import gather, parse, run_or_last
from ganforge.core.options import option, seeds

if TYPE_CHECKING:
    from ganforge.runs.music import MusicMaker
    from ganforge.runs.sampler import GeneratorSampler

__all__ = ["Sample", "main"]


@dataclass(frozen=True)
class Sample:
    """Make samples with a trained generator: single files, a grid, or a film of a walk.

    Without --grid or --film, or where --out is given, one file a seed is written: png, wav, mid, glb,
    webp or npy.
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
    where: Annotated[tuple[str, ...], option("NAME=VALUE")] = ()
    """of a generator trained with labels or numbers: smile=0.8,age=30; of a table any columns: age=30..40"""
    rows: Annotated[int | None, option("N")] = None
    """of a table: how many rows, or series, to write into one file like the one that was read; 1,000 by
    default"""
    balance: Annotated[str | None, option("COLUMN")] = None
    """of a table: each word of this column comes as often"""
    complete: Annotated[Path | None, option("FILE")] = None
    """of a table: fill the empty cells of this one; of music: write the other voices to those of this file"""
    onward: Annotated[Path | None, option("FILE", name="continue")] = None
    """of series: write what follows those of this file, with a band from several samples; of music: write
    the piece and what follows it"""
    ahead: Annotated[int | None, option("STEPS")] = None
    """with --continue: by how many steps; a quarter of the longest series, or two bars, by default"""
    seed: Annotated[int, option("N")] = 0
    """of a table's rows, --complete and --continue: the same seed makes the same"""
    truncation: Annotated[float, option("T")] = 1.0
    """0 to 1: less is more typical and less varied"""
    grid: Annotated[Path | None, option("FILE")] = None
    """write one picture of all seeds"""
    film: Annotated[Path | None, option("FILE")] = None
    """write a walk from seed to seed, as .gif, .webp or .mp4"""
    seconds: Annotated[float, option("S")] = 12.0
    """length of the film"""
    format: Annotated[str | None, option("NAME")] = None
    """of clips: write single files as webp (the default), gif or mp4"""
    out: Annotated[Path | None, option("PATH")] = None
    """the folder of single files, RUN/made by default; of a table the file, RUN/made.csv by default"""


def main(arguments: list[str]) -> int:
    options = parse(Sample, "sample", gather(arguments, "--where"))
    wanted = seeds(options.seeds)
    from ganforge.core.errors import UsageError
    from ganforge.runs import made
    from ganforge.runs.sampler import load

    run = run_or_last(options.run)
    sampler = load(run)
    if sampler.opened is not None:
        print(f"opened {sampler.opened.words}")
    if sampler.space.codec.one_file and options.grid is None and options.film is None:
        return _rows(options, run, sampler)
    wishes = {"class": options.classes, "text": options.text, "where": ",".join(options.where) or None}
    condition = made.condition_from(sampler, **wishes)
    given = options.onward or options.complete
    if given is not None:
        return _music(options, given, sampler.music_maker(condition))
    _only_of_tables(options)
    words = next((said for said in wishes.values() if said is not None), "")
    if options.film is not None:
        made.write_film(
            sampler,
            wanted,
            options.film,
            condition=condition,
            truncation=options.truncation,
            seconds=options.seconds,
        )
        print(f"wrote {options.film}")
    if options.grid is not None:
        made.write_grid(sampler, wanted, options.grid, condition=condition, truncation=options.truncation)
        print(f"wrote {options.grid}")
    if options.out is None and not (options.film is None and options.grid is None):
        return 0
    if sampler.space.codec.joined:
        path = options.out or run / f"made{sampler.space.codec.suffix}"
        if path.is_dir():
            raise UsageError(f"{path} is a folder; --out names the file, as in {path / 'made'}")
        made.write_joined(sampler, wanted, path, condition=condition, truncation=options.truncation)
        print(f"wrote {len(wanted):,} {sampler.space.codec.counted} to {path}")
    else:
        folder = options.out or run / "made"
        files = made.write_files(
            sampler,
            wanted,
            folder,
            condition=condition,
            words=words,
            truncation=options.truncation,
            suffix=f".{options.format.lower().lstrip('.')}" if options.format else "",
        )
        print(f"wrote {len(files)} files to {folder}")
    return 0


def _only_of_tables(options: Sample) -> None:
    """Raise UsageError for an option that goes with tables alone."""
    from ganforge.core.errors import UsageError

    for name in ("rows", "balance", "ahead"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} is for a run of a table, and single samples; leave it out")


def _music(options: Sample, given: Path, maker: MusicMaker) -> int:
    """Write a given piece with what follows it, or with the voices that it lacks."""
    from ganforge.runs.files import write_atomically

    if options.onward is not None:
        file, count = maker.onward(given, ahead=options.ahead, seed=options.seed)
        name, words = "continued", f"{given} and {count:,} steps more"
    else:
        file, count = maker.accompanied(given, seed=options.seed)
        name, words = "complete", f"{given} and {count} voice{'s' * (count != 1)} more"
    path = options.out or given.with_name(f"{given.stem}-{name}{maker.codec.suffix}")
    write_atomically(path, file)
    print(f"wrote {words} to {path}")
    return 0


def _rows(options: Sample, run: Path, sampler: GeneratorSampler) -> int:
    """Write one file of rows."""
    from ganforge.core.errors import UsageError
    from ganforge.runs.files import machine_faults, write_atomically
    from ganforge.runs.rows import conditions

    counted = sampler.space.codec.counted
    for name, given in (("class", options.classes), ("text", options.text)):
        if given is not None:
            raise UsageError(f"this run makes {counted}; --{name} is --where NAME=VALUE here")
    if options.complete is not None:
        path = options.out or options.complete.with_name(f"{options.complete.stem}-complete.csv")
        file, count = sampler.rows_maker().complete(options.complete, seed=options.seed)
        words = f"{count:,} empty cells filled"
    elif options.onward is not None:
        path = options.out or options.onward.with_name(f"{options.onward.stem}-continued.csv")
        file, count, steps = sampler.series_maker().onward(
            options.onward, ahead=options.ahead, seed=options.seed
        )
        words = f"{steps:,} steps further of {count:,} series, with a band of 10 to 90 % of 64 samples,"
    else:
        path = options.out or run / "made.csv"
        n = 1_000 if options.rows is None else options.rows
        where = conditions(options.where)
        file = sampler.file_maker().file(n, where=where, balance=options.balance or "", seed=options.seed)
        words = f"{n:,} {counted}"
    if path.is_dir():
        raise UsageError(f"{path} is a folder; --out names the file, as in {path / 'made.csv'}")
    with machine_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, file)
    print(f"wrote {words} to {path}")
    return 0
