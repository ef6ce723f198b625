"""A recorded call under another policy: model outputs as recorded, other decisions."""

from dataclasses import replace
from pathlib import Path

from pipelines.engines.text_file import decode
from pipelines.runtime.clock import Stopwatch
from pipelines.runtime.engines import Engines
from pipelines.runtime.recorded_answers import recorded_answers_from
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.decisions import Decision
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.lines import open_line
from voicecli.profile import Profile, load_policy
from voicecli.recording.bundle import Bundle
from voicecli.recording.journal import JournalHeader
from voicecli.replaying.run import FinishedCall
from voicecli.replaying.source import CallSource
from voicecli.replaying.verify import first_difference
from voicecli.transports.file_caller import FileCaller


def run_under(
    source: CallSource, bundle: Bundle, policy_file: Path, profile: Profile, engines: Engines
) -> FinishedCall:
    """Run a recorded call with the thresholds of `policy_file` laid over its own.

    The recorded caller speaks at the recorded times; engines are asked only what was never asked
    in the recorded call. Ctrl-C ends it early, marked as partial.

    Args:
        source: the call.
        bundle: the same, as recorded.
        policy_file: TOML of `[policy.*]` tables.
        profile: that of the recording; only its thresholds and its line are used.
        engines: who answers what was never asked.

    Raises:
        ProfileError: the policy or the line is wrong.
        WeightsError: an engine is needed and its weights are missing.
    """
    policy = load_policy(policy_file, profile.policy)
    header = bundle.header
    line, seed = str(header.metadata.get("line", profile.line)), header.metadata.get("seed", 0)
    uplink, downlink = open_line(line, int(seed))
    turns = source.labels.turns if source.labels is not None else None
    caller = FileCaller(source.audio, turns, "recorded", uplink=uplink, downlink=downlink)
    recorded_answers = recorded_answers_from(bundle.entries, bundle.stereo[:, 1], header.rate)
    entries: list[Entry] = []
    watch, partial = Stopwatch(), False
    try:
        run_virtual(policy, engines, caller, entries.append, recorded_answers=recorded_answers)
    except KeyboardInterrupt:
        partial = True
    metadata = {
        **header.metadata,
        "policy": policy_file.name,
        "asked_anew": recorded_answers.missed,
    }
    diverged = _diverged(bundle.entries, entries)
    if diverged is not None:
        metadata["diverged_s"] = diverged / SECOND
    return FinishedCall.of(
        f"{source.name}.{policy_file.stem}",
        JournalHeader(header.profile, header.rate, metadata, partial),
        entries,
        caller,
        labels=source.labels,
        watch=watch,
        policy=decode(policy_file.read_bytes()),
    )


def _diverged(recorded: list[Entry], now: list[Entry]) -> Nanos | None:
    """When the agent first acted otherwise: the recorded caller could not react to that."""
    difference = first_difference(_acts(recorded), _acts(now), _same_act)
    return None if difference is None else difference.at


def _acts(entries: list[Entry]) -> list[Issued]:
    """Commands that do something."""
    return [
        entry
        for entry in entries
        if isinstance(entry, Issued) and not isinstance(entry.command, Decision)
    ]


def _same_act(one: Issued, other: Issued) -> bool:
    """Whatever the reason: other thresholds are other reasons for the same thing."""
    return one.at == other.at and replace(one.command, reason=other.command.reason) == other.command
