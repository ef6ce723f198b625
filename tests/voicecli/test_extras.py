"""Optional packages that are missing or broken."""

import sys

import pytest

from voicecli.errors import UsageError
from voicecli.extras import require_extra


@pytest.mark.parametrize(
    "fault",
    ["import no_such_module_xyz", "raise RuntimeError('built for\\nanother numpy')", "x ="],
)
def test_a_package_that_breaks_when_it_is_loaded_is_told_as_such(monkeypatch, tmp_path, fault):
    (tmp_path / "broken_extra").mkdir()
    (tmp_path / "broken_extra" / "__init__.py").touch()
    (tmp_path / "broken_extra" / "drawing.py").write_text(fault)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        UsageError, match=r"--plot needs broken_extra, which cannot be loaded \("
    ) as told:
        require_extra("--plot", "quality", "broken_extra.drawing")
    assert "\n" not in str(told.value)
    sys.modules.pop("broken_extra", None)


def test_a_package_that_is_missing_names_the_extra():
    with pytest.raises(UsageError, match=r"no_such_package_xyz: pip install 'voicecli\[quality\]'"):
        require_extra("--plot", "quality", "no_such_package_xyz.drawing")


def test_what_is_there_is_no_complaint():
    require_extra("--plot", "quality", "json.decoder")
