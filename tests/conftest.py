"""What holds for the whole test run, and other people's packages that a test installs."""

import os
import signal
import sys
from collections.abc import Mapping

import pytest

from pipelines.engines import registry
from telephony_sim import parts
from voicecli.carriers import registry as carriers

# A shell starts background jobs deaf to Ctrl-C, and their children are deaf too; the tests that
# press it must work there as well.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What is drawn for a terminal is the same wherever the tests run; those of a dumb one say so.
if os.environ.get("TERM") == "dumb":
    del os.environ["TERM"]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a package on the path, as an installer leaves it there; gone after the test.

    Call it with the distribution's name, for each group of entry points what each name stands
    for, and the source of each module. The version is 1.0.
    """
    folder = tmp_path / "installed"
    folder.mkdir()
    before = set(sys.modules)

    def add(
        name: str, entry_points: Mapping[str, Mapping[str, str]], sources: Mapping[str, str]
    ) -> None:
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = (
            line
            for group, points in entry_points.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in points.items()))
        )
        (info / "entry_points.txt").write_text("\n".join(lines))
        for module, source in sources.items():
            (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)
        _look_again()

    yield add
    _look_again()
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[module]


def _look_again() -> None:
    for look_up in (registry.plug_ins, parts.plug_ins, carriers.plug_ins):
        look_up.cache_clear()
