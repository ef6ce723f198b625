"""What the files of a recorded call's folder are called."""

from typing import Final

AUDIO: Final = "call.wav"
JOURNAL: Final = "journal.jsonl"
PROFILE: Final = "profile.toml"
POLICY: Final = "policy.toml"
LABELS: Final = "labels.json"
PARTS: Final = (JOURNAL, AUDIO, PROFILE, POLICY, LABELS)
