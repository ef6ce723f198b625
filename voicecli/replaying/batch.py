"""Replays calls one after the other: what is shown meanwhile, and what is written after."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.runtime.engines import Engines
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import SECOND
from voicecli.engines import LazyEngines
from voicecli.errors import (
    AssertionUnmetError,
    EngineError,
    InputError,
    ProfileError,
    VoicecliError,
    WeightsError,
)
from voicecli.foreign import one_line
from voicecli.models.store import require_models
from voicecli.names import distinct_names, names_within, refuse_to_overwrite
from voicecli.profile import DEFAULT_PROFILE, Profile, load_policy, load_profile, to_toml
from voicecli.recording.audio_file import AS_IT_SAYS, Reading
from voicecli.recording.bundle import PROFILE, Bundle
from voicecli.replaying.run import Clock, FinishedCall, Setting, run_call
from voicecli.replaying.screen import EngineCache, call_progress
from voicecli.replaying.source import CallSource, open_call, told_apart
from voicecli.replaying.trust import line_of, profile_for
from voicecli.replaying.verify import recorded_policy, verify
from voicecli.replaying.whatif import run_under
from voicecli.report.assertions import Outcome, check, parse_condition, require
from voicecli.report.brief import Brief
from voicecli.report.call_report import CallReport, build_call_report
from voicecli.report.json_report import write_json_report
from voicecli.report.junit import write_junit_report
from voicecli.report.lines import LineTable
from voicecli.report.screen import Console
from voicecli.report.shadows import ShadowDetails, ShadowSummary
from voicecli.report.summary import Summary
from voicecli.report.trace import write_trace
from voicecli.report.waterfall import CallWaterfall
from voicecli.rest import Rest
from voicecli.shadow.choice import Choice, build_shadows, shadow_weights
from voicecli.shadow.score import Shadows
from voicecli.transports.caller_timing import Pace

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What to replay, and under what."""

    calls: tuple[str, ...]
    recompute: bool
    profile: str | None
    policy: Path | None
    pace: Pace | None
    lines: tuple[str, ...]
    seed: int
    clock: Clock
    shadows: tuple[Choice, ...] = ()
    trust_bundle: bool = False
    """Whether a recorded call's own profile may run code and use services and files."""
    reading: Reading = AS_IT_SAYS


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results go."""

    folder: Path
    json: Path
    junit: Path | None
    trace: Path | None
    quiet: bool
    brief: bool = False
    """Whether calls are shown on one screen each, and not by their waterfalls and a summary."""

    @property
    def names(self) -> list[str]:
        """What the reports are called that stand beside the calls' folders."""
        folder = self.folder.absolute()
        return [path.name for path in self.reports if path.absolute().parent == folder]

    @property
    def reports(self) -> list[Path]:
        """The files that are written about all calls."""
        return [path for path in (self.json, self.junit, self.trace) if path is not None]


def run_batch(
    batch: Batch, outputs: Outputs, asserts: Sequence[str], *, strict: bool = False
) -> None:
    """Replay everything, then write the reports and check the conditions.

    Ctrl-C ends the call under way; what was measured until then is reported and marked as partial.

    Raises:
        SystemExit: with 130 after Ctrl-C.
        AssertionUnmetError: a condition does not hold, or a recorded call goes another way now.
        EngineError: an engine or a turn failed, and this is to be `strict`.
        VoicecliError: a call cannot be used, after the others were replayed; a profile, a line or
            an engine cannot.
    """
    console = Console()
    conditions = [parse_condition(text) for text in asserts]
    rest = Rest(len(batch.calls))
    sources = told_apart(_usable(batch, rest), outputs.names)
    if not sources:
        rest.finish()
    refuse_to_overwrite(outputs.reports, _read(batch, sources))
    replayer = _Replayer(batch, outputs, console, [source.path for source in sources])
    reports: list[CallReport] = []
    for source in sources:
        if source.audio.note:
            console.print(one_line(f"{source.name}: {source.audio.note}"), style="yellow")
        with rest.goes_on(source.name, *_of_its_own(source, batch)):
            for report in replayer.replay(source):
                reports.append(report)
                _show(console, report, outputs)
        if replayer.interrupted:
            break
    outcomes = [check(condition, reports) for condition in conditions]
    _sum_up(console, batch, outputs, reports, outcomes)
    _write_reports(outputs, reports, outcomes, rest.problems)
    if not outputs.brief:
        console.print(one_line(f"report: {outputs.json}"), style="dim")
    if replayer.interrupted:
        raise SystemExit(INTERRUPTED)
    if replayer.differences:
        raise AssertionUnmetError(" ".join(replayer.differences))
    require(outcomes)
    rest.finish()
    if strict and (failures := [failure for report in reports for failure in report.failures]):
        raise EngineError(f"{len(failures)} failure(s), the first: {failures[0]}.")


