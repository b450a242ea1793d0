"""What every generator and every discriminator offers, whatever its family."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ganforge.core.rng import Rng

__all__ = ["Completing", "Discriminator", "Generator", "Reconstructing", "Translator"]


class Generator(Protocol):
    """Latents to samples.

    Every family's constructor takes, by keyword alone, ``space``, ``latent``, ``condition`` (how many
    numbers a condition has; 0 is none), ``width``, ``depth``, and then the family's own options.
    """

    def __call__(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latents ``(N, latent)`` and conditions ``(N, C)`` to samples ``(N, *space.shape)``.

        The result is float32 in model units, also when the body runs under autocast. Where the space is
        bounded it is meant for −1…1; what lies outside is cut off on the way out (``Space.to_declared``).
        """
        ...


class Discriminator(Protocol):
    """Samples to logits. The constructor is that of :class:`Generator` without ``latent``."""

    @property
    def examples_are_independent(self) -> bool:
        """Whether an example's logit is the same in any company and at any time.

        It is not with batch statistics, nor where a forward pass moves the weights (the power iteration
        of spectral normalisation). Reals and fakes must then not be judged in one concatenated pass, and
        logits must not be used again.
        """
        ...

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The activations ``(N, channels, *grid)`` or ``(N, units)`` of each stage, first to last."""
        ...

    def __call__(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples ``(N, *space.shape)`` in model units to logits ``(N,)``, float32 also under autocast."""
        ...


class Translator(Protocol):
    """Inputs to samples. The constructor is that of :class:`Generator` without ``latent``.

    ``space.source`` is the space of the inputs.
    """

    def __call__(self, source: Tensor, condition: Tensor | None = None) -> Tensor:
        """Inputs ``(N, *space.source.shape)`` and conditions ``(N, C)`` to samples ``(N, *space.shape)``.

        Both are in model units; the result is float32, also under autocast. Inputs of other sizes are
        taken as well: the result's sides are then the same multiple of the input's.
        """
        ...


@runtime_checkable
class Reconstructing(Protocol):
    """A discriminator that can rebuild a picture from its own features (FastGAN's self-supervision)."""

    def reconstruct(self, x: Tensor) -> Tensor:
        """``x (N, *space.shape)`` as the decoder sees it, ``(N, C, *reduced)`` in model units."""
        ...

    def reconstruction_loss(self, x: Tensor) -> Tensor:
        """Mean absolute error per example, ``(N,)`` float32."""
        ...


@runtime_checkable
class Completing(Protocol):
    """A generator that goes on from any part of an example that is given (``games.completion``).

    Attributes:
        judged_every: the discriminator plays in one round of so many.
    """

    judged_every: int

    def masks(self, rng: Rng, n: int) -> Tensor:
        """Which parts of ``n`` real examples are given, ``(n, B)``, 0 or 1."""
        ...

    def logits(self, z: Tensor, given: Tensor, mask: Tensor) -> Any:
        """What is foretold of the real examples ``given``, for the other two."""
        ...

    def likelihood(self, found: Any, real: Tensor, mask: Tensor) -> Tensor:
        """Minus the mean log likelihood of what is not given of ``real``, ``(N,)``."""
        ...

    def fill(self, found: Any, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Whole examples: what is given, and the rest as it is made. ``found`` may be of more examples."""
        ...
