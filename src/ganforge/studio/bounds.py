"""What the studio gives at most. Everything here is told to the browser, which says it on the screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Bounds"]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Attributes:
    play_sessions: games at once, over all browsers.
    points: that can be drawn.
    upload_bytes: of a file of examples.
    uploads: files kept; the oldest goes.
    width, depth, batch, latent, kimg: of a game that is played here.
    moves: of the discriminator for each of the generator's; also penalties, and examples judged together.
    parameters: of both players together.
    examples: numbers of all training examples of a game together.
    moments, moment_bytes: kept on a timeline.
    idle_seconds: without a word from the browser, after which a game ends.
    grace_seconds: in which a browser that has left, or was cut off, can come back to its game.
    message_bytes: of one message from a browser.
    explore_models: kept open at once.
    pictures: in one answer.
    translated_pixels: of a result.
    shelf, shelf_bytes: pictures of translations that are kept; the oldest go.
    frames_a_second: at most.
    sockets: at once.
    """

    play_sessions: int = 64
    points: int = 2_000
    upload_bytes: int = 16 << 20
    uploads: int = 32
    width: int = 512
    depth: int = 8
    batch: int = 2_048
    latent: int = 256
    kimg: int = 1_000_000
    moves: int = 64
    parameters: int = 4_000_000
    examples: int = 1 << 26
    moments: int = 200
    moment_bytes: int = 64 << 20
    idle_seconds: float = 900.0
    grace_seconds: float = 300.0
    message_bytes: int = 12 << 20
    explore_models: int = 4
    pictures: int = 64
    translated_pixels: int = 16_000_000
    shelf: int = 48
    shelf_bytes: int = 256 << 20
    frames_a_second: int = 20
    sockets: int = 256

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
