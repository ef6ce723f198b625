"""Optional packages: whether what an option needs works, asked before any work is done."""

from importlib import import_module
from importlib.util import find_spec

from voicecli.errors import UsageError


def require_extra(option: str, extra: str, *modules: str) -> None:
    """Load what an option needs of the packages of voicecli's extra `extra`.

    Raises:
        UsageError: some are not installed, or cannot be loaded; says what to install.
    """
    packages = [module.partition(".")[0] for module in modules]
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise UsageError(f"{option} needs {names}: pip install 'voicecli[{extra}]'.")
    for module, package in zip(modules, packages, strict=True):
        try:
            import_module(module)
        except Exception as error:  # edge: a broken installation raises anything
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise UsageError(
                f"{option} needs {package}, which cannot be loaded ({why}); "
                f"install it anew: pip install --force-reinstall {package}"
            ) from error