def _show(console: Console, report: CallReport, outputs: Outputs) -> None:
    if outputs.brief:
        console.print(Brief(report))
    elif not outputs.quiet:
        console.print(CallWaterfall(report), "")
        for shadow in report.shadows:
            console.print(ShadowDetails(shadow), "", crop=False)


def _sum_up(
    console: Console,
    batch: Batch,
    outputs: Outputs,
    reports: Sequence[CallReport],
    outcomes: Sequence[Outcome],
) -> None:
    if not outputs.brief or outcomes:
        console.print(Summary(reports, outcomes))
    if batch.shadows:
        console.print("", ShadowSummary(reports), crop=False)
    if len(batch.lines) > 1:
        console.print("", LineTable(reports), crop=False)


def _usable(batch: Batch, rest: Rest) -> list[CallSource]:
    """The calls that can be read, and whose models are here."""
    sources: list[CallSource] = []
    for call in batch.calls:
        with rest.goes_on(call):
            source = open_call(call, batch.reading)
            with rest.goes_on(call, *_of_its_own(source, batch)):
                require_models(_weights(source, batch))
                sources.append(source)
    return sources


def _read(batch: Batch, sources: Sequence[CallSource]) -> Iterator[Path]:
    """The files and folders that the user has named."""
    yield from (source.path for source in sources)
    yield from (Path(name) for name in (batch.profile, *batch.lines) if name)
    if batch.policy is not None:
        yield batch.policy


def _of_its_own(source: CallSource, batch: Batch) -> tuple[type[VoicecliError], ...]:
    """Errors that say nothing about the other calls: of a profile that only this one has."""
    own = source.bundle is not None and batch.profile is None
    return (ProfileError, WeightsError, EngineError) if own else ()


def _write_reports(
    outputs: Outputs,
    reports: Sequence[CallReport],
    outcomes: Sequence[Outcome],
    unusable: Mapping[str, str],
) -> None:
    write_json_report(outputs.json, reports, outcomes, unusable)
    if outputs.junit is not None:
        write_junit_report(outputs.junit, reports, outcomes, unusable)
    if outputs.trace is not None:
        write_trace(outputs.trace, reports)


