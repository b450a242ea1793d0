"""`gan train DATA`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional

from ganforge.cli.options import (
    AS_FOUND,
    TableOptions,
    changes,
    gather,
    parse,
    run_or_last,
    size,
    value_range,
)
from ganforge.core.options import option

if TYPE_CHECKING:
    from ganforge.cli.screen import Screen
    from ganforge.training.loop import Outcome, Trainer

__all__ = ["Train", "main"]


@dataclass(frozen=True)
class Train:
    """Train a generator and a discriminator on your own data.

    DATA is a folder or zip of pictures, sounds, films, meshes or MIDI files, a csv, txt, npy, npz or IDX
    file, or a built-in name: digits, gaussian,
    mixture, ring, grid, spirals, moons, swissroll,
    line, pair, blobs. Everything else is inferred and printed with its reason.
    """

    data: Annotated[Positional[str | None], option("DATA")] = None
    """a folder, a file, or a built-in name; with --resume, the run folder (default: the last one)"""
    recipe: Annotated[str | None, option("NAME")] = None
    """a recipe's name or a recipe file; inferred from the data by default"""
    source: Annotated[str | None, option("INPUTS", name="from")] = None
    """what to translate from: a folder or file of inputs, a side of each picture (left, right), or what is
    made of the data: grey, edges, scribbles, low-resolution:4, hole:0.5, noise:0.2, blur:2, previous:3"""
    condition: Annotated[str | None, option("KIND")] = None
    """what samples can be asked for: class, labels, numbers, text, or names (file names as captions)"""
    size: Annotated[str | None, option("PIXELS")] = None
    """size of the pictures, as in 64 or 96x64 (width x height), or 32x32x16 (and frames); inferred by
    default"""
    fit: Annotated[Literal["crop", "pad"], option()] = "crop"
    """pictures of another shape are cut to the size (crop), or kept whole and filled up (pad)"""
    value_range: Annotated[str | None, option("LOW,HIGH", name="range")] = None
    """numbers that become black and white, of pictures or arrays that are no plain bytes; else inferred"""
    minutes: Annotated[float | None, option("M")] = None
    """train for so many minutes, preparing and the report at the end included"""
    core_minutes: Annotated[float | None, option("M")] = None
    """the same in minutes of processor time: what else the machine does costs nothing"""
    kimg: Annotated[float | None, option("K")] = None
    """train on so many thousands of examples"""
    out: Annotated[Path | None, option("FOLDER")] = None
    """the run folder; runs/NAME by default, numbered where it is taken"""
    seed: Annotated[int | None, option("N")] = None
    """of everything: the same seed gives the same run"""
    resume: Annotated[bool, option()] = False
    """continue a run folder exactly where it stopped"""
    at: Annotated[str | None, option("DATA", name="data-at")] = None
    """with --resume: where the data are now, if they have moved"""
    accept_changes: Annotated[bool, option()] = False
    """with --resume: go on although the data have changed"""
    rescue: Annotated[bool, option()] = False
    """roll a failing run back and change one thing; on where the recipe is inferred and left as it is"""
    no_rescue: Annotated[bool, option()] = False
    """leave a failing run alone"""
    patience: Annotated[int | None, option("N")] = None
    """stop after N of about 16 examinations without a better score"""
    processes: Annotated[int | None, option("N")] = None
    """train with N processes, each with a share of every batch and of the cores; torchrun works, too"""
    log: Annotated[tuple[str, ...], option("NAME")] = ()
    """also to a tracker: tensorboard, wandb, mlflow or trackio"""
    studio: Annotated[bool, option()] = False
    """watch the run in the browser while it is trained"""
    dry_run: Annotated[bool, option()] = False
    """print the resolved recipe and stop"""
    quiet: Annotated[bool, option()] = False
    """say only what goes wrong"""
    verbose: Annotated[bool, option()] = False
    """with numbers for the expert: distances, how often the discriminator is right, gradients"""
    json: Annotated[bool, option()] = False
    """one line of JSON a tick on standard output, all words on standard error"""
    no_picture: Annotated[bool, option()] = False
    """show no samples in the terminal"""
    device: Annotated[str | None, option("NAME")] = None
    """cpu, cuda, mps …; by default the fastest that works here"""
    set: Annotated[tuple[str, ...], option("KEY=VALUE")] = ()
    """change the recipe, as in --set batch=32 generator.width=96; gan recipes lists what can be named"""
    table: TableOptions = AS_FOUND


