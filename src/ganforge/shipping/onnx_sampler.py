"""A generator in an ONNX file, run by onnxruntime: a Sampler without a line of network code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganforge.core.errors import MachineError, RunError, UsageError
from ganforge.shipping.description import Description, fields_of

__all__ = ["CONDITIONS", "LATENTS", "METADATA", "SAMPLES", "OnnxSampler", "open_onnx"]

METADATA = "ganforge"  # the key of the description among the file's properties
LATENTS, CONDITIONS, SAMPLES = "latents", "conditions", "samples"

_MOST = 2_000_000_000  # bytes; more than that is no protocol buffer


class OnnxSampler:
    """A Sampler (``core.sampler``) around an exported graph.

    Samples are computed one at a time. On a CPU onnxruntime is as fast that way as with many, and the
    same seed gives the same bits whatever is asked for beside it.

    Args:
        session: an ``onnxruntime.InferenceSession``.
        description: what the graph makes.
    """

    def __init__(self, session: Any, description: Description) -> None:
        self.space = description.space
        self.prior = description.prior
        self.conditions = description.conditions
        self._session = session

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        start: int = 0,
        condition: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """As ``runs.sampler.GeneratorSampler.sample``: ``(n, *space.shape)`` in declared units."""
        if n < 1:
            raise UsageError(f"cannot make {n} samples; ask for at least 1")
        if not 0.0 <= truncation <= 1.0:
            raise UsageError(f"truncation is {truncation}; it must be from 0 to 1")
        z = self.prior.truncated(self.prior.seeded(n, seed=seed, start=start), truncation)
        if self.conditions and condition is None:
            turn = torch.arange(start, start + n) % self.conditions
            condition = torch.nn.functional.one_hot(turn, self.conditions).float()
        return self.generate(z, condition)

    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latents ``(N, prior.size)`` and conditions to samples ``(N, *space.shape)`` in declared units."""
        if z.dim() != 2 or z.shape[1] != self.prior.size:
            raise UsageError(f"latents have the shape (N, {self.prior.size}) here, not {tuple(z.shape)}")
        wanted = (self.conditions,) if self.conditions else None
        given = None if condition is None else tuple(condition.shape[1:])
        if given != wanted:
            raise UsageError(f"this generator takes {self.conditions or 'no'} conditions, not {given}")
        if condition is not None:
            condition = condition.expand(len(z), -1)
        made = [
            self.declared(z[i : i + 1], None if condition is None else condition[i : i + 1])
            for i in range(len(z))
        ]
        whole = torch.cat(made) if made else torch.empty(0, *self.space.shape)
        return whole.round_().clamp_(0, 255).byte() if self.space.kind in ("pictures", "shapes") else whole

    def declared(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """What the graph itself gives, all at once: declared units before they are rounded, float32."""
        fed = {LATENTS: np.ascontiguousarray(z.numpy(), dtype=np.float32)}
        if condition is not None:
            fed[CONDITIONS] = np.ascontiguousarray(condition.numpy(), dtype=np.float32)
        return torch.from_numpy(self._session.run([SAMPLES], fed)[0])


def open_onnx(path: Path) -> OnnxSampler:
    """The generator of an ONNX file that ``gan export`` wrote.

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


def _opened(onnxruntime: Any, content: bytes, description: Description, path: Path) -> OnnxSampler:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait by turning take the processor from whoever works beside: a training, say.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        inputs = {one.name: list(one.shape)[1:] for one in session.get_inputs()}
        expected = {LATENTS: [description.prior.size]}
        if description.conditions:
            expected[CONDITIONS] = [description.conditions]
        if inputs != expected or [one.name for one in session.get_outputs()] != [SAMPLES]:
            raise RunError(f"{path} does not take and give what it says it does")
        sampler = OnnxSampler(session, description)
        made = sampler.sample(1)
    except RunError:
        raise
    except Exception as error:  # onnxruntime raises classes of its own C++ errors
        raise RunError(f"{path} cannot be run ({' '.join(str(error).split())[:200]})") from None
    if tuple(made.shape[1:]) != description.space.shape:
        raise RunError(
            f"{path} makes samples of shape {tuple(made.shape[1:])}, not {description.space.shape}"
        )
    return sampler