class _Replayer:
    """Runs or reads one call after the other, in the mode that the options and the call ask for."""

    def __init__(
        self, batch: Batch, outputs: Outputs, console: Console, read: Sequence[Path]
    ) -> None:
        self._batch = batch
        self._outputs = outputs
        self._console = console
        self._engines = EngineCache()
        self._taken = names_within(outputs.folder, read)
        """What the calls that are read are called where others are written."""
        self.interrupted = False
        """Whether Ctrl-C broke off a run."""
        self.differences: list[str] = []
        """A sentence for each recorded call that goes another way now."""

    def replay(self, source: CallSource) -> Iterator[CallReport]:
        """Reports of a call: several if it is run over several lines."""
        if self._batch.policy is not None:
            yield self._what_if(source, self._batch.policy)
        elif source.bundle is not None and not self._batch.recompute:
            yield self._recorded(source, source.bundle)
        else:
            yield from self._runs(source)

    def _what_if(self, source: CallSource, policy: Path) -> CallReport:
        if source.bundle is None:
            raise InputError(
                f"{source.path} has no journal for --policy to work on; run `voicecli replay "
                f"{source.path}` first, and then this on the folder it leaves."
            )
        profile = self._profile_of(source.bundle, line_of(source.bundle))
        engines = LazyEngines(profile)
        recorded = load_profile(str(source.path / PROFILE))
        shadows = self._shadows(profile, engines, load_policy(policy, recorded.policy))
        call = self._beside(run_under(source, source.bundle, policy, recorded, engines))
        self._save(call, source.bundle.profile)
        self.interrupted = call.header.partial
        return replace(call.report(), shadows=shadows.report(call))

    def _recorded(self, source: CallSource, bundle: Bundle) -> CallReport:
        """A call of voicecli's own: its journal tells everything; the core must still agree."""
        cut_short = bundle.header.partial
        policy = recorded_policy(source.path)
        result = None
        if bundle.header.metadata.get("redacted") is not True:
            result = verify(bundle.entries, policy, cut_short=cut_short)
        if cut_short:
            self._console.print(
                f"{one_line(source.name)}: the recording was cut short; this is what there is.",
                style="yellow",
            )
        if result is None:
            self._console.print(
                f"{one_line(source.name)}: words were redacted, so the core cannot be asked again.",
            )
        elif result.difference is None:
            self._console.print(
                f"{one_line(source.name)}: {result.events:,} events replayed, all "
                f"{result.commands:,} commands are the same to the bit."
            )
        else:
            self.differences.append(
                f"{source.name} goes another way from {result.difference.at / SECOND:.3f} s: "
                f"recorded {result.difference.recorded}, now {result.difference.now}."
            )
        report = build_call_report(
            source.name, bundle.header, bundle.entries, bundle.stereo, bundle.labels
        )
        if not self._batch.shadows:
            return report
        profile = self._profile_of(bundle, line_of(bundle))
        shadows = self._shadows(profile, LazyEngines(profile), policy)
        return replace(report, shadows=shadows.report(bundle))

    def _runs(self, source: CallSource) -> Iterator[CallReport]:
        """The call run once per line."""
        batch = self._batch
        if source.bundle is None:
            profile = _profile_for(source, batch)
        else:
            own_line = None if batch.lines or batch.profile else line_of(source.bundle)
            profile = self._profile_of(source.bundle, own_line)
        engines = self._engines.get(profile, self._console)
        shadows = self._shadows(profile, engines, profile.policy)
        lines = batch.lines or (_line_for(source, batch, profile),)
        short = distinct_names([(Path(line).stem, Path(line)) for line in lines])
        for line, name in zip(lines, short, strict=True):
            setting = Setting(profile, line, batch.seed, _pace_for(source, batch), batch.clock)
            what = f"{source.name} over {line}"
            with call_progress(self._console, what, source) as progress:
                call = run_call(source, setting, engines, progress)
            if len(lines) > 1:
                call = replace(call, name=f"{source.name}.{name}")
            call = self._beside(call)
            self._save(call, to_toml(profile))
            self.interrupted = call.header.partial
            yield replace(call.report(), shadows=shadows.report(call))
            if self.interrupted:
                return

    def _profile_of(self, bundle: Bundle, line: str | None) -> Profile:
        """The profile whose engines run on a recorded call, over that line of its own."""
        batch = self._batch
        return profile_for(bundle, batch.profile, trusted=batch.trust_bundle, line=line)

    def _shadows(self, profile: Profile, engines: Engines, policy: Policy) -> Shadows:
        return Shadows(build_shadows(self._batch.shadows, profile, engines), policy)

    def _beside(self, call: FinishedCall) -> FinishedCall:
        """The call, under another name if its own is that of a recording that is read here."""
        [name] = distinct_names([(call.name, Path(call.name))], self._taken)
        self._taken.append(name)
        return replace(call, name=name)

    def _save(self, call: FinishedCall, profile: str) -> None:
        folder = self._outputs.folder / call.name
        call.write(folder, profile)
        shown = f"{call.name}: {folder}/call.wav, journal.jsonl"
        if self._outputs.brief:
            shown = f"every millisecond and decision: voicecli replay {shlex.quote(str(folder))}"
        self._console.print(one_line(shown), style="dim", soft_wrap=True)


def _weights(source: CallSource, batch: Batch) -> Iterator[str]:
    """The models that are sure to be needed."""
    if source.bundle is not None and (batch.policy is not None or not batch.recompute):
        profile = load_profile(str(source.path / PROFILE))
    else:
        profile = _profile_for(source, batch)
        yield from profile.weights
    yield from shadow_weights(batch.shadows, profile)


def _profile_for(source: CallSource, batch: Batch) -> Profile:
    own = DEFAULT_PROFILE if source.bundle is None else str(source.path / PROFILE)
    return load_profile(batch.profile or own)


def _line_for(source: CallSource, batch: Batch, profile: Profile) -> str:
    if source.bundle is not None and batch.profile is None:
        return line_of(source.bundle)
    return profile.line


def _pace_for(source: CallSource, batch: Batch) -> Pace:
    if batch.pace is not None:
        return batch.pace
    return "responsive" if source.bundle is None else "recorded"
