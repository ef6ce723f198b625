"""What several tests of the line need: short specs and speech-like sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from telephony_sim.spec import LineSpec, parse_line


def line(*chain: dict[str, Any], **ends: dict[str, Any]) -> LineSpec:
    """A line whose uplink has this chain and these ends, and whose downlink is clean."""
    return parse_line({"uplink": {"chain": list(chain), **ends}}, Path("test.toml"))


def voiced(seconds: float, period: int = 57) -> np.ndarray:
    """A vowel-like sound: harmonics of one pitch, slowly swelling; int16 at 8 kHz."""
    time = np.arange(round(seconds * 8000))
    wave = sum(np.sin(2 * np.pi * k * time / period + k * k) / k for k in range(1, 12))
    return np.rint(4000 * wave * (0.7 + 0.3 * np.sin(time / 9000))).astype(np.int16)


def sentence(seconds: float) -> np.ndarray:
    """Vowels of changing pitch with noise bursts and pauses between them; int16 at 8 kHz."""
    rng = np.random.default_rng(11)
    pieces: list[np.ndarray] = []
    while sum(map(len, pieces)) < seconds * 8000:
        pieces.append(voiced(0.2, int(rng.integers(40, 110))))
        pieces.append((rng.standard_normal(600) * 800).astype(np.int16))
        pieces.append((rng.standard_normal(1500) * 5).astype(np.int16))
    return np.concatenate(pieces)[: round(seconds * 8000)]
