"""Compare profiles on the same calls from Python.

python examples/compare_profiles.py naive embedded --call plain_turns --call pauses
"""

import argparse

from voicecli import Results, replay

FIGURES = ("voice_to_voice.p50", "voice_to_voice.p95", "cut_ins", "interruptions", "failures")


def compare(profiles: list[str], calls: list[str], line: str | None = None) -> dict[str, Results]:
    """What each profile made of the calls."""
    return {name: replay(calls, profile=name, line=line) for name in profiles}


def shown(value: float | None) -> str:
    """A figure for the table."""
    return "–" if value is None else f"{value:,.0f}"


def main() -> None:
    """Print a table with a column for each profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profiles", nargs="+", help="shipped profiles, or TOML files")
    parser.add_argument("--call", action="append", default=[], help="repeatable")
    parser.add_argument("--line", help="a phone line instead of the profiles' own")
    given = parser.parse_args()
    results = compare(given.profiles, given.call or ["plain_turns"], given.line)
    width = max(map(len, FIGURES))
    print(" " * width, *(f"{name:>16.16}" for name in results))
    for figure in FIGURES:
        row = (f"{shown(found.value(figure)):>16}" for found in results.values())
        print(f"{figure:<{width}}", *row)


if __name__ == "__main__":
    main()
