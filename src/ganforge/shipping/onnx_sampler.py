"""What an ONNX file makes, run by onnxruntime: a Sampler or Translator without a line of network code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ganforge.core.errors import MachineError, RunError
from ganforge.runs.files import sha256
from ganforge.runs.sampler import LatentSampler
from ganforge.runs.translator import Translator
from ganforge.shipping.description import Description, fields_of

__all__ = [
    "CONDITIONS",
    "LATENTS",
    "METADATA",
    "SAMPLES",
    "SOURCE",
    "UNSEALED",
    "OnnxSampler",
    "OnnxTranslator",
    "open_onnx",
    "sealed",
]

METADATA = "ganforge"  # the key of the description among the file's properties
_SEAL = "ganforge.sha256"  # that of a checksum of the whole file, with noughts in the checksum's own place
UNSEALED = {_SEAL: "0" * 64}
LATENTS, SOURCE, CONDITIONS, SAMPLES = "latents", "source", "conditions", "samples"

_MOST = 2_000_000_000  # bytes; more than that is no protocol buffer


@final
class OnnxSampler(LatentSampler):
    """A Sampler around an exported graph.

    Samples are computed one at a time. On a CPU onnxruntime is as fast that way as with many, and the
    same seed gives the same bits whatever is asked for beside it.

    Args:
        session: an ``onnxruntime.InferenceSession``.
        description: what the graph makes.
    """

    def __init__(self, session: Any, description: Description) -> None:
        assert description.prior is not None
        super().__init__(space=description.space, prior=description.prior, conditions=description.conditions)
        self._session = session

    def _generate(self, z: Tensor, condition: Tensor | None) -> Tensor:
        made = [
            self.declared(z[i : i + 1], None if condition is None else condition[i : i + 1])
            for i in range(len(z))
        ]
        whole = torch.cat(made) if made else torch.empty(0, *self.space.shape)
        return self.space.codec.close(whole)

    def declared(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """What the graph itself gives, all at once: declared units before they are rounded, float32."""
        return _run(self._session, LATENTS, z, condition)


@final
class OnnxTranslator(Translator):
    """A Translator around an exported graph. Tiles have normalisation statistics of their own here.

    Args:
        session: an ``onnxruntime.InferenceSession``.
        description: what the graph takes and makes.
    """

    def __init__(self, session: Any, description: Description) -> None:
        super().__init__(space=description.space, asks=description.asks, grid=description.grid)
        self._session = session

    def run_network(self, x: Tensor, condition: Tensor | None) -> Tensor:
        made, codec = self.declared(self.source.codec.open(x), condition), self.space.codec
        return made / codec.unit(made) + codec.empty

    def declared(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """What the graph itself gives of what it takes: float32 in declared units, not rounded."""
        return _run(self._session, SOURCE, x, condition)


def _run(session: Any, name: str, given: Tensor, condition: Tensor | None) -> Tensor:
    fed = {name: np.ascontiguousarray(given.numpy(), dtype=np.float32)}
    if condition is not None:
        fed[CONDITIONS] = np.ascontiguousarray(condition.numpy(), dtype=np.float32)
    return torch.from_numpy(session.run([SAMPLES], fed)[0])


def sealed(content: bytes) -> bytes:
    """A file with the property ``UNSEALED``, with its checksum in its place."""
    # The key, then a field of 64 characters, as protocol buffers write it.
    place = content.index(_SEAL.encode() + b"\x12\x40" + b"0" * 64) + len(_SEAL) + 2
    return content[:place] + sha256(content).encode() + content[place + 64 :]


def open_onnx(path: Path) -> OnnxSampler | OnnxTranslator:
    """The generator or translator of an ONNX file that ``gan export`` wrote.

    The graph may come from a stranger: it is refused where it has loops, operators from outside the
    standard, or weights in other files.

    Raises:
        RunError: it is cut, damaged, or no such file.
        MachineError: onnxruntime is not installed.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError:
        raise MachineError("ONNX needs more packages: pip install 'ganforge[export]'") from None
    try:
        if path.stat().st_size > _MOST:
            raise RunError(f"{path} has {path.stat().st_size:,} bytes; an ONNX file has at most {_MOST:,}")
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror})") from None
    try:
        graph = onnx.load_model_from_string(content)
    except Exception:  # google.protobuf's error, whose module is private
        raise RunError(f"{path} is cut or damaged: it is not an ONNX file; export it again") from None
    texts = {entry.key: entry.value for entry in graph.metadata_props}
    if METADATA not in texts:
        raise RunError(f"{path} does not describe itself; only ONNX files of gan export are opened")
    seal = texts.get(_SEAL)
    if seal is not None and (len(seal) != 64 or sha256(content.replace(seal.encode(), b"0" * 64)) != seal):
        raise RunError(f"{path} is damaged: its checksum does not match; export it again")
    description = Description.from_json(fields_of(texts[METADATA], str(path)), str(path))
    _refuse_strange(graph, path)
    del graph
    return _opened(onnxruntime, content, description, path)


def _refuse_strange(model: Any, path: Path) -> None:
    """Raise RunError for what an exported generator does not have."""
    for node in model.graph.node:
        nested = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
        if node.domain not in ("", "ai.onnx") or nested:
            raise RunError(f"{path} has an operator that no generator needs: {node.op_type[:50]}")
        if any(attribute.HasField("t") and attribute.t.external_data for attribute in node.attribute):
            raise RunError(f"{path} keeps weights in other files, which are not read")
    if model.functions or model.graph.sparse_initializer:
        raise RunError(f"{path} has functions or sparse weights, which no exported generator has")
    if any(tensor.data_location or tensor.external_data for tensor in model.graph.initializer):
        raise RunError(f"{path} keeps weights in other files, which are not read")


def _opened(
    onnxruntime: Any, content: bytes, description: Description, path: Path
) -> OnnxSampler | OnnxTranslator:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait by turning take the processor from whoever works beside: a training, say.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        inputs: dict[str, list[Any]] = {one.name: list(one.shape)[1:] for one in session.get_inputs()}
        expected: dict[str, list[Any]]
        if description.prior is not None:
            expected = {LATENTS: [description.prior.size]}
        else:
            assert description.space.source is not None
            # Its sides are free, and have names in place of numbers.
            named = [side if isinstance(side, str) else None for side in inputs.get(SOURCE, [])[1:]]
            expected = {SOURCE: [description.space.source.channels, *named]}
        if description.conditions:
            expected[CONDITIONS] = [description.conditions]
        if inputs != expected or [one.name for one in session.get_outputs()] != [SAMPLES]:
            raise RunError(f"{path} does not take and give what it says it does")
        opened = (OnnxSampler if description.prior is not None else OnnxTranslator)(session, description)
        made = opened.sample(1) if isinstance(opened, OnnxSampler) else _tried(opened)
    except RunError:
        raise
    except Exception as error:  # onnxruntime raises classes of its own C++ errors
        raise RunError(f"{path} cannot be run ({' '.join(str(error).split())[:200]})") from None
    shape = description.space.codec.shape
    if tuple(made.shape[1:]) != shape:
        raise RunError(f"{path} makes samples of shape {tuple(made.shape[1:])}, not {shape}")
    return opened


def _tried(translator: OnnxTranslator) -> Tensor:
    """The result of an empty picture of the training's size."""
    source = translator.source
    empty = torch.zeros(1, *source.shape, dtype=getattr(torch, source.codec.dtype))
    return translator.translate(empty, None if translator.asks is None else translator.asks.in_turn([0]))
