"""Where voicecli keeps its data on this machine."""

import os
from pathlib import Path

from voicecli.foreign import named_path


def home() -> Path:
    """`$VOICECLI_HOME`, or the platform's folder for a program's data; may not exist yet."""
    if own := os.environ.get("VOICECLI_HOME"):
        return named_path(own)
    from platformdirs import user_data_path  # noqa: PLC0415 - only needed without VOICECLI_HOME

    return user_data_path("voicecli", appauthor=False)


def models_folder() -> Path:
    """The folder that holds one folder for each model."""
    return home() / "models"
