"""A generator that is explored: opened once, kept warm, asked for latents that are written as expressions."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ganforge.codecs import plots
from ganforge.core.errors import RunError, UsageError, nearest
from ganforge.latent import arithmetic, directions, dragging, paths, styles
from ganforge.runs.folder import Moment
from ganforge.runs.made import film_frames
from ganforge.runs.pictures import film_of
from ganforge.runs.sampler import GeneratorSampler, LatentSampler
from ganforge.shipping.opening import load
from ganforge.shipping.quick import maker
from ganforge.studio import arguments
from ganforge.tasks.opened_run import OpenedRun

__all__ = ["Model", "described"]

_DEEPEST = 8  # expressions within one another
_TRANSLATE = "this generator makes samples from latents; it was not trained to translate pictures"


class Model:
    """One generator and what can be done with it.

    Args:
        path: a run folder, a model folder or an ONNX file.
        keep: a folder for directions and what else is found; of a run always its own.
        moment: of a run, which checkpoint.

    Attributes:
        threads: that a sample is made by; 0 where it is not known yet how long one takes.
    """

    def __init__(self, path: Path | str, keep: Path | None = None, moment: Moment = "chosen") -> None:
        self.path = path = Path(path)
        sampler = load(path, moment=moment)
        if not isinstance(sampler, LatentSampler):
            raise UsageError(
                f"{path} translates examples; here generators are explored that begin with noise"
            )
        self.sampler = sampler
        self._make = maker(sampler)
        self.threads = 0
        self.space, self.prior = self.sampler.space, self.sampler.prior
        self.is_run = (path / "run.json").is_file()
        self.keep = path / "explore" if self.is_run or keep is None else keep
        self._directions: tuple[float, list[directions.Direction]] = (0.0, [])

    @cached_property
    def opened(self) -> OpenedRun:
        """The run with its discriminator. Raises UsageError where this is no run."""
        if not self.is_run:
            raise UsageError("a generator alone has no discriminator to ask; open its run folder")
        assert isinstance(self.sampler, GeneratorSampler)
        assert self.sampler.opened is not None
        return OpenedRun(self.path, moment=self.sampler.opened.nimg)

    @property
    def network(self) -> torch.nn.Module:
        """Raises UsageError for an exported graph, which has no network to look into."""
        if not isinstance(self.sampler, GeneratorSampler):
            raise UsageError("an ONNX file is a closed graph; open the run or a model folder for this")
        return self.sampler.network

    @cached_property
    def grids(self) -> list[tuple[int, int]]:
        """Of a generator of pictures, the sides of its features, coarsest first."""
        if self.view != "pictures" or not isinstance(self.sampler, GeneratorSampler):
            return []
        return list(
            dragging.feature_grids(self.network, self.prior.seeded(1, seed=0), self.conditions(None, 1))
        )

    @property
    def view(self) -> str:
        return self.space.codec.view

    # -- what it is ------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """For the browser."""
        asks = self.sampler.asks
        return {
            "name": self.path.resolve().name,
            "space": self.space.to_json(),
            "words": self._words(),
            "view": self.view,
            "heard": self.space.codec.audible,
            "moving": self.space.codec.moving,
            "solid": self.space.codec.solid,
            "heads": self.space.codec.heads() if self.view == "table" else [],
            "suffix": self.space.codec.suffix,
            "latent": self.prior.size,
            "prior": {"size": self.prior.size, "kind": self.prior.kind, "bits": self.prior.bits},
            "conditions": self.sampler.conditions,
            "classes": list(asks.names) if asks is not None and asks.kind == "class" else [],
            "condition": None if asks is None else {"kind": asks.kind, "names": list(asks.names[:500])},
            "can": self._abilities(),
            "directions": [described(one) for one in self.directions()],
            "grids": [f"{height}×{width}" for height, width in self.grids],
        }

    def _words(self) -> str:
        """What it makes, and of a run which moment and weights."""
        opened = self.sampler.opened if isinstance(self.sampler, GeneratorSampler) else None
        return self.space.describe() + ("" if opened is None else f"; {opened.words}")

    def _abilities(self) -> dict[str, str | None]:
        """Name to None where it can, else to the reason why not."""
        graph = None if isinstance(self.sampler, GeneratorSampler) else "an ONNX file is a closed graph"
        alone = None if self.is_run else "a generator alone has no discriminator to ask"
        codec = self.space.codec
        pictured = None if self.view == "pictures" else f"this is of {self.space.describe()}"
        able: dict[str, str | None] = {
            "feedback": alone
            or self._beyond_opinion()
            or (None if codec.picture_files or codec.small else pictured),
            "invert": graph or (pictured if codec.picture_files else f"this is of {self.space.describe()}"),
            "directions": graph,
            "mix": graph,
            "drag": None if self.grids else graph or "it has no features on a grid",
            "translate": _TRANSLATE,
        }
        if graph is None:
            z = self.prior.seeded(2, seed=0)
            try:
                styles.mixed(self.network, z[:1], z[1:], self._rows(self.sampler.in_turn([0]), 1))
            except UsageError as error:
                able["mix"] = " ".join(str(error).split())
            try:
                directions.first_layer(self.network, self.prior.size, self.sampler.in_turn([0]))
            except UsageError as error:
                able["directions"] = " ".join(str(error).split())
        return able

    def _beyond_opinion(self) -> str | None:
        """Why the discriminator cannot be asked of one sample; None where it can."""
        asks = self.sampler.asks
        if asks is not None and asks.kind != "class":
            return f"the discriminator of this run judges samples beside {asks.describe()}"
        if self.view == "table":
            return "a row is judged by its codes, and steps of advice are no rows"
        return None

    # -- latents ----------------------------------------------------------------------------------------

    def latent(self, expression: Any, deep: int = 0) -> Tensor:
        """An expression to a latent ``(L,)``. Raises UsageError."""
        if not isinstance(expression, dict) or deep > _DEEPEST:
            raise UsageError(f'a latent is an object, as in {{"seed": 5}}, at most {_DEEPEST} deep')
        fields = cast(dict[str, Any], expression)
        # A neighbour's own seed is no kind of latent.
        kinds = [
            kind for kind in _EXPRESSIONS if kind in fields and not (kind == "seed" and "near" in fields)
        ]
        if len(kinds) != 1:
            raise UsageError(
                f"a latent has one of {', '.join(_EXPRESSIONS)}, not {', '.join(fields)[:80] or 'nothing'}"
            )
        match kinds[0]:
            case "seed":
                arguments.only(fields, ("seed", "start"))
                seed = arguments.whole(fields, "seed", 0, 0, (1 << 63) - 1)
                start = arguments.whole(fields, "start", 0, 0, 1_000_000_000)
                return self.prior.seeded(1, seed=seed, start=start)[0]
            case "z":
                arguments.only(fields, ("z",))
                return self._numbers(fields)
            case "between":
                arguments.only(fields, ("between", "t"))
                a, b = (self.latent(one, deep + 1) for one in arguments.listed(fields, "between", 2, 2))
                t = arguments.number(fields, "t", 0.5, 0.0, 1.0)
                return paths.between(self.prior, a[None], b[None], torch.tensor([t]))[0, 0]
            case "sum":
                arguments.only(fields, ("sum",))
                a, b, c = (self.latent(one, deep + 1) for one in arguments.listed(fields, "sum", 3, 3))
                return arithmetic.combine(self.prior, a[None], b[None], c[None])
            case "moved":
                return self._shifted(fields, deep)
            case "truncated":
                arguments.only(fields, ("truncated", "by"))
                by = arguments.number(fields, "by", None, 0.0, 1.0)
                return self.prior.truncated(self.latent(fields["truncated"], deep + 1)[None], by)[0]
            case _:
                arguments.only(fields, ("near", "spread", "seed"))
                spread = arguments.number(fields, "spread", 0.25, 0.0, 10.0)
                seed = arguments.whole(fields, "seed", 0, 0, (1 << 63) - 1)
                return arithmetic.neighbours(
                    self.prior, self.latent(fields["near"], deep + 1), 1, spread=spread, seed=seed
                )[0]

    def _numbers(self, fields: dict[str, Any]) -> Tensor:
        values = arguments.listed(fields, "z", self.prior.size, self.prior.size)
        if not all(isinstance(v, (int, float)) and abs(v) < 1e6 for v in values):
            raise UsageError(f"z must be {self.prior.size} finite numbers")
        return torch.tensor(values, dtype=torch.float32)

    def _shifted(self, fields: dict[str, Any], deep: int) -> Tensor:
        arguments.only(fields, ("moved", "by"))
        z = self.latent(fields["moved"], deep + 1)[None]
        for step in arguments.listed(fields, "by", 64):
            if not isinstance(step, dict):
                raise UsageError('by is a list of moves, as in {"direction": "principal-1", "amount": 1.5}')
            move = cast(dict[str, Any], step)
            arguments.only(move, ("direction", "amount"))
            direction = directions.named(self.directions(), str(move.get("direction")))
            amount = arguments.number(move, "amount", None, -1e3, 1e3)
            z = directions.shift(self.prior, z, direction.vector, amount)
        return z[0]

    # -- samples ----------------------------------------------------------------------------------------

    def conditions(self, wish: Any, n: int, numbers: list[int] | None = None) -> Tensor | None:
        """``(n, C)``: what is asked for.

        Args:
            said: a class, or words, for all; ``{"mix": [[said, weight], …]}``: the weighted sum; a list of
                ``n`` such; None is what a sample of that number gets of which nothing is said.
            numbers: of the samples; by default 0, 1, ….

        Raises:
            UsageError: nothing of that name is known.
        """
        asks = self.sampler.asks
        numbers = list(range(n)) if numbers is None else numbers
        if isinstance(wish, list):
            each = arguments.listed({"class": wish}, "class", n, n)
            rows = [self.conditions(one, 1, [number]) for one, number in zip(each, numbers, strict=True)]
            found = [row for row in rows if row is not None]
            return torch.cat(found) if found else None
        if isinstance(wish, dict):
            arguments.only(cast(dict[str, Any], wish), ("mix",))
            parts = [_weighted(one) for one in arguments.listed(cast(dict[str, Any], wish), "mix", 8, 1)]
            each = [self.conditions(one, n, numbers) for one, _ in parts]
            whole = [row * weight for row, (_, weight) in zip(each, parts, strict=True) if row is not None]
            return torch.stack(whole).sum(0) if whole else None
        if asks is None:
            if wish is not None:
                raise UsageError("this generator was trained without classes; leave class out")
            return None
        if wish is None:
            return self.sampler.in_turn(numbers)
        return self._rows(asks.read(str(wish)[:1_000]), n)

    def note(self, wish: Any) -> str | None:
        """What of the words that are asked for is not known, with the nearest that is; None for nothing."""
        asks = self.sampler.asks
        if asks is None or not isinstance(wish, str):
            return None
        missing = asks.unknown(wish[:1_000])
        return (
            " ".join(
                f"No caption has {word!r}; it is left out.{nearest(word, asks.names)}" for word in missing[:3]
            )
            or None
        )

    @staticmethod
    def _rows(condition: Tensor | None, n: int) -> Tensor | None:
        return None if condition is None else condition[:1].expand(n, -1)

    def make(self, expressions: list[Any], label: Any) -> tuple[Tensor, Tensor]:
        """Expressions to latents ``(n, L)`` and samples ``(n, *shape)`` in declared units."""
        mixes = [cast(dict[str, Any], one) for one in expressions if isinstance(one, dict) and "mixed" in one]
        condition = self.conditions(label, len(expressions), [_number(one) for one in expressions])
        if not mixes:
            z = torch.stack([self.latent(one) for one in expressions])
            return z, self._make(z, condition)
        if len(mixes) != len(expressions):
            raise UsageError("mixed pictures and others go in calls of their own")
        pairs = [arguments.listed(one, "mixed", 2, 2) for one in mixes]
        content = torch.stack([self.latent(pair[0]) for pair in pairs])
        style = torch.stack([self.latent(pair[1]) for pair in pairs])
        made = styles.mixed(self.network, content, style, condition)
        return content, self.space.to_declared(made)

    def pngs(self, samples: Tensor) -> list[bytes]:
        """One PNG each."""
        return [plots.png(self.space.codec.picture(one.numpy()), quick=True) for one in samples]

    def files(self, samples: Tensor) -> list[bytes]:
        """A file to listen to, or a film to look at, of each."""
        codec = self.space.codec
        write = codec.listen if codec.audible else codec.file
        return [write(one.numpy()) for one in samples]

    def file(
        self, expressions: list[Any], label: Any = None, form: str = "own", seconds: float = 6.0
    ) -> tuple[bytes, str, str]:
        """What expressions make as one file: its bytes, its suffix and its media type.

        Args:
            said, label: as of :meth:`make`.
            form: ``own``, as ``gan sample`` writes one example; ``sheet``, all of them in one picture;
                ``film``, a walk from each to the next and back to the first.
            seconds: of the film.

        Raises:
            UsageError: there is no such form of these.
        """
        codec = self.space.codec
        if form == "film":
            if len(expressions) < 2:
                raise UsageError("a film needs two latents to walk between, or more")
            ends = torch.stack([self.latent(one) for one in expressions])
            wishes = self.conditions(label, len(expressions), [_number(one) for one in expressions])
            frames = film_frames(self.sampler, ends, wishes, seconds)
            return film_of(frames, ".gif", seconds=seconds), ".gif", "image/gif"
        _, samples = self.make(expressions, label)
        if form == "sheet":
            return plots.png(codec.show(samples.numpy())), ".png", "image/png"
        if form != "own" or len(samples) != 1:
            raise UsageError(
                f"there is no form {form[:40]!r} of {len(samples)} samples; there is own of one, sheet, film"
            )
        return codec.file(samples[0].numpy()), codec.suffix, codec.media

    # -- directions ---------------------------------------------------------------------------------------

    def directions(self) -> list[directions.Direction]:
        """Those that were found so far, here or by gan explore."""
        try:
            written = (self.keep / "directions.json").stat().st_mtime
            if written != self._directions[0]:
                self._directions = written, directions.read_directions(self.keep)[0]
        except (OSError, RunError):
            self._directions = 0.0, []
        return self._directions[1]


def _number(value: Any) -> int:
    """A latent's number among the samples of its seed: so a seed is one picture everywhere."""
    fields = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    return arguments.whole(fields, "start", 0, 0, 1_000_000_000) if "seed" in fields else 0


def _weighted(part: Any) -> tuple[Any, float]:
    """Of a mix. Raises UsageError."""
    pair = cast(list[Any], part) if isinstance(part, list) else []
    if len(pair) != 2 or isinstance(pair[0], (list, dict)):
        raise UsageError('a mix is a list of pairs, as in {"mix": [["cat", 0.5], ["dog", 0.5]]}')
    return pair[0], arguments.number({"weight": pair[1]}, "weight", None, -10.0, 10.0)


_EXPRESSIONS = ("seed", "z", "between", "sum", "moved", "truncated", "near")


def described(direction: directions.Direction) -> dict[str, Any]:
    """For a slider."""
    kinds = {
        "principal": f"{100 * direction.strength:.0f} % of the first features' variance",
        "factorised": f"{100 * direction.strength:.0f} % of the first layer's weights, squared",
        "supervised": f"tells {direction.name} apart in {100 * direction.strength:.0f} % of cases",
    }
    words = "; ".join(part for part in (kinds.get(direction.kind, direction.kind), direction.moves) if part)
    return {"name": direction.name, "kind": direction.kind, "words": words, "reach": direction.reach}
