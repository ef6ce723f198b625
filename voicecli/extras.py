"""Optional packages: whether what an option needs is there, asked before any work is done."""

from importlib.util import find_spec

from voicecli.errors import UsageError


def require_extra(option: str, extra: str, *packages: str) -> None:
    """Check that the packages of voicecli's extra `extra` that an option needs are installed.

    Raises:
        UsageError: some are not; says what to install.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise UsageError(f"{option} needs {names}: pip install 'voicecli[{extra}]'.")
