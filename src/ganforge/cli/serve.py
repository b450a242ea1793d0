"""`gan serve RUN`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from ganforge.cli.options import parse, run_or_last
from ganforge.core.errors import MachineError, UsageError
from ganforge.core.options import option

if TYPE_CHECKING:
    from ganforge.shipping.service import Ability

__all__ = ["Serve", "main"]


@dataclass(frozen=True)
class Serve:
    """Answer requests for samples, or for translations, over HTTP, until Ctrl-C.

    RUN is a run folder, a model folder, an .onnx file of gan export, or hub:USER/NAME. Only this machine
    can ask, unless --host says otherwise, and only with the token: the address that is printed has it.
    """

    run: Annotated[Positional[str | None], option("RUN")] = None
    """what to serve; the last run under runs/ by default"""
    host: Annotated[str, option("ADDRESS")] = "127.0.0.1"
    """where to listen; 0.0.0.0 is open to other machines"""
    port: Annotated[int, option("N")] = 8000
    """the port; 0 takes any free one"""
    token_file: Annotated[Path | None, option("FILE")] = None
    """a file with the token that requests must carry; without, one is made up, on this machine alone"""
    allow_host: Annotated[tuple[str, ...], option("NAME")] = ()
    """further names under which this machine may be asked for"""
    max_batch: Annotated[int, option("N")] = 16
    """samples computed together"""
    best: Annotated[bool, option()] = False
    """of a run, the checkpoint with the best score, in place of the newest"""


def main(arguments: list[str]) -> int:
    options = parse(Serve, "serve", arguments)
    if not 1 <= options.max_batch <= 1024:
        raise UsageError(f"--max-batch is {options.max_batch}; it must be from 1 to 1024")
    if not 0 <= options.port <= 65535:
        raise UsageError(f"--port is {options.port}; it must be from 0 to 65535")
    try:
        from ganforge.shipping.server import listen, read_token, serve
        from ganforge.shipping.service import Service
    except ImportError:
        raise MachineError("serving needs more packages: pip install 'ganforge[serve]'") from None
    from ganforge.runs.sampler import GeneratorSampler
    from ganforge.runs.translator import Translator
    from ganforge.shipping.guard import Access, is_loopback
    from ganforge.shipping.limits import Limits
    from ganforge.shipping.opening import load
    from ganforge.shipping.quick import quickest

    if options.token_file is None and not is_loopback(options.host):
        raise UsageError(
            f"--host {options.host} lets other machines ask: give --token-file FILE. To make one: "
            "(umask 077; python -c 'import secrets; print(secrets.token_urlsafe())' > token)"
        )
    token = read_token(options.token_file)
    run = options.run or str(run_or_last(None))
    sampler = load(run, moment="best" if options.best else "chosen")
    opened = listen(options.host, options.port)
    of_run = sampler.opened if isinstance(sampler, (GeneratorSampler, Translator)) else None
    sampler, engine = quickest(sampler)
    port: int = opened.getsockname()[1]
    names = tuple(name.lower() for name in (*options.allow_host, options.host))
    service = Service(
        sampler,
        name=Path(run).name,
        access=Access(is_loopback(options.host), names, token, f"ganforge-serve-{port}"),
        limits=Limits(max_batch=options.max_batch),
        abilities=_abilities(Path(run), of_run.nimg)
        if of_run is not None and isinstance(sampler, GeneratorSampler)
        else {},
    )
    main = "/translate" if isinstance(sampler, Translator) else "/sample"
    able = "".join(f", /{name}" for name in service.abilities)
    address = f"[{options.host}]" if ":" in options.host else options.host
    print(f"serving   {run}: {sampler.space.describe()}; {main}{able}")
    if of_run is not None:
        print(f"opened    {of_run.words}")
    print(f"engine    {engine}")
    where, shown = "the link below carries it", f"?token={token}"
    if options.token_file is not None:  # one that lasts does not belong into a log
        where, shown = f"the one in {options.token_file}", ""
    print(f"token     needed: {where}; programs send it as Authorization: Bearer TOKEN")
    print(f"address   http://{address}:{port}/{shown}   stop: Ctrl-C", flush=True)
    return serve(service, opened)


def _abilities(run: Path, moment: int) -> dict[str, Ability]:
    """What a run folder can do besides sampling; exported files need none of that code."""
    from ganforge.tasks.abilities import abilities

    return abilities(run, moment)
