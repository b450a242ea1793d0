"""A complete experiment as plain data: what ``run.json`` keeps, and enough to rebuild every network."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from ganforge.core.declared import GAMES
from ganforge.core.errors import RecipeError, nearest

__all__ = ["FOUND", "Augmentation", "Penalty", "Player", "Recipe", "TableFormat", "Term"]


@dataclass(frozen=True, kw_only=True)
class Player:
    """A network and the optimiser that moves it.

    Attributes:
        family: the network's family: mlp, dcgan, residual, few_shot, … (``ganforge.networks``).
        width: channels (or units) of its widest layers, before what the family derives from it.
        depth: blocks a stage (or hidden layers).
        options: further keyword arguments of the family's constructor.
        optimiser: adam, muon, sgd or rmsprop.
        learning_rate: at the start; a cosine takes it to ``learning_rate_final`` at the budget's end.
        learning_rate_final: None keeps the rate constant.
        beta1, beta2: Adam's; sgd and muon read beta1 as their momentum, rmsprop reads beta2 as its decay.
        beta2_final: beta2 goes there with the same cosine; None keeps it.
        weight_decay: share of each matrix that a step takes away, in learning rates: without, muon's moves of
            one length make weights ever larger. Vectors and narrow matrices keep theirs.
        clip: after each move, parameters are clamped to ±clip (Wasserstein's first form); None does not.
    """

    family: str
    width: int = 64
    depth: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    optimiser: Literal["adam", "muon", "sgd", "rmsprop"] = "adam"
    learning_rate: float = 2e-4
    learning_rate_final: float | None = None
    beta1: float = 0.0
    beta2: float = 0.99
    beta2_final: float | None = None
    weight_decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        _within(self, 1, 1 << 24, "width")
        _within(self, 0, 1 << 16, "depth")
        _within(self, 0.0, 1e6, "learning_rate", "learning_rate_final", "weight_decay", "clip")
        _within(self, 0.0, 1.0, "beta1", "beta2", "beta2_final")


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """A term that is added to the discriminator's loss (``ganforge.objectives.penalties``).

    Attributes:
        name: r1, r2, interpolated, dragan, centring, lecam, reconstruction, …
        weight: at the start (γ for r1 and r2); it goes to ``weight_final`` with a cosine.
        weight_final: None keeps the weight.
        method: exact (double backward) or finite_difference, where the penalty has both.
        sigma: the finite difference's step, in model units.
        share: share of the batch that it looks at; 0.25 is every fourth example.
        every: it is added in every ``every``-th round, times ``every``.
    """

    name: str
    weight: float = 1.0
    weight_final: float | None = None
    method: Literal["exact", "finite_difference"] = "exact"
    sigma: float = 0.01
    share: float = 1.0
    every: int = 1

    def __post_init__(self) -> None:
        _within(self, 0.0, 1e9, "weight", "weight_final", "sigma")
        _within(self, 0.0, 1.0, "share")
        _within(self, 1, 1 << 30, "every")


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term that is added to the generator's loss (``ganforge.objectives.terms``).

    Attributes:
        name: l1, l2, gradient_difference, low_pass, feature_matching, cycle, identity, …
        weight: times the term; the adversarial loss has ``Recipe.adversarial_weight``.
    """

    name: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        _within(self, 0.0, 1e9, "weight")


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What the discriminator sees changed, on reals and fakes alike.

    Attributes:
        policy: names joined by commas, of color, translation, cutout; empty is none.
        probability: for each example and each policy; with ``target`` the value at the start.
        target: if given, the probability adapts so that this share statistic is held (ADA's .6).
        ramp_kimg: thousands of examples in which the adaptive probability can go from 0 to 1.
        noise: deviation of the normal noise that is added, in model units, at the start.
        noise_final: the noise shrinks to that by ``noise_until``, in equal factors; then there is none.
        noise_until: share of the budget, 0…1.
    """

    policy: str = ""
    probability: float = 1.0
    target: float | None = None
    ramp_kimg: float = 500.0
    noise: float = 0.0
    noise_final: float = 0.0
    noise_until: float = 1.0


_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}
_DECIMALS = {"point": ".", "comma": ","}


@dataclass(frozen=True, kw_only=True)
class TableFormat:
    """How tables of text (csv and its like) are read; what is left empty is found in the file.

    Attributes:
        separator: what stands between columns: comma, semicolon, tab, pipe, space, or the sign itself.
        decimal: the sign in numbers, ``.`` or ``,`` (or point, comma).
        header: how many rows of names stand above the data; 0 is none.
        columns: those that are taken, by name or by number from 1, joined by commas.
        what: the kind of data that its rows are: rows (with words, dates and gaps), points (the numbers
            alone) or series (steps in time of several entities); of films clips (whole) or frames (single
            pictures); empty takes what is found.
        kinds: what columns of rows are, where it is not found rightly: ``age=whole,when=date:%d/%m/%Y``.
        entity, time: of series, the columns that name them and say when each row is.
    """

    separator: str = ""
    decimal: str = ""
    header: int | None = None
    columns: str = ""
    what: str = ""
    kinds: str = ""
    entity: str = ""
    time: str = ""

    def __post_init__(self) -> None:
        if len(self.sign) > 1 or self.sign in ('"', "\n", "\r", ".", "\0") or self.sign.isalnum():
            known = ", ".join(name for name in _SEPARATORS if name.isalpha())
            raise RecipeError(
                f"the separator is {self.separator!r}; it can be {known}, or one sign as in --separator ';'"
            )
        if self.point not in ("", ".", ","):
            raise RecipeError(f"the decimal sign is {self.decimal!r}; it can be point or comma")
        if self.sign and self.sign == self.point:
            raise RecipeError("separator and decimal sign are both a comma; one of them must be another sign")
        if self.header is not None and not 0 <= self.header <= 9:
            raise RecipeError(f"header is {self.header}; it is a number of rows, from 0 to 9")

    @property
    def sign(self) -> str:
        """The separator as it stands in the file; empty where it is to be found."""
        return _SEPARATORS.get(self.separator.lower(), self.separator)

    @property
    def point(self) -> str:
        """The decimal sign as it stands in the file; empty where it is to be found."""
        return _DECIMALS.get(self.decimal.lower(), self.decimal)

    @classmethod
    def among(cls, changes: dict[str, Any]) -> TableFormat:
        """What the changes of a recipe say of tables, ``{"table.separator": ";"}``. Raises RecipeError."""
        own = {key[6:]: value for key, value in changes.items() if key.startswith("table.")}
        return _convert(cls, own, "table")

    def taking(self, columns: Sequence[str]) -> TableFormat:
        """The same that takes these columns, in this order."""
        row = io.StringIO()
        csv.writer(row).writerow(columns)
        return dataclasses.replace(self, columns=row.getvalue().strip())

    def wanted(self) -> list[str]:
        """The columns that are asked for; a name with a comma stands in double quotes."""
        return [name.strip() for row in csv.reader([self.columns]) for name in row if name.strip()]


FOUND = TableFormat()
"""All is found in the file."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment, complete. Progress is counted in real examples shown (``nimg``).

    Attributes:
        name: the recipe's name.
        generator, discriminator: the players.
        game: the order of play: duel (latents to samples), inference (and samples to latents), translation
            (inputs to paired targets) or exchange (two domains, both ways).
        encoder: of ``inference``, the network from examples to latents; it moves with the generator, by the
            generator's settings.
        source: of ``translation`` and ``exchange``, where inputs come from: a degradation of the examples
            (edges, low-resolution:4, …), a side of each picture (left, right), or another folder or file.
        condition: which of the data's conditions the players get, if ``conditional``: auto takes captions,
            labels or numbers that lie beside the files, else the classes; names reads file names as captions.
        text_encoder: the sentence encoder that reads captions (``core.sentences``); empty knows their words
            and pairs of words, and each player learns what they mean.
        table: how csv files are read, see :class:`TableFormat`.
        latent: how many numbers a latent has.
        prior: normal or uniform on [−1, 1).
        latent_bits: how many of the latent's numbers are random bits, −1 or 1, instead (``core.prior``).
        objective: the adversarial loss (``ganforge.objectives.adversarial``).
        penalties: terms added to the discriminator's loss.
        discriminator_moves: discriminator moves a generator move (n_critic).
        terms: terms added to the generator's loss.
        adversarial_weight: times the adversarial loss in the generator's turn; at 0 the discriminator does
            not play, and what remains is the baseline without a game.
        mismatched: weight of real examples with another's condition as further fakes, so that the
            condition is obeyed (matching-aware: Reed et al. 2016, section 4.2).
        pool: of ``exchange``, past fakes shown to the discriminator in half of the cases; 0 is none.
        packing: examples judged together (PacGAN); 1 is none.
        augmentation: see :class:`Augmentation`.
        batch: examples a move.
        growth: shares of the budget for which players of the family growing make coarser examples, coarsest
            first; what is left is for the whole size. Empty begins with the whole size.
        kimg: budget in thousands of examples.
        most_kimg: thousands of examples after which a budget in time ends at the latest, since examples are
            learnt by heart from then on; 0 is none.
        ema_nimg: half-life of the moving average of the generator, in examples; 0 is none.
        ema_ramp: the half-life is at most this share of the examples seen so far; 0 is no ramp.
        conditional: whether classes found in the data condition both players.
        standardise: whether points are brought to mean 0 and deviation 1 when they are loaded.
        mirror: whether pictures are also shown mirrored, left to right.
        precision: auto (by a measured probe), float32 or bfloat16.
        seed: of everything.
    """

    name: str
    generator: Player
    discriminator: Player
    game: str = "duel"
    encoder: Player | None = None
    source: str = ""
    condition: Literal["auto", "class", "labels", "numbers", "text", "names"] = "auto"
    text_encoder: str = ""
    table: TableFormat = FOUND
    latent: int = 64
    prior: Literal["normal", "uniform"] = "normal"
    latent_bits: int = 0
    objective: str = "relativistic"
    penalties: tuple[Penalty, ...] = ()
    terms: tuple[Term, ...] = ()
    adversarial_weight: float = 1.0
    mismatched: float = 0.0
    pool: int = 0
    discriminator_moves: int = 1
    packing: int = 1
    augmentation: Augmentation = Augmentation()
    batch: int = 64
    growth: tuple[float, ...] = ()
    kimg: float = 500.0
    most_kimg: float = 0.0
    ema_nimg: float = 10_000.0
    ema_ramp: float = 0.05
    conditional: bool = True
    standardise: bool = True
    mirror: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _within(self, 1, 1 << 30, "latent", "discriminator_moves", "packing", "batch")
        _within(self, 0.0, 1e12, "adversarial_weight", "mismatched", "pool", "kimg", "ema_nimg", "ema_ramp")
        _within(self, 0.0, 1e12, "most_kimg")
        if not 0 <= self.latent_bits <= self.latent:
            raise RecipeError(
                f"latent_bits is {self.latent_bits}; it must be from 0 to latent, {self.latent}"
            )
        if self.batch % self.packing:
            raise RecipeError(f"batch {self.batch} must be a multiple of packing {self.packing}")
        game = GAMES.find(self.game)
        if ("encoder" in game.settings) != (self.encoder is not None):
            has = "needs an encoder" if "encoder" in game.settings else "has no encoder"
            raise RecipeError(f"the game {game.name} {has}; set game or encoder otherwise")
        if any(share < 0 for share in self.growth) or sum(self.growth) > 1:
            raise RecipeError(f"growth is {list(self.growth)}; shares of the budget add up to 1 at most")
        if not self.kimg > 0:
            raise RecipeError(f"kimg is {self.kimg}; the budget must be more than 0")

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Recipe:
        """The inverse of :meth:`to_json`. Raises RecipeError for unknown keys and wrong types."""
        recipe = _convert(cls, fields, "recipe")
        assert isinstance(recipe, cls)
        return recipe

    def with_changes(self, changes: dict[str, Any]) -> Recipe:
        """A copy with dotted keys replaced.

        An example is ``{"batch": 32, "generator.width": 64, "penalties.r1.sigma": 0.01}``.

        A key of a player that is no field of :class:`Player` goes to its ``options``. Text is
        converted to the field's type. Raises RecipeError, naming the nearest key.
        """
        fields = self.to_json()
        for dotted, value in changes.items():
            _set(fields, dotted, value)
        return Recipe.from_json(fields)

    def value(self, dotted: str) -> Any:
        """What stands under a dotted key as plain data; None where nothing does."""
        here: Any = self.to_json()
        for step in dotted.split("."):
            if isinstance(here, (list, tuple)):
                here = next((item for item in here if item.get("name") == step), None)
            elif isinstance(here, dict):
                here = here.get(step, here.get("options", {}).get(step))
            else:
                return None
        return here


def _within(part: Any, least: float, most: float, *names: str) -> None:
    """Raise RecipeError unless these fields of ``part`` are None or from ``least`` to ``most``."""
    for name in names:
        value = getattr(part, name)
        if value is not None and not least <= value <= most:
            raise RecipeError(f"{name} is {value}; it must be from {least:g} to {most:g}")


def _set(fields: dict[str, Any], dotted: str, value: Any) -> None:
    """Set one dotted key in nested plain data."""
    *path, last = dotted.split(".")
    here: Any = fields
    for step in path:
        if isinstance(here, (list, tuple)):
            names = [str(item.get("name")) for item in here]
            if step not in names:
                raise RecipeError(f"no {step!r} in {dotted!r}; there is {', '.join(names) or 'none'}")
            here = here[names.index(step)]
        elif isinstance(here, dict) and isinstance(here.get(step), (dict, list, tuple)):
            here = here[step]
        else:
            known = list(here) if isinstance(here, dict) else []
            raise RecipeError(f"unknown recipe key {dotted!r}.{nearest(step, known)}")
    if not isinstance(here, dict):
        raise RecipeError(f"{dotted!r} is a list; name the part, as in {dotted}.NAME.weight")
    if last in here:
        here[last] = _mapping(value, dotted) if isinstance(here[last], dict) else value
    elif "family" in here and "options" in here:
        # An option of the family's own constructor, checked where the network is built.
        here["options"][last] = _literal(value)
    else:
        raise RecipeError(f"unknown recipe key {dotted!r}.{nearest(last, list(here))}")


def _mapping(value: Any, where: str) -> Any:
    """A mapping as typed, in JSON. Raises RecipeError."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RecipeError(f"{where} must be a mapping in JSON, as in {where}={{}}, not {value!r}")
    return found


def _literal(value: Any) -> Any:
    """Text from a command line as a bool, a number or itself; a family may have an option called none."""
    if not isinstance(value, str):
        return value
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if value.lower() in words:
        return words[value.lower()]
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields; they are read off the annotations once, which takes long."""
    return typing.get_type_hints(kind)


def _convert(kind: Any, value: Any, where: str) -> Any:
    """Plain data (or text) to ``kind``, a type as written in this file's annotations."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, kind):
            return value
        if not isinstance(value, dict):
            raise RecipeError(f"{where} must be a mapping, not {value!r}")
        hints = _hints(kind)
        known = [f.name for f in dataclasses.fields(kind)]
        for name in value:
            if name not in known:
                raise RecipeError(f"unknown recipe key {where}.{name}.{nearest(name, known)}")
        converted = {name: _convert(hints[name], item, f"{where}.{name}") for name, item in value.items()}
        try:
            return kind(**converted)
        except TypeError as error:
            raise RecipeError(f"{where} is incomplete: {error}") from None
    if origin is tuple:
        item_kind = typing.get_args(kind)[0]
        if isinstance(value, str):  # as typed: a list in JSON
            try:
                value = json.loads(value)
            except ValueError:
                raise RecipeError(f"{where} must be a list in JSON, not {value!r}") from None
        if not isinstance(value, (list, tuple)):
            raise RecipeError(f"{where} must be a list, not {value!r}")
        return tuple(_convert(item_kind, item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Literal:
        if value not in typing.get_args(kind):
            choices = [str(choice) for choice in typing.get_args(kind)]
            raise RecipeError(
                f"{where} is {value!r}; it can be {', '.join(choices)}.{nearest(str(value), choices)}"
            )
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return _convert(next(k for k in typing.get_args(kind) if k is not type(None)), value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise RecipeError(f"{where} must be a mapping, not {value!r}")
        return dict(value)
    return _scalar(typing.cast(type, kind), value, where)


def _scalar(kind: type, value: Any, where: str) -> Any:
    """Text or a number to bool, int, float or str."""
    value = _literal(value) if kind is not str else value
    if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64:
        value = float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RecipeError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{where} is {value}; it must be a finite number")
    return value
