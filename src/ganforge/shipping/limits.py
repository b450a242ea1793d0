"""What the service gives at most, and how it says no (after OWASP API4:2023)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "Refused"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Attributes:
    samples: in one request.
    numbers: of all samples of one request together.
    max_batch: samples computed in one go for all who wait.
    gather_seconds: how long a batch waits for company, while there has been company lately.
    queue: samples that may wait.
    held: bytes of samples and answers in memory at once.
    body: bytes of a request's body.
    picture_body: the same where a picture is posted.
    header_seconds: for a connection to send its next request's header, and to take what was sent to it.
    body_seconds: for a request's body to arrive.
    request_seconds: for a request as a whole.
    connections: sockets at once.
    stop_seconds: for what runs to finish, when told to stop.
    """

    samples: int = 256
    numbers: int = 1 << 25
    max_batch: int = 16
    gather_seconds: float = 0.005
    queue: int = 1024
    held: int = 256 << 20
    body: int = 64 << 10
    picture_body: int = 8 << 20
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    request_seconds: float = 120.0
    connections: int = 1024
    stop_seconds: float = 30.0


class Refused(Exception):  # noqa: N818  # an answer, not a fault
    """A request is answered with an error.

    Args:
        status: of HTTP.
        words: for whoever asked; they name the fix.
        headers: further ones.
    """

    def __init__(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.headers = headers or {}
