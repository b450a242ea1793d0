"""The command `gan`: one file a verb. A verb parses, calls and prints; it has no logic of its own."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import ganforge
from ganforge.cli.streams import steady
from ganforge.core.errors import (
    DamageWarning,
    GanforgeError,
    MachineError,
    UsageError,
    nearest,
    out_of_memory,
)
from ganforge.core.plugins import plugin
from ganforge.core.signals import SAVE, STOP, Handlers

__all__ = ["VERBS", "main", "without_plugins"]

# Verb to its words in the overview. Nothing is imported before a verb is chosen.
VERBS = {
    "train": "train a generator and a discriminator on your own data",
    "sample": "make single pictures, a grid or a film with a trained generator",
    "evaluate": "score a run: distances, recall, copies, each beside the best possible",
    "diagnose": "say in words whether a run works, why not, and what helps",
    "report": "one page about a run: pictures, curves, findings, scores; beside other runs",
    "explore": "interpolate, edit, invert and question what was learned",
    "translate": "apply a run that leads from pictures to pictures to your own",
    "export": "ship the generator: ONNX, torch.export, or a model folder",
    "serve": "offer a generator over HTTP",
    "studio": "play, watch and explore in the browser",
    "recipes": "list, show and copy the recipes",
    "data": "check a folder or file before training",
    "check": "verify a run folder: every file, checksum and line",
    "doctor": "check this machine: versions, speed, and ten seconds of training",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. An error of the user's is one line on standard error."""
    words = sys.argv[1:] if arguments is None else arguments
    with steady() as (out, _):
        code = _run(words)
        out.flush()
    lost = out.lost
    # A training has its run folder, and `head` has had enough; else nobody has seen what was asked for.
    if lost is None or isinstance(lost, BrokenPipeError) or words[:1] == ["train"]:
        return code
    print(f"gan {' '.join(words[:1])}: standard output cannot be written: {lost}", file=sys.stderr)
    return code or MachineError.exit_code


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"gan {ganforge.__version__}")
        return 0
    if words[0] == "--completion":
        return _completion(words[1:])
    verb = words[0]
    if verb not in VERBS:
        print(f"gan: there is no verb {verb!r}.{nearest(verb, VERBS)} See: gan --help", file=sys.stderr)
        return 2
    stop = _Stop()
    # A job in the background is started with Ctrl-C ignored, which is not for it.
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        with _printing_damage(verb), Handlers((*STOP, *SAVE, *["SIGINT"] * listens), stop.on_signal):
            rest, files = without_plugins(words[1:])
            for file in files:
                plugin(file)
            return importlib.import_module(f"ganforge.cli.{verb}").main(rest)
    except GanforgeError as error:
        print(f"gan {verb}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"gan {verb}: stopped at once", file=sys.stderr)
        return 130
    except BaseException as error:
        if stop.signal:  # whatever became of _Terminated on its way
            print(f"gan {verb}: stopped by {stop.signal}", file=sys.stderr)
            return 143
        why = out_of_memory(error)
        if not why:
            raise
        print(
            f"gan {verb}: memory is exhausted ({why}); close what else uses it, or ask for less: smaller "
            "pictures (--size), a smaller batch, or another --device",
            file=sys.stderr,
        )
        return MachineError.exit_code


def _completion(words: list[str]) -> int:
    from ganforge.cli.completion import script

    try:
        print(script(words[0] if words else "", VERBS))
    except UsageError as error:
        print(f"gan: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def without_plugins(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without ``--plugin FILE``, which every verb takes, and those files. Raises UsageError."""
    rest: list[str] = []
    files: list[str] = []
    given = iter(words)
    for word in given:
        name, equals, file = word.partition("=")
        if name != "--plugin":
            rest.append(word)
            continue
        files.append(file if equals else next(given, ""))
        if not files[-1]:
            raise UsageError("--plugin takes a Python file, as in --plugin tilted.py")
    return rest, files


class _Terminated(BaseException):
    """SIGTERM and its like, as KeyboardInterrupt is Ctrl-C: what is half written is tidied up."""


class _Stop:
    """Who asked to stop. A training and a server listen themselves, once they have begun; this is before.

    Attributes:
        signal: the first one's name; empty before.
    """

    def __init__(self) -> None:
        self.signal = ""

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if name in SAVE:  # there is nothing to save yet
            return
        if _compiled_waits(frame):  # it may not bear an exception, or lose it: a little later
            again = threading.Timer(0.1, signal.raise_signal, [number])
            again.daemon = True
            again.start()
            return
        if name == "SIGINT":
            raise KeyboardInterrupt
        self.signal = self.signal or name
        raise _Terminated


def _compiled_waits(frame: FrameType | None) -> bool:
    """Whether compiled code waits for ``frame``: a module that is loaded, or libsndfile for its file."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or os.path.basename(name) == "soundfile.py":
            return True
        frame = frame.f_back
    return False


@contextmanager
def _printing_damage(verb: str) -> Generator[None]:
    """Each :class:`DamageWarning` becomes a line on standard error, once."""
    said: set[str] = set()

    def say(message: Warning | str, category: type[Warning], *more: Any, **named: Any) -> None:
        if not issubclass(category, DamageWarning):
            shown(message, category, *more, **named)
        elif str(message) not in said:
            said.add(str(message))
            print(f"gan {verb}: warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DamageWarning)
        shown, warnings.showwarning = warnings.showwarning, say
        yield


def _overview() -> str:
    rows = "\n".join(f"  {verb:<9} {words}" for verb, words in VERBS.items())
    return (
        "usage: gan VERB [THING] [--options]\n\n"
        "Train generative adversarial networks on your own data.\n\n"
        f"{rows}\n\n"
        "gan VERB --help           the options of a verb\n"
        "gan VERB --plugin FILE    with what a Python file of your own declares\n"
        "gan --completion SHELL    what bash, zsh or fish needs to complete words as they are typed\n"
        "gan --version             the version\n\n"
        "To begin:  gan train digits --minutes 1"
    )
