"""The command `gan`: one file a verb. A verb parses, calls and prints; it has no logic of its own."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import ganforge
from ganforge.core.errors import GanforgeError, MachineError, nearest, out_of_memory

__all__ = ["VERBS", "main"]

# Verb to its words in the overview. Nothing is imported before a verb is chosen.
VERBS = {
    "train": "train a generator and a discriminator on your own data",
    "sample": "make single pictures, a grid or a film with a trained generator",
    "evaluate": "score a run: distances, recall, copies, each with its floor",
    "diagnose": "say in words whether a run works, why not, and what helps",
    "explore": "interpolate, edit, invert and question what was learned",
    "translate": "apply a run that leads from pictures to pictures to your own",
    "export": "ship the generator: ONNX, torch.export, or a model folder",
    "serve": "offer a generator over HTTP",
    "studio": "play, watch and explore in the browser",
    "recipes": "list, show and copy the recipes",
    "data": "check a folder or file before training",
    "doctor": "check this machine: versions, speed, and ten seconds of training",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. An error of the user's is one line on standard error."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"gan {ganforge.__version__}")
        return 0
    verb = words[0]
    if verb not in VERBS:
        print(f"gan: there is no verb {verb!r}.{nearest(verb, VERBS)} See: gan --help", file=sys.stderr)
        return 2
    try:
        with _ending_at_sigterm():
            return importlib.import_module(f"ganforge.cli.{verb}").main(words[1:])
    except GanforgeError as error:
        print(f"gan {verb}: {error}", file=sys.stderr)
        return error.exit_code
    except (RuntimeError, MemoryError) as error:
        why = out_of_memory(error)
        if not why:
            raise
        print(
            f"gan {verb}: memory is exhausted ({why}); close what else uses it, or ask for less: smaller "
            "pictures (--size), a smaller batch, or another --device",
            file=sys.stderr,
        )
        return MachineError.exit_code
    except KeyboardInterrupt:
        print(f"gan {verb}: stopped at once", file=sys.stderr)
        return 130
    except _Terminated:
        print(f"gan {verb}: stopped by SIGTERM", file=sys.stderr)
        return 143
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Terminated(BaseException):
    """SIGTERM, as KeyboardInterrupt is Ctrl-C: what is half written is tidied up on the way out."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


@contextmanager
def _ending_at_sigterm() -> Generator[None]:
    """A training and a server listen to SIGTERM themselves, once they have begun; this is for all else."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _overview() -> str:
    rows = "\n".join(f"  {verb:<9} {words}" for verb, words in VERBS.items())
    return (
        "usage: gan VERB [THING] [--options]\n\n"
        "Train generative adversarial networks on your own data.\n\n"
        f"{rows}\n\n"
        "gan VERB --help   the options of a verb\n"
        "gan --version     the version\n\n"
        "To begin:  gan train digits --minutes 1"
    )
