"""A run that is asked questions: its generator, its discriminator, its data, and a classifier of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganforge.core.declared import GAMES, OBJECTIVES
from ganforge.core.errors import DataError, MachineError, RunError, UsageError
from ganforge.data import Dataset
from ganforge.data.files import UnreadableError, check_source
from ganforge.data.folders import kind_of_file, one_file
from ganforge.data.pictures import open_upright
from ganforge.data.pixels import fit_array, to_channels
from ganforge.latent.inversion import read_encoder, train_encoder, write_encoder
from ganforge.latent.opinion import Odds, Opinion, middle, odds_of
from ganforge.metrics.classifier import Classifier, Reader, seen_shape, train_classifier
from ganforge.networks.encoder import Encoder
from ganforge.runs import made
from ganforge.runs.discriminator import Judge, discriminator_at, judge_at
from ganforge.runs.files import machine_faults, read_sealed, sealed, sha256, write_atomically
from ganforge.runs.folder import Moment, Run
from ganforge.runs.sampler import sampler_at
from ganforge.tasks.again import load_again, source_of

__all__ = ["ROUNDS", "OpenedRun"]

_CALIBRATED_ON = 2_000
_IN_COMPANY = 200  # an opinion in company costs a pass an example
_WIDTH = 32  # of an encoder
_BYTES = 500_000_000  # of examples that are held in memory
ROUNDS = 1_000  # of an encoder's training


class OpenedRun:
    """What is needed to question a run, each part made when it is first asked for.

    Args:
        path: the run folder.
        out: where results go; ``explore/`` in the run by default.
        data: where the data are now, if they have moved.
        moment: which checkpoint (``Run.checkpoint``); generator and discriminator are both of it.
        say: told what takes long.

    Raises RunError where it is no run folder, or no checkpoint can be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        out: Path | None = None,
        data: str | None = None,
        moment: Moment = "chosen",
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.run = Run.open(path)
        self.found = self.run.checkpoint(moment, only=("average", "game"))
        self.sampler = sampler_at(self.run, self.found)
        self.space, self.prior = self.run.space, self.sampler.prior
        self.cache = self.run.path / "explore"
        self.folder = out or self.cache
        self._data = data
        self.say: Callable[[str], None] = say or (lambda _words: None)

    @cached_property
    def checkpoint(self) -> str:
        """A checksum of the generator's weights."""
        state = {name: value.cpu().contiguous() for name, value in self.sampler.network.state_dict().items()}
        return sha256(safetensors.torch.save(state))

    # --- latents and samples ---

    def seeds(self, seeds: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """The first latent of each seed, ``(N, L)``, and what it is asked for, as ``gan sample`` does."""
        z = torch.cat([self.prior.seeded(1, seed=seed) for seed in seeds])
        return z, self.sampler.in_turn(seeds)

    def pool(self, n: int, *, seed: int = 0) -> tuple[Tensor, Tensor | None]:
        """Latents 0 … n − 1 of one seed, and what each is asked for."""
        return self.prior.seeded(n, seed=seed), self.sampler.in_turn(range(n))

    def generate(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, L)`` → ``(N, *shape)`` in declared units."""
        return self.sampler.generate(z, condition).clone()

    def network(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, L)`` → ``(N, *shape)`` in model units, differentiable."""
        return self.sampler.network(z, condition)

    # --- data ---

    @cached_property
    def dataset(self) -> Dataset:
        """The data of the run. Raises RunError where they are no longer there or no longer fit."""
        source, share = source_of(self.run)
        source, space = self._data or source, self.space
        dataset = load_again(source, self.run, share)
        if dataset.space.shape != space.shape or dataset.space.classes != space.classes:
            raise RunError(f"the data at {source} are not those of the run; name them with --data-at")
        if dataset.manifest["fingerprint"] != self.run.data.get("fingerprint"):
            self.say(f"note: the data at {source} have changed since the run was started")
        return dataset

    @cached_property
    def has_data(self) -> bool:
        try:
            return self.dataset.train.n > 0
        except UsageError as error:
            self.say(f"without data: {error}")
            return False

    @cached_property
    def labelled(self) -> bool:
        return bool(self.space.classes) and self.has_data and self.dataset.train.labels is not None

    def real(self, n: int | None = None, *, held_out: bool = True) -> tuple[Tensor, Tensor | None]:
        """The first ``n`` held-out examples (training ones where none were held out), and their labels."""
        part = self.dataset.held_out if held_out and self.dataset.held_out.n else self.dataset.train
        values = torch.from_numpy(np.array(part.values[:n]))
        labels = None if part.labels is None else torch.from_numpy(np.array(part.labels[:n]))
        return values, labels

    def conditions_of(self, labels: Tensor | None) -> Tensor | None:
        """Conditions ``(N, C)`` of real examples, where the players take some."""
        if not self.sampler.conditions:
            return None
        asks = self.sampler.asks
        assert asks is not None
        if asks.kind != "class":
            raise UsageError(f"this question is not for runs that were trained with {asks.describe()}")
        if labels is None:
            raise UsageError("these data have no labels, and the run was trained with classes")
        return asks.vectors(labels[:, None])

    def one_class(self, name: str | None, n: int) -> Tensor | None:
        """The condition ``(n, C)`` that asks for a class by its name; None where the run takes none."""
        if name is None and self.sampler.conditions:
            known = ", ".join(self.space.classes[:20])
            raise UsageError(f"this run was trained with classes; say which it is with --class: {known}")
        one = made.condition_from(self.sampler, **{"class": name})
        return None if one is None else one.expand(n, -1)

    def read(self, paths: Sequence[Path]) -> Tensor:
        """Examples from files: pictures, cut to size, or ``.npy`` in the data's units. ``(N, *shape)``."""
        found: list[Tensor] = []
        for path in paths:
            check_source(path)
            if path.suffix != ".npy":
                found.append(self._from_file(path))
                continue
            try:
                values = np.load(path, allow_pickle=False)
                found.append(torch.from_numpy(self._declared(values)))
            except (OSError, ValueError, TypeError, EOFError) as error:
                reason = " ".join(str(error).split())
                raise UsageError(f"{path} does not hold {self.space.describe()} ({reason})") from None
        return torch.cat(found)

    def _from_file(self, path: Path) -> Tensor:
        """A picture, or the first window of another file of the run's kind, ``(1, *shape)``."""
        space, kind = self.space, kind_of_file(path)
        if kind is None or kind.picture_files or not isinstance(space.codec, kind):
            return self.picture(path)[None]
        try:
            size = (space.spatial[1], space.spatial[0]) if space.dims == 2 else None
            wishes = {"size": size, "value_range": space.value_range}
            raw = kind.read_files(path, one_file(path), scratch=None, rate=space.sample_rate, **wishes)
        except (OSError, DataError) as error:
            raise UsageError(f"{path} cannot be read ({error})") from None
        return torch.from_numpy(raw.finish(np.array(raw.values[:1])))

    def _declared(self, values: np.ndarray) -> np.ndarray:
        """An array in the data's units to ``(N, *shape)`` in declared ones. ValueError where it is none."""
        shape = self.space.shape
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise ValueError("it has what is not a finite number")
        if self.space.codec.dtype != "uint8":
            return values.reshape(-1, *shape).astype(self.space.codec.dtype)
        if values.shape[-len(shape) :] != shape:
            last = (*shape[1:], shape[0])
            if shape[0] > 1 and values.shape[-len(shape) :] == last:
                values = np.moveaxis(values, -1, -len(shape))
            elif shape[0] > 1 or values.shape[1 - len(shape) :] != shape[1:]:
                raise ValueError(f"its shape is {values.shape}, not (N, {', '.join(map(str, shape))})")
        values = values.reshape(-1, *shape)
        known = self.space.value_range
        if values.dtype == np.uint8:
            return values if known is None else known.of_bytes(values)
        if known is not None:
            return known.to_bytes(values)
        if values.min() < 0 or values.max() > 255 or (values != np.rint(values)).any():
            ends = f"{values.min():g} to {values.max():g}"
            raise ValueError(f"it goes from {ends}, and not in whole steps from 0 to 255")
        return values.astype(np.uint8)

    def picture(self, path: Path, *, channels: int | None = None) -> Tensor:
        """One picture file, cut to the run's size: ``(channels, H, W)`` uint8; the run's own by default.

        Raises UsageError where it cannot be read, or the run is not of pictures.
        """
        if not self.space.codec.picture_files:
            raise UsageError(f"this run is of {self.space.describe()}; give .npy files in declared units")
        try:
            with path.open("rb") as file:
                whole = open_upright(file, self.space.value_range)
                pixels = np.asarray(whole.convert("RGBA"))
        except (OSError, UnreadableError) as error:
            raise UsageError(f"{path} cannot be read as a picture ({error})") from None
        height, width = self.space.spatial
        planar = np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]
        fitted = fit_array(planar, (width, height), self.run.data.get("fit", "crop"))
        if channels == 4:
            return torch.from_numpy(fitted[0])
        return torch.from_numpy(to_channels(fitted, channels or self.space.channels)[0])

    # --- opinions ---

    @cached_property
    def judge(self) -> Judge:
        return judge_at(self.run, self.found)

    @property
    def discriminator(self) -> nn.Module:
        """A copy of the discriminator as a network, whatever it judges."""
        return discriminator_at(self.run, self.found)

    @cached_property
    def opinion(self) -> Opinion:
        """The discriminator, calibrated on held-out examples where the data are there."""
        plain = Opinion(self.judge, company=self._company[0], condition=self._company[1])
        n = _CALIBRATED_ON if plain.alone else _IN_COMPANY
        z, conditions = self.pool(n, seed=0x0D1)
        made = self.generate(z, conditions)
        fake = self.logits(plain, made, conditions)
        level = OBJECTIVES.find(self.run.recipe.objective).level
        if self.has_data:
            real, labels = self.real(n)
            plain.odds = odds_of(self.logits(plain, real, self.conditions_of(labels)), fake)
        else:
            plain.odds = middle(None, fake) if level is None else Odds(level)
        return plain

    @property
    def has_opinion(self) -> bool:
        """Whether the discriminator judges examples by themselves."""
        return not GAMES.find(self.run.recipe.game).judged_with

    @cached_property
    def _company(self) -> tuple[Tensor, Tensor | None]:
        z, conditions = self.pool(64, seed=0xC0)
        return self.generate(z, conditions), conditions

    def logits(self, opinion: Opinion, examples: Tensor, condition: Tensor | None) -> Tensor:
        """``(N, *shape)`` in declared units → ``(N,)``, without a gradient."""
        parts: list[Tensor] = []
        with torch.no_grad():
            for start in range(0, len(examples), 256):
                rows = slice(start, start + 256)
                x = self.space.to_model(examples[rows])
                parts.append(opinion.logits(x, None if condition is None else condition[rows]).cpu())
        return torch.cat(parts)

    # --- a classifier ---

    @cached_property
    def classifier(self) -> Classifier:
        """Trained on the labelled data, kept in ``explore/``."""
        known = self._read_classifier()
        if known is not None:
            return known
        self.say("training a small classifier on the labelled data, once …")
        data = self.dataset
        held = data.held_out if data.held_out.n else None
        assert data.train.labels is not None
        made = train_classifier(
            data.train.values,
            data.train.labels,
            held_out=None if held is None else held.values,
            held_out_labels=None if held is None else held.labels,
            classes=len(self.space.classes),
        )
        state = {f"network.{k}": v for k, v in made.network.state_dict().items()}
        state |= {"offset": made.offset.reshape(-1), "scale": made.scale.reshape(-1)}
        content = safetensors.torch.save({k: v.contiguous() for k, v in state.items()})
        record = {
            "sha256": sha256(content),
            "fingerprint": data.manifest["fingerprint"],
            "accuracy": made.accuracy,
        }

        def write() -> None:
            with machine_faults(self.cache):
                self.cache.mkdir(parents=True, exist_ok=True)
            write_atomically(self.cache / "classifier.safetensors", content)
            write_atomically(self.cache / "classifier.json", sealed(record))

        self._keep(write)
        return made

    def _keep(self, write: Callable[[], None]) -> None:
        """Keep for the next time what took long. A disk that refuses does not end this one."""
        try:
            write()
        except MachineError as error:
            self.say(f"not kept for the next time: {error}")

    def _read_classifier(self) -> Classifier | None:
        try:
            record, sound = read_sealed(self.cache / "classifier.json")
            content = (self.cache / "classifier.safetensors").read_bytes()
            if sound is False or record["sha256"] != sha256(content):
                return None
            if record["fingerprint"] != self.dataset.manifest["fingerprint"]:
                return None
            state = safetensors.torch.load(content)
            network = Reader(seen_shape(self.space.shape), len(self.space.classes))
            network.load_state_dict(
                {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}
            )
            flat = not self.space.dims
            offset, scale = (state[k] if flat else state[k].reshape(()) for k in ("offset", "scale"))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError):
            return None
        network.eval().requires_grad_(False)
        return Classifier(
            network, self.space.shape, len(self.space.classes), record["accuracy"], offset, scale
        )

    def probabilities(self, examples: Tensor) -> Tensor:
        """``(N, classes)`` float64, as the classifier reads examples in declared units."""
        return torch.from_numpy(self.classifier.probabilities(examples))

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of all that :meth:`measure` gives: attributes, and with labelled data the classes."""
        classes = self.space.classes if self.labelled else ()
        return tuple(dict.fromkeys(self.space.codec.attributes() + classes))

    @property
    def thresholds(self) -> dict[str, float]:
        """A probability flips at one half; attributes at their median."""
        return dict.fromkeys(self.space.classes, 0.5) if self.labelled else {}

    def measure(self, examples: Tensor) -> dict[str, Tensor]:
        """Attributes and class probabilities of ``(N, *shape)`` in declared units: ``(N,)`` each."""
        codec = self.space.codec
        found = dict(zip(codec.attributes(), codec.measure(examples.float()), strict=True))
        if self.labelled:
            probabilities = self.probabilities(examples).float()
            found |= dict(zip(self.space.classes, probabilities.unbind(1), strict=True))
        return found

    # --- an encoder ---

    def known_encoder(self, *, rounds: int = ROUNDS) -> Encoder | None:
        """The run's own, or one that was trained before; None where there is neither."""
        if self.sampler.encoder is not None:
            return self.sampler.encoder
        return read_encoder(self.cache, self.sampler, checkpoint=self.checkpoint, rounds=rounds)

    def encoder(self, *, rounds: int = ROUNDS) -> Encoder:
        """The run's own; else trained against the generator, and kept in ``explore/``.

        It is trained on the data too where they are there.
        """
        known = self.known_encoder(rounds=rounds)
        if known is not None:
            return known
        self.say(f"training an encoder against the generator, once: {rounds:,} rounds …")
        real, labels = None, None
        if self.has_data:
            real, labels = self.real(min(50_000, _BYTES // self.space.size + 1), held_out=False)
        encoder = train_encoder(
            self.sampler,
            real=real,
            condition=None if real is None else self.conditions_of(labels),
            rounds=rounds,
            width=_WIDTH,
        )
        name = self.checkpoint
        self._keep(lambda: write_encoder(self.cache, encoder, checkpoint=name, rounds=rounds, width=_WIDTH))
        return encoder