def main(arguments: list[str]) -> int:
    options = parse(Train, "train", gather(gather(arguments), "--column"))
    rank, processes = _place(options)
    if rank:
        from ganforge.tasks.together import follow

        return follow()
    from ganforge.cli.screen import Screen
    from ganforge.core.errors import UsageError

    screen = Screen(
        quiet=options.quiet,
        verbose=options.verbose,
        as_json=options.json,
        picture=not options.no_picture,
    )
    if options.quiet and (options.verbose or options.json):
        raise UsageError("give either --quiet, or --verbose or --json")
    if options.resume:
        return _resume(options, screen, processes)
    if options.rescue and options.no_rescue:
        raise UsageError("give either --rescue or --no-rescue")
    if options.at is not None or options.accept_changes:
        raise UsageError("--data-at and --accept-changes go with --resume")
    if options.data is None:
        raise UsageError(
            "name the data: a folder, a file, or a built-in name such as digits; see gan train --help"
        )
    from ganforge.tasks.experiment import default_folder, prepare
    from ganforge.tasks.together import joined

    with screen.reading() as progress:
        experiment = prepare(
            options.data,
            recipe=options.recipe,
            source=options.source,
            condition=options.condition,
            size=size(options.size),
            fit=options.fit,
            value_range=value_range(options.value_range),
            minutes=options.minutes,
            core_minutes=options.core_minutes,
            kimg=options.kimg,
            seed=options.seed,
            device=options.device,
            changes={**changes(options.set), **_of_table(options.table)},
            rescue=True if options.rescue else False if options.no_rescue else None,
            patience=options.patience,
            processes=processes,
            progress=progress,
        )
    if not options.dry_run or experiment.budget.seconds is not None:  # to say what a budget in time shows
        with screen.busy("trying what is fastest on this machine"):
            experiment = experiment.measure()
    screen.table(experiment.lines())
    if options.dry_run:
        screen.json(experiment.recipe.to_json())
        return 0
    with joined(processes) as together:
        trainer = experiment.start(options.out or default_folder(options.data), together=together)
        return _train(trainer, screen, options)


def _place(options: Train) -> tuple[int, int]:
    """Which of how many processes this one is. Raises UsageError where two places say two numbers."""
    from ganforge.core.errors import UsageError
    from ganforge.training.processes import place_of

    rank, count = place_of()
    processes = options.processes
    if count > 1 and processes not in (None, count):
        raise UsageError(f"--processes is {processes}, and {count} have been started; leave it out")
    return rank, count if processes is None else processes


def _of_table(options: TableOptions) -> dict[str, Any]:
    return {f"table.{name}": value for name, value in options.given().items()}


def _resume(options: Train, screen: Screen, processes: int) -> int:
    from ganforge.core.errors import UsageError
    from ganforge.tasks.experiment import nothing_left, resume
    from ganforge.tasks.together import joined

    fixed = {
        "--recipe": options.recipe is not None,
        "--from": options.source is not None,
        "--condition": options.condition is not None,
        "--size": options.size is not None,
        "--fit": options.fit != "crop",
        "--range": options.value_range is not None,
        "--seed": options.seed is not None,
        "--set": bool(options.set),
        **{f"--{name}": True for name in options.table.given()},
        "--out": options.out is not None,
        "--rescue": options.rescue,
        "--no-rescue": options.no_rescue,
        "--patience": options.patience is not None,
        "--dry-run": options.dry_run,
    }
    for name, given in fixed.items():
        if given:
            raise UsageError(
                f"{name} cannot go with --resume: a run keeps what it was started with; "
                "start a new one with gan train DATA"
            )
    path = run_or_last(None if options.data is None else Path(options.data), say=None)
    budget = {"minutes": options.minutes, "core_minutes": options.core_minutes, "kimg": options.kimg}
    done = nothing_left(path, **budget, accept_changes=options.accept_changes)
    if done is not None:
        screen.say(done)
        return 0
    with joined(processes) as together:
        with screen.reading() as progress:
            trainer = resume(
                path,
                **budget,
                data=options.at,
                device=options.device,
                accept_changes=options.accept_changes,
                processes=processes,
                progress=progress,
                together=together,
            )
        return _train(trainer, screen, options)


def _studio(path: Path) -> str:
    """Where the studio shows the run now, or why it does not: watching is never fatal."""
    from ganforge.core.errors import GanforgeError

    try:
        from ganforge.studio.opening import start_beside

        return start_beside(path)
    except ImportError:
        return "the studio needs more packages: pip install 'ganforge[studio]'"
    except GanforgeError as error:
        return str(error)


def _train(trainer: Trainer, screen: Screen, options: Train) -> int:
    from ganforge.core.errors import DivergenceError
    from ganforge.tasks.report_writing import write_final_report
    from ganforge.training.trackers import tracked

    path = trainer.run.path
    screen.table([("run", f"{path}   stop: Ctrl-C   resume: gan train --resume {path}")])
    if options.studio:
        screen.table([("live", _studio(path))])
    try:
        with screen.watching(trainer), tracked(trainer, options.log):
            outcome: Outcome = trainer.train()
    except DivergenceError:
        write_final_report(trainer.run, trainer.dataset)
        raise
    report = None if outcome.exit_code else write_final_report(trainer.run, trainer.dataset)
    screen.ended(trainer, outcome, report)
    return outcome.exit_code
