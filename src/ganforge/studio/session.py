"""One game of one browser: its calls, its slices of time, and what it sends. It lives in a worker process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganforge.core.errors import UsageError
from ganforge.latent.feedback import sentence
from ganforge.studio import arguments
from ganforge.studio.books import Books
from ganforge.studio.bounds import Bounds
from ganforge.studio.changing import needs_anew, went_on, without_parts
from ganforge.studio.checkup import Checkup
from ganforge.studio.game import Game, Who
from ganforge.studio.pacing import Frames, Speed
from ganforge.studio.settings import Settings, as_python, unknown
from ganforge.studio.timeline import Timeline
from ganforge.studio.view import LAYERS, View, Wanted
from ganforge.studio.wire import binary

__all__ = ["PlaySession"]

_CURVE_SECONDS = 0.5  # between two points of the curve while nobody watches
_LEVELS = 8.0  # grey levels of the largest step of advice
_ROUNDS = 10_000_000  # that are asked for at once, at most
_REFUSED = 32  # rounds in a row whose moves were all refused, after which the game stops
Emit = Callable[[dict[str, Any] | bytes], None]


class PlaySession:
    """A game, its timeline and its view.

    Args:
        name: the session's.
        emit: takes messages for the browser: plain data, or a binary message.
        bounds: what is given at most.
        folder: of its own, for drawn points.

    Attributes:
        playing: whether rounds are played.
        company: games that are played by turns in this process, this one included.
    """

    def __init__(self, name: str, emit: Emit, bounds: Bounds, folder: Path) -> None:
        self.name = name
        self.emit = emit
        self.playing = False
        self.company = 1
        self._bounds, self._folder = bounds, folder
        self._frames, self._speed = Frames(), Speed()
        self._until: int | None = None  # the round at which play ends by itself
        self._seconds = 0.0
        self._books = Books()
        self._rewound: int | None = None
        self._refused_since = (0, 0)
        self._findings: dict[str, Any] = {"findings": []}
        self._upload: str | None = None
        self._calls: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "open": self._open,
            "resume": self._resume,
            "watch": self._watch,
            "play": self._play,
            "pause": self._pause,
            "step": self._step,
            "slow": self._slow,
            "set": self._set,
            "reset": self._reset,
            "rewind": self._rewind,
            "moments": self._moments,
            "curve": self._curve,
            "advice": self._advice,
            "python": self._python,
            "ack": self._ack,
        }

    # -- calls ------------------------------------------------------------------------------------------

    def call(self, fields: dict[str, Any], upload: str | None) -> dict[str, Any] | None:
        """Answer a call with the reply's fields, or None where there is none. Raises UsageError."""
        do = str(fields.get("do"))
        if do not in self._calls:
            raise unknown(do, [*self._calls, "close"])
        if upload is not None:
            self._upload = upload
        return self._calls[do]({name: value for name, value in fields.items() if name not in ("do", "id")})

    def _open(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("settings",))
        self._begin(Settings.of(arguments.mapping(fields, "settings"), self._bounds))
        return self.progress()

    def _begin(self, settings: Settings) -> None:
        """A new game. Raises UsageError, and leaves the present one as it is, where it cannot be played."""
        made, settings = settings.experiment(self._bounds, self._folder, self._upload)
        self.game, self.settings = Game(made.recipe, made.dataset, noise=settings.noise), settings
        self.playing = False
        source = settings.data["name"] if settings.data["kind"] == "builtin" else None
        self.view = View(self.game, source)
        self._source = source
        self.timeline = Timeline(self._bounds.moments, self._bounds.moment_bytes)
        self.checkup = Checkup(self.game)
        self._books = Books()
        self._findings, self._seconds = {"findings": []}, 0.0
        self._rewound, self._refused_since = None, (0, 0)
        self._send_scene()
        self._keep()
        self._frames.due = True

    def _resume(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("session",))
        self._send_scene()
        self._frames.come_back()
        return self.progress()

    def _watch(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("rate", "layers", "heat", "grid", "generated", "arrows", "networks"))
        known = LAYERS.get(self.view.kind, ())
        layers = (
            known if fields.get("layers") is None else tuple(map(str, arguments.listed(fields, "layers", 32)))
        )
        everywhere = {name for names in LAYERS.values() for name in names}
        for name in layers:
            arguments.word({"layer": name}, "layer", sorted(everywhere))
        if fields.get("layers") is None:
            layers = tuple(name for name in known if name != "best" or self.view.kind == "line")
        self._frames.rate = arguments.number(fields, "rate", 10.0, 0.0, self._bounds.frames_a_second)
        self._frames.wanted = Wanted(
            layers,
            arguments.whole(fields, "heat", 40, 8, 96),
            arguments.whole(fields, "grid", 11, 2, 31),
            arguments.whole(fields, "generated", 400, 16, 2_000),
            arguments.whole(fields, "arrows", 100, 0, 400),
            arguments.truth(fields, "networks"),
        )
        self._frames.come_back()
        return {}

    def _play(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("speed", "rounds", "until"))
        if "speed" in fields:
            given = fields["speed"]
            self._speed.wanted = None if given is None else arguments.number(fields, "speed", None, 0.1, 1e6)
        until = None
        if fields.get("rounds") is not None:
            until = self.game.played + arguments.whole(fields, "rounds", None, 1, _ROUNDS)
        if fields.get("until") is not None:
            if until is not None:
                raise UsageError("a game is played for so many rounds, or until a round: give one of the two")
            until = arguments.whole(fields, "until", None, 1, _ROUNDS)
            if until < self.game.played:
                raise UsageError(
                    f"the game is at round {self.game.played:,}, beyond {until:,}: go back on the timeline,"
                    " or reset"
                )
        self._branch_off()
        self.game.finish()
        self._until = until
        self.playing = until is None or self.game.played < until
        self._speed.begin(self.game.rounds.rounds)
        self._refused_since = self.game.rounds.referee.refused, self.game.rounds.rounds
        return self.progress()

    def _pause(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ())
        self._stop()
        return self.progress()

    def _stop(self) -> None:
        self._until = None
        if self.playing:
            self.playing = False
            self._frames.due = True

    def _step(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("who",))
        who: Who = "both"
        given = arguments.word(fields, "who", ("discriminator", "generator", "both"), "both")
        if given != "both":
            who = "discriminator" if given == "discriminator" else "generator"
        self._stop()
        self._branch_off()
        self.game.step(who)
        self._after_rounds()
        self._frames.due = True
        return self.progress()

    def _slow(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ())
        self._stop()
        self._branch_off()
        stage = self.game.slow()
        report = stage.to_json(self.game)
        if stage.name == "update_generator":
            self._after_rounds()
        self._frames.due = True
        return {**self.progress(), "stage": report}

    def _set(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("changes", "reset"))
        policy = arguments.word(fields, "reset", ("never", "if_needed", "always"), "if_needed")
        changes = arguments.mapping(fields, "changes")
        merged = self.settings.changed({**without_parts(self.settings.changes, changes), **changes})
        made, merged = merged.experiment(self._bounds, self._folder, self._upload)
        needed = needs_anew(self.game.recipe, made.recipe)
        if policy == "always" or (needed and policy == "if_needed"):
            self._begin(merged)
            return {"needed_reset": needed, "did_reset": True, **self.progress()}
        if not needed:
            self.game.finish()
            self._branch_off()
            self._sit_down(went_on(self.game, merged, made.recipe), merged)
            self._keep()
            self._frames.due = True
        return {"needed_reset": needed, "did_reset": False, **self.progress()}

    def _sit_down(self, game: Game, settings: Settings) -> None:
        self.game, self.settings = game, settings
        self.view = View(game, self._source)
        self.checkup = Checkup(game)
        self.checkup.back_to(game.rounds.nimg)
        self._refused_since = game.rounds.referee.refused, game.rounds.rounds
        self._speed.begin(game.rounds.rounds)

    def _reset(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("settings",))
        given = fields.get("settings")
        settings = self.settings
        if given is not None:
            settings = Settings.of(arguments.mapping(fields, "settings"), self._bounds)
        self._begin(settings)
        return self.progress()

    def _rewind(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("moment",))
        moment = self.timeline.find(arguments.whole(fields, "moment", None, 0, 1 << 31))
        self._stop()
        self.game.finish()
        before = self.game.rounds.nimg
        if moment.recipe != self.game.recipe:
            self._sit_down(
                Game(moment.recipe, self.game.dataset, noise=moment.settings.noise), moment.settings
            )
        rounds = self.game.rounds
        rounds.load(moment.state)
        rounds.nimg, rounds.rounds, rounds.referee.refused = moment.nimg, moment.round, moment.refused
        self.game.alone, self.game.altered = moment.alone, moment.altered
        rounds.statistics.load(moment.noted)
        self._rewound = moment.id
        self.timeline.go_to(moment, before)
        self.checkup.back_to(moment.nimg)
        self._books = Books(dict(moment.numbers))
        if self.timeline.lines:
            self._findings = self.checkup.findings(self.game, self.timeline)
        else:
            self._findings = {"findings": []}
        self._frames.due = True
        return self.progress()

    def _branch_off(self) -> None:
        self._rewound = None

    def _moments(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ())
        return {"moments": [moment.to_json() for moment in self.timeline.moments.values()]}

    def _curve(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ())
        curve = self.timeline.curve
        step = max(1, math.ceil(len(curve) / 1_000))
        return {"curve": curve[::step]}

    def _advice(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ("index",))
        look, space = self.view.onlooker, self.view.space
        index = arguments.whole(fields, "index", None, 0, 1_023 if space.codec.small else 35)
        z = look.latents(index + 1)
        x = look.generated(z)
        with torch.no_grad():
            logits = look.logits(x)
            real = look.logits(self.view.judged, self.view.judged_condition())
        look.settle(real, logits)
        change = look.advice(x, real)[index]
        largest = float(change.abs().max())
        change = change * (_LEVELS / largest) if space.codec.picture_files and largest > 0 else change
        return {
            "index": index,
            "probability": look.probability(logits)[index].item(),
            "logit": logits[index].item(),
            "words": sentence(change) if space.codec.picture_files else "",
            "change": [round(value, 4) for value in change.flatten().tolist()],
            "shape": list(space.shape),
            "largest": _LEVELS if space.codec.picture_files else largest,
        }

    def _python(self, fields: dict[str, Any]) -> dict[str, Any]:
        arguments.only(fields, ())
        return as_python(self.settings, self.game.recipe, self.game.played)

    def _ack(self, fields: dict[str, Any]) -> None:
        arguments.only(fields, ("frame",))
        self._frames.acknowledge(arguments.whole(fields, "frame", None, 0, self._frames.sent))

    # -- what it is now -------------------------------------------------------------------------------

    def progress(self) -> dict[str, Any]:
        game = self.game
        generator, discriminator = game.parameters()
        refusal = game.rounds.referee.unrecorded
        return {
            "session": self.name,
            "settings": self.settings.to_json(),
            "recipe": game.recipe.to_json(),
            "playing": self.playing,
            "speed": self._speed.wanted,
            "nimg": game.rounds.nimg,
            "round": game.played,
            "until": self._until,
            "total_nimg": game.total,
            "branch": self.timeline.branch,
            "moment": self._rewound,
            "stage": game.stage,
            "generator_parameters": generator,
            "discriminator_parameters": discriminator,
            "recorded": refusal is None,
            "why_not_recorded": refusal,
            "unlike_script": game.unlike_script,
            "findings": self._findings["findings"],
        }

    def _send_scene(self) -> None:
        header, arrays = self.view.scene()
        self.emit(binary(header, arrays))

    def _keep(self) -> None:
        """A moment for the timeline."""
        moment, gone = self.timeline.keep(self.game, self.settings, dict(self._books.numbers))
        self.emit({"type": "moment", "moment": moment.to_json()})
        if gone:
            self.emit({"type": "forgotten", "moments": gone})

    # -- time -----------------------------------------------------------------------------------------

    def waits(self) -> float:
        """Seconds until there is something to do; 0 is now, infinity is never unless it is called."""
        rounds = self.game.rounds.rounds
        if self._frames.ready(self.playing, rounds):
            return 0.0
        return self._speed.wait(rounds) if self.playing else math.inf

    def slice(self, seconds: float) -> None:
        """Play for so long at most, then show it where somebody looks."""
        began = time.monotonic()
        # Alone, it stops for a frame that is due, after one round at least. Among others it plays its slice
        # first: else, where there are many, there would be frames and nothing new in them.
        until = self._frames.until(self.playing) if self.company == 1 else math.inf
        end = min(began + seconds, max(until, began))
        while self.playing and self._speed.wait(self.game.rounds.rounds) == 0.0:
            self.game.round()
            self._after_rounds()
            if time.monotonic() >= end:
                break
        self._seconds += time.monotonic() - began
        if self._frames.ready(self.playing, self.game.rounds.rounds):
            self._send_frame()
        elif self.playing and self._books.age > _CURVE_SECONDS:
            self._note()

    def _after_rounds(self) -> None:
        rounds = self.game.rounds
        if self.timeline.due(rounds.rounds):
            self._keep()
        if self.checkup.due(self.game):
            self._examine()
        if self._until is not None and self.game.played >= self._until:
            self._until = None
            self.playing = False
            self._frames.due = True
            if self.checkup.at != rounds.nimg:  # where it ends by itself, the findings are those of the end
                self._examine()
            self.emit({"type": "standing", **self.progress()})
        refused, at = self._refused_since
        if rounds.rounds - at >= _REFUSED:
            if rounds.referee.refused - refused >= _REFUSED and self.playing:
                self._stop()
                why = "the numbers are no longer finite, so that no step can be made: rewind, or reset"
                self.emit({"type": "standing", **self.progress(), "why": why})
            self._refused_since = rounds.referee.refused, rounds.rounds

    def _examine(self) -> None:
        self._note()  # an examination closes the books
        self._findings = self.checkup.examine(self.game, self.timeline)
        self.emit(self._findings)

    def _send_frame(self) -> None:
        began = time.thread_time()
        wanted = self._frames.now(self.playing)
        frame = self.view.frame(wanted, brief=self.playing and self._speed.wanted is None)
        self._note(frame.numbers)
        rounds = self.game.rounds.rounds
        header = {
            "type": "frame",
            "frame": self._frames.count(rounds, time.thread_time() - began, self.company),
            **self._where(),
            "playing": self.playing,
            "stage": self.game.stage,
            "seconds": round(self._seconds, 3),
            "rounds_a_second": self._speed.measure(rounds) if self.playing else None,
            "numbers": self._books.numbers,
            **frame.header,
        }
        self.emit(binary(header, frame.arrays))

    def _where(self) -> dict[str, Any]:
        rounds = self.game.rounds
        return {"nimg": rounds.nimg, "round": self.game.played, "branch": self.timeline.branch}

    def _note(self, seen: dict[str, float | None] | None = None) -> None:
        point = self._books.read(self.game, seen, now=not self.playing)
        if point is not None:
            self.timeline.note({**self._where(), "numbers": point})
