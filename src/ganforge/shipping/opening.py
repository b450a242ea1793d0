"""Open a generator or translator wherever it is: a run folder, a model folder, an ONNX file, the hub."""

from __future__ import annotations

from pathlib import Path

from ganforge.core.errors import RunError, UsageError
from ganforge.runs.folder import Moment, Run
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.sampler import load as load_run
from ganforge.runs.translator import Translator, load_translator, translates
from ganforge.shipping import hub
from ganforge.shipping.folder import CONFIG, open_folder
from ganforge.shipping.onnx_sampler import OnnxSampler, open_onnx

__all__ = ["Shipped", "load"]

Shipped = GeneratorSampler | OnnxSampler | Translator


def load(path: Path | str, *, moment: Moment = "chosen") -> Shipped:
    """The generator of a run folder, a model folder, an ``.onnx`` file, or ``hub:USER/NAME``.

    It has ``sample``; where it leads from pictures to pictures, it has ``translate`` in its place.

    Nothing that is read is run: no pickle, no code, no class named by a file.

    Args:
        moment: of a run folder, which checkpoint (``runs.sampler.load``).

    Raises:
        RunError: there is no generator there, or it is damaged.
        UsageError: a moment was asked for where there is one only.
        MachineError: a package that is needed is not installed, or the hub cannot be reached.
    """
    if isinstance(path, str) and path.startswith(hub.HUB):
        return open_folder(hub.pull(hub.repository(path)))
    path = Path(path)
    try:
        has_run, has_config = (path / "run.json").is_file(), (path / CONFIG).is_file()
    except OSError as error:
        raise RunError(f"{str(path)[:200]} cannot be read ({error.strerror})") from None
    if has_run:
        if translates(Run.open(path).recipe):
            return load_translator(path, moment=moment)
        return load_run(path, moment=moment)
    if moment != "chosen" and (has_config or path.is_file()):
        raise UsageError(f"{path} holds one generator only; --best is for run folders")
    if has_config:
        return open_folder(path)
    match path.suffix.lower():
        case ".onnx":
            if not path.is_file():
                raise RunError(f"there is no file {path}; gan export RUN --to onnx makes one")
            return open_onnx(path)
        case ".pt2":
            raise RunError(
                f"{path} is torch's exported program, and opening one runs what stands in it; "
                "export to onnx or folder in its place"
            )
        case ".pt" | ".pth" | ".ckpt" | ".pkl" | ".bin" | ".safetensors":
            raise RunError(
                f"{path} is a file of weights alone; give a run folder, a model folder or an .onnx file"
            )
        case _:
            return load_run(path, moment=moment)  # which says what is missing
