"""The service under load: a real process and real sockets, of the recipe dcgan at 64×64.

The bars: one picture is answered in at most 25 ms (p95) on two cores, and 64 clients at once get no error
while memory stays flat. Client and service share the machine's cores.

    python benchmarks/serve_load.py RUN_OR_FILE [--seconds 30] [--clients 64]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BAR_MS, BAR_GROWTH = 25.0, 0.10
TOKEN = secrets.token_urlsafe()


def start(what: str) -> tuple[subprocess.Popen[str], int]:
    """`gan serve` on a free port."""
    program = "import sys; from ganforge.cli import main; sys.argv[0] = 'gan'; sys.exit(main())"
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(TOKEN)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "serve", what, "--port", "0", "--token-file", file.name],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="")
        found = re.search(r"http://\S+:(\d+)/", line)
        if found:
            Path(file.name).unlink()
            return process, int(found[1])
    raise SystemExit("it did not start")


def memory(process: subprocess.Popen[str]) -> float:
    """Resident MB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[0]) / 1e3


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seed: int) -> int:
    """One request on a connection that stays; gives the status."""
    body = json.dumps({"seed": seed}).encode()
    head = "POST /sample HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {TOKEN}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", answer)
    assert length is not None
    await reader.readexactly(int(length[1]))
    return int(answer[9:12])


async def client(port: int, until: float, spent: list[float], statuses: list[int], first: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seed = first
    while time.monotonic() < until:
        began = time.perf_counter()
        statuses.append(await ask(reader, writer, seed))
        spent.append(1e3 * (time.perf_counter() - began))
        seed += 1
    writer.close()


async def load(port: int, clients: int, seconds: float) -> tuple[list[float], list[int]]:
    """Milliseconds and statuses of all requests of so many clients, each asking again at once."""
    spent: list[float] = []
    statuses: list[int] = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(client(port, until, spent, statuses, i * 10**6) for i in range(clients)))
    return spent, statuses


async def silent(port: int, process: subprocess.Popen[str], seconds: float) -> tuple[float, float]:
    """What 1,000 connections that never ask cost: MB, and the share of a core."""
    before = memory(process)
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(1000)]
    began, spent = time.monotonic(), cpu_seconds(process)
    await asyncio.sleep(min(seconds, 8.0))  # they are cut after ten seconds
    share = (cpu_seconds(process) - spent) / (time.monotonic() - began)
    growth = memory(process) - before
    for _, writer in opened:
        writer.close()
    return growth, share


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(name: str, spent: list[float], statuses: list[int], seconds: float) -> None:
    bad = sum(status != 200 for status in statuses)
    times = [f"{np.percentile(spent, share):.1f}" for share in (50, 95, 99)]
    print(f"| {name} | {len(spent)} | {bad} | {len(spent) / seconds:.0f} | {' | '.join(times)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=64)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    print(f"{time.strftime('%Y-%m-%d')}  {' '.join(sys.argv)}\n")
    process, port = start(options.what)
    try:
        asyncio.run(load(port, 1, 2.0))  # to get warm
        print("\n| clients | requests | errors | a second | p50 ms | p95 ms | p99 ms |")
        print("|---|---|---|---|---|---|---|")
        alone, statuses = asyncio.run(load(port, 1, options.seconds / 3))
        row("1", alone, statuses, options.seconds / 3)
        errors = sum(status != 200 for status in statuses)
        asyncio.run(load(port, options.clients, options.seconds / 3))
        before = memory(process)
        spent, statuses = asyncio.run(load(port, options.clients, options.seconds))
        row(str(options.clients), spent, statuses, options.seconds)
        after = memory(process)
        crowd = asyncio.run(silent(port, process, 10.0))
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    errors += sum(status != 200 for status in statuses)
    p95, growth = float(np.percentile(alone, 95)), after / before - 1
    print(
        f"\nmemory after a third of the load {before:.0f} MB, at the end {after:.0f} MB; stopped with {code}"
    )
    print(f"1,000 silent sockets: {crowd[0]:.0f} MB more, {crowd[1]:.1%} of a core")
    held = p95 <= BAR_MS and errors == 0 and growth < BAR_GROWTH
    said = f"p95 {p95:.1f} of {BAR_MS:g} ms, {errors} errors, growth {growth:.1%}"
    print(f"bars: {said}: {'held' if held else 'MISSED'}")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
