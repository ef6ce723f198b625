"""Writes a tuned profile."""

import tomllib
from typing import Any

from voicecli.foreign import to_toml
from voicecli.profile import Profile
from voicecli.tune.space import Point


def tuned_profile(profile: Profile, point: Point) -> str:
    """The profile as TOML, under a name of its own, with the point's delays and weights.

    Comments are lost.
    """
    tables: dict[str, Any] = tomllib.loads(profile.source)
    tuned = point.policy(profile.policy).endpointing
    for name, weight in tuned.weights:
        tables["turn_detectors"][name]["weight"] = round(weight, 2)
    endpointing = tables.setdefault("policy", {}).setdefault("endpointing", {})
    endpointing["delays_ms"] = [[p, round(ms)] for p, ms in tuned.delays_ms]
    endpointing["backstop_ms"] = tuned.backstop_ms
    tables = {**tables, "name": f"{profile.name}_tuned"}
    head = f"# {profile.name} as `voicecli tune` would have it.\n"
    return head + "\n".join(_lines(tables, ()))


def _lines(table: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    """The table's keys, then the tables in it; no value is a table."""
    keys = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"{key} = {to_toml(value)}" for key, value in keys.items()]
    if path and (lines or not table):
        lines = ["", f"[{'.'.join(path)}]", *lines]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _lines(value, (*path, key))
    return lines if path else [*lines, ""]
