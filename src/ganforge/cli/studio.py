"""`gan studio [RUNS]`."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse
from ganforge.core.errors import MachineError, UsageError
from ganforge.core.options import option

__all__ = ["Studio", "main"]


@dataclass(frozen=True)
class Studio:
    """Open the studio in the browser: play a game and see it, watch runs, explore what they learned.

    RUNS are folders of runs and models, or single ones. Only this machine can ask, unless --host says
    otherwise, and only with the token: the address that is printed has it.
    """

    runs: Annotated[Positional[tuple[Path, ...]], option("RUNS")] = (Path("runs"),)
    """folders of runs and models, or a run to watch"""
    port: Annotated[int, option("N")] = 8420
    """the port; 0 takes any free one"""
    host: Annotated[str, option("ADDRESS")] = "127.0.0.1"
    """where to listen; 0.0.0.0 is open to other machines"""
    token_file: Annotated[Path | None, option("FILE")] = None
    """a file with the token; without, one is made up"""
    allow_host: Annotated[tuple[str, ...], option("NAME")] = ()
    """further names under which this machine may be asked for"""
    workers: Annotated[int | None, option("N")] = None
    """processes that play games; one for each core by default"""
    no_browser: Annotated[bool, option()] = False
    """do not open a browser"""
    until_left: Annotated[bool, option()] = False
    """end some minutes after the last browser has gone, and no run is being trained"""


def main(arguments: list[str]) -> int:
    options = parse(Studio, "studio", arguments)
    if not 0 <= options.port <= 65535:
        raise UsageError(f"--port is {options.port}; it must be from 0 to 65535")
    if options.workers is not None and not 1 <= options.workers <= 256:
        raise UsageError(f"--workers is {options.workers}; it must be from 1 to 256")
    try:
        from ganforge.shipping.server import listen, read_token, serve
        from ganforge.studio import app
    except ImportError:
        raise MachineError("the studio needs more packages: pip install 'ganforge[studio]'") from None
    from ganforge.shipping.guard import Access, is_loopback

    roots, watch = _roots(options.runs)
    token = read_token(options.token_file)
    opened = listen(options.host, options.port)
    port: int = opened.getsockname()[1]
    names = tuple(name.lower() for name in (*options.allow_host, options.host))
    access = Access(is_loopback(options.host), names, token, app.cookie_name(port), app.is_open, "studio")
    studio = app.Studio(
        roots, access=access, watch=watch, workers=options.workers, until_left=options.until_left
    )
    shown = f"[{options.host}]" if ":" in options.host else options.host
    address = f"http://{shown}:{port}/?token={token}"
    print(f"studio    runs under {', '.join(map(str, options.runs))}")
    print("token     needed: the link below carries it")
    print(f"address   {address}   stop: Ctrl-C", flush=True)
    if not options.no_browser:
        webbrowser.open(address)
    return serve(studio, opened, message_bytes=studio.bounds.message_bytes)


def _roots(given: tuple[Path, ...]) -> tuple[list[Path], str | None]:
    """Folders to look in, and the run to be seen first, where one was named."""
    roots: list[Path] = []
    watch = None
    for path in given:
        if (path / "run.json").is_file() and watch is None:
            watch = f"{len(roots)}:."
        if not path.exists() and path != Path("runs"):
            raise UsageError(f"there is no {path}; name a folder of runs, or leave it out")
        roots.append(path)
    return roots, watch
