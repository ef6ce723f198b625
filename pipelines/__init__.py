"""The voice agent: the turn-taking core, the engines, and the two shells that run them."""

import os
from typing import Final

SILENCED: Final = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime writes a device id and a queue, and looks up a host
    "HF_HUB_DISABLE_TELEMETRY": "1",  # what was fetched with which versions
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",  # what others agree to ask
}
"""What keeps libraries from reporting to their makers; read when they are first imported, so set
here, before any of them is, and passed on to every process that is started."""

os.environ.update(SILENCED)
