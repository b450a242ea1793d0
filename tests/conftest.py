"""What tests share: real data, one cache, and one thread, so that bits do not depend on the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from ganforge.cli import main
from ganforge.core import plugins
from ganforge.training import probe

# Small tensors on two threads that share two cores with others wait for each other more than they work.
torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two processes (`-n 2 --dist loadgroup`) one plays a whole file, and one all that asks one studio."""
    for item in items:
        path = item.path.relative_to(ROOT)
        group = path.parent if "studio" in path.parts[:-1] else path
        item.add_marker(pytest.mark.xdist_group(group.as_posix()))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, beside the checkout or named by GANFORGE_TEST_DATA."""
    folder = Path(os.environ.get("GANFORGE_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the folder of real test data; none at {folder} (set GANFORGE_TEST_DATA)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is learned of data is kept for all tests, and no training measures for seconds how to compute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANFORGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(probe, "_SECONDS", 0.01)
        yield


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All of it in one line."""
        return " ".join((self.out + self.err).split())


Call = Callable[..., Answer]


@pytest.fixture
def gan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call `gan` within the test's own process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*words: object) -> Answer:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # a help page
            code = int(end.code or 0)
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has run no plugin yet, and another one afterwards."""
    monkeypatch.setattr(plugins, "_found", {})
    monkeypatch.setattr(plugins, "_variable_read", False)
    monkeypatch.setenv(plugins.VARIABLE, "")
    yield
    for name in [name for name in sys.modules if name.startswith("ganforge_plugin_")]:
        del sys.modules[name]
