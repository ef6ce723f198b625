"""voicecli: the program around the voice agent (commands, screens, wires to the outside)."""

import pipelines  # noqa: F401 - first of all: it silences what would report to its maker
