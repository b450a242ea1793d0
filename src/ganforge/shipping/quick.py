"""The quickest way to compute a generator's samples one at a time, found by trying."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganforge.core.errors import GanforgeError
from ganforge.networks.operations import Operations
from ganforge.runs.sampler import GeneratorSampler
from ganforge.runs.translator import NetworkTranslator
from ganforge.shipping.description import Description
from ganforge.shipping.onnx_sampler import OnnxSampler
from ganforge.shipping.opening import Shipped

__all__ = ["Maker", "is_light", "maker", "quickest"]

Maker = Callable[[Tensor, Tensor | None], Tensor]

_LIGHT = 5e7  # operations a sample, below which calling the network costs more than what it computes
_TRIES = 7


def is_light(sampler: GeneratorSampler) -> bool:
    """Whether many rows take hardly more time than one."""
    z, condition = _one(sampler)
    with torch.no_grad(), Operations() as counter:
        sampler.network(z, condition)
    return counter.total < _LIGHT


def maker(sampler: GeneratorSampler | OnnxSampler) -> Maker:
    """Latents and conditions to samples in declared units, in passes that suit the network.

    Each pass has a fixed number of rows, so that a sample's bits do not depend on its company. A light
    network is asked for as many as everywhere else. A heavy one on a CPU is asked for one, because rows
    that nobody wants cost as much as the others.
    """
    if not isinstance(sampler, GeneratorSampler) or is_light(sampler):
        return sampler.generate

    @torch.inference_mode()
    def one_at_a_time(z: Tensor, condition: Tensor | None) -> Tensor:
        rows = [
            sampler.network(z[i : i + 1], None if condition is None else condition[i : i + 1])
            for i in range(len(z))
        ]
        return sampler.space.to_declared(torch.cat(rows))

    return one_at_a_time


def quickest(sampler: Shipped) -> tuple[Shipped, str]:
    """The sampler, or its ONNX graph in its place where that is quicker; and words that say why.

    Only heavy networks are tried. The graph is checked beside the network like every export.
    """
    if isinstance(sampler, NetworkTranslator):
        return sampler, "torch"
    if not isinstance(sampler, GeneratorSampler):
        return sampler, "onnxruntime"
    if is_light(sampler):
        return sampler, "torch"
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")):
        return sampler, "torch; pip install 'ganforge[export]' may make it quicker"
    from ganforge.shipping.graph import export_onnx
    from ganforge.shipping.onnx_sampler import open_onnx

    words = Description(space=sampler.space, prior=sampler.prior, conditions=sampler.conditions)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.onnx"
        try:
            export_onnx(sampler, words, path)
            graph = open_onnx(path)
        except GanforgeError as error:
            return sampler, f"torch; ONNX was tried: {error}"
    assert isinstance(graph, OnnxSampler)
    ratio = _milliseconds(sampler) / _milliseconds(graph)
    if ratio > 1.0:
        return graph, f"onnxruntime ({ratio:.1f}× torch on this network)"
    return sampler, f"torch ({1 / ratio:.1f}× onnxruntime on this network)"


def _milliseconds(sampler: GeneratorSampler | OnnxSampler) -> float:
    """Of one sample: the median of some."""
    make = maker(sampler)
    z, condition = _one(sampler)
    spent: list[float] = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        make(z, condition)
        spent.append(1e3 * (time.perf_counter() - began))
    return statistics.median(spent)


def _one(sampler: GeneratorSampler | OnnxSampler) -> tuple[Tensor, Tensor | None]:
    condition = torch.zeros(1, sampler.conditions) if sampler.conditions else None
    return sampler.prior.seeded(1, seed=0), condition
