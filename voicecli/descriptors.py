"""Open files: how many this process may have, and whether they are as many as it needs."""

import errno
from contextlib import suppress
from pathlib import Path
from typing import Final

from voicecli.errors import UsageError

TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""Numbers of the errors that say that there were too many."""
_MOST: Final = 65_536
"""What is asked for where the system sets no limit."""
ADVICE: Final = "allow more, such as with `ulimit -n 1024`."


def require_descriptors(needed: int) -> None:
    """Have the system allow that many open files, as far as it lets us.

    Raises:
        UsageError: it allows fewer.
    """
    try:
        import resource  # noqa: PLC0415 - Windows has no such limit, and no such module
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= needed:
        return
    if hard != unlimited and hard < needed:
        raise UsageError(f"this needs up to {needed} open files and may have {hard}: {ADVICE}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def raise_descriptor_limit() -> None:
    """Have as many descriptors as the system gives without asking root."""
    import resource  # noqa: PLC0415 - as above; no server runs on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else hard
    if soft not in {wanted, resource.RLIM_INFINITY}:
        with suppress(ValueError, OSError):  # macOS has a lower limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def free_descriptors() -> int:
    """How many files and sockets this process may yet open."""
    import resource  # noqa: PLC0415 - likewise

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST
    try:
        return soft - sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:  # a bare chroot
        return soft // 2
