"""Open files: whether this process may have as many as it needs, said before it begins."""

import errno
from typing import Final

from voicecli.errors import UsageError

TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""Numbers of the errors that say that there were too many."""
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
