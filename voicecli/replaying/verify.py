"""Feeds a recorded call's events to the core again: its commands must equal the recorded ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from operator import eq
from pathlib import Path

from pipelines.turn_taking.commands import Command
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos
from voicecli.profile import load_policy, load_profile
from voicecli.recording.bundle import POLICY, PROFILE


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place at which a call goes another way than it was recorded."""

    at: Nanos
    recorded: Command | None
    now: Command | None


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the core still does what it did."""

    events: int
    commands: int
    difference: Difference | None


def recorded_policy(folder: Path) -> Policy:
    """The thresholds under which a recorded call was made.

    Raises:
        ProfileError: a file of the folder is wrong.
    """
    policy = load_profile(str(folder / PROFILE)).policy
    overlay = folder / POLICY
    return load_policy(overlay, policy) if overlay.exists() else policy


def verify(entries: Sequence[Entry], policy: Policy, *, cut_short: bool = False) -> Verification:
    """Run the core over the recorded events, without any engine.

    What was `cut_short` may lack commands of its last event.
    """
    core = Conversation(policy)
    issued: list[Issued] = []
    last = 0
    for entry in entries:
        if not isinstance(entry, Issued):
            commands = core.handle(entry)
            issued += [Issued(entry.at, command) for command in commands]
            last = len(commands)
    recorded = [entry for entry in entries if isinstance(entry, Issued)]
    missing = len(issued) - len(recorded)
    if cut_short and 0 < missing <= last:
        del issued[-missing:]
    return Verification(
        events=len(entries) - len(recorded),
        commands=len(issued),
        difference=first_difference(recorded, issued),
    )


def first_difference(
    recorded: Sequence[Issued], now: Sequence[Issued], same: Callable[[Issued, Issued], bool] = eq
) -> Difference | None:
    """Where two runs part; None if they are the same, by default to the bit."""
    for was, is_ in zip_longest(recorded, now):
        if was is None or is_ is None or not same(was, is_):
            moments = [issued.at for issued in (was, is_) if issued is not None]
            return Difference(
                min(moments),
                was.command if was is not None else None,
                is_.command if is_ is not None else None,
            )
    return None
