"""Recorded calls through the agent again; called itself, this package is `voicecli.replay(…)`.

The function and the package share one name: Python sets `voicecli.replay` to the package as soon
as any module of it is imported, so the package can be called.
"""

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What `voicecli.api.replay` does."""
        from voicecli.api import replay  # noqa: PLC0415 - slow

        return replay(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
