"""A live call on a thread of its own, beside the screen.

The screen and the call share one interpreter but no event loop: a slow redraw makes a tick wait for
5 ms at most (Python's switch interval, halved here), never for the redraw's end.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.runtime.clock import MonotonicClock
from pipelines.runtime.lanes import Gauges
from pipelines.runtime.realtime import run_realtime
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.engines import build_engines
from voicecli.errors import VoicecliError
from voicecli.lines import open_line
from voicecli.recording.bundle import is_bundle
from voicecli.recording.recorder import CallRecorder
from voicecli.talk.devices import Devices, open_devices
from voicecli.talk.record import record_call
from voicecli.talk.setting import TalkSetting
from voicecli.tools.load import code_run
from voicecli.transports.echo_cancellation import echo_guard
from voicecli.transports.microphone import MicrophoneCaller
from voicecli.transports.sound_card import CardCounters
from voicecli.transports.sound_card_devices import SoundCardError


@dataclass(frozen=True, slots=True)
class Health:
    """Taken while the call goes on."""

    lag_ms: float = 0.0
    """How late a tick typically was over, of the last five seconds."""
    worst_lag_ms: float = 0.0
    """How late the latest of them was."""
    card: CardCounters = field(default_factory=CardCounters)
    heard_ms: float = 0.0
    """Sound of the microphone that waits for the call."""
    to_play_ms: float = 0.0
    """Sound of the call that waits for the loudspeaker."""
    unsaid_ms: float = 0.0
    """Speech of the agent that is made and waits for its turn."""
    waiting: Mapping[str, int] = field(default_factory=dict[str, int])
    """Pieces of work on each engine's lane, that under way included."""
    busy: Mapping[str, Nanos] = field(default_factory=dict[str, Nanos])
    """Time that each lane has worked since the call began."""


_CARD_WAIT: Nanos = 3 * SECOND
_SWITCH_S = 0.001


class Stage(Enum):
    """How far the call has come."""

    LOADING = "loading"
    TALKING = "talking"
    OVER = "over"


class LiveCall:
    """One call, from loading the engines to its end.

    `stage`, `error` and the methods may be used from any thread; `notify` is called on the call's.
    """

    def __init__(self, setting: TalkSetting, notify: Callable[[str], None]) -> None:
        self.setting = setting
        self.line = setting.line
        self.stage = Stage.LOADING
        self.error: Exception | None = None
        """What ended the call, unless it ended of its own accord."""
        self.entries: list[Entry] = []
        """The journal; only ever appended to."""
        self.line_changes: list[tuple[Nanos, str]] = []
        self.bookmarks: list[Nanos] = []
        self.recording: Path | None = None
        """The call's folder once it is over, if there is one."""
        self.recorded = True
        """Whether nothing is missing of what was to be recorded."""
        self.caller: MicrophoneCaller | None = None
        self._recorder: CallRecorder | None = None
        self._notify = notify
        self._devices: Devices | None = None
        self._lags: deque[Nanos] = deque(maxlen=250)
        self._gauges = Gauges()
        self._clock = MonotonicClock()
        self._hang_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="call", daemon=True)

    # -- for the screen -----------------------------------------------------------------------

    def start(self) -> None:
        """Load the engines and begin to talk."""
        self._thread.start()

    def hang_up(self) -> None:
        """End the call soon; it is over when `join` says so."""
        self._hang_up.set()
        if self.caller is not None:
            self.caller.hang_up()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until the call is over; whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def change_line(self, name: str) -> None:
        """Carry on over another phone line.

        Raises ProfileError if there is no such line.
        """
        legs = open_line(name, self.setting.seed)
        if self.caller is not None:
            self.caller.change_line(legs)
        self.line = name
        self.line_changes.append((self.now, name))
        self._note(line_changes=[[at / SECOND, line] for at, line in self.line_changes])

    def bookmark(self) -> int:
        """Note the present moment in the recording; how many there are now."""
        self.bookmarks.append(self.now)
        self._note(bookmarks_s=[at / SECOND for at in self.bookmarks])
        return len(self.bookmarks)

    @property
    def now(self) -> Nanos:
        """The moment of the journal's last entry."""
        return self.entries[-1].at if self.entries else 0

    @property
    def device_names(self) -> tuple[str, str]:
        """What the caller speaks into and hears from."""
        if self._devices is None or self._devices.card is None:
            source, sink = self.setting.source, self.setting.sink
            return source or "no microphone", sink or "no loudspeaker"
        names = self._devices.card.names
        return names[0] or self.setting.source or "none", names[1] or self.setting.sink or "none"

    def choose_device(self, direction: str, name: str | None) -> None:
        """Use another microphone ("input") or loudspeaker ("output") from now on."""
        if self._devices is not None and self._devices.card is not None:
            self._devices.card.choose("input" if direction == "input" else "output", name)

    @property
    def health(self) -> Health:
        """How much room there is before the call suffers."""
        card = self._devices.card if self._devices is not None else None
        counters = card.counters if card is not None else CardCounters()
        lags = sorted(self._lags)
        worst = lags[-1] if lags else 0
        typical = lags[len(lags) // 2] if lags else 0
        heard, to_play = card.queued_ms if card is not None else (0.0, 0.0)
        gauges = self._gauges
        return Health(
            typical / MILLISECOND, worst / MILLISECOND, counters,
            heard, to_play, gauges.unsaid / MILLISECOND, gauges.waiting, gauges.busy,
        )  # fmt: skip

    def stereo(self) -> npt.NDArray[np.int16]:
        """The call's audio: shape (samples, 2), int16, 8000 Hz; caller left, agent right."""
        return np.zeros((0, 2), np.int16) if self.caller is None else self.caller.stereo()

    # -- on the call's thread -----------------------------------------------------------------

    def _run(self) -> None:
        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            self._talk()
        except VoicecliError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - shown by the screen, never over it
            self.error = error
        finally:
            sys.setswitchinterval(before)
            self._close()
            self._keep()
            self.stage = Stage.OVER

    def _talk(self) -> None:
        legs = open_line(self.setting.line, self.setting.seed)
        try:
            self._devices = open_devices(self.setting, self._notify)
        except SoundCardError as error:
            instead = "to type and read instead: voicecli talk --text"
            raise SoundCardError(f"{str(error).rstrip('.')}; {instead}") from error
        guard, notice = echo_guard(self.setting.processing)
        if notice:
            self._notify(notice)
        if path := code_run(self.setting.profile):
            self._notify(f"tools: {path}")
        for note in self.setting.profile.notes:
            self._notify(f"language: {note}")
        engines = build_engines(self.setting.profile)
        self.caller = MicrophoneCaller(self._devices.source, self._devices.sink, guard, legs)
        if self.setting.text:
            self.caller.typing()  # from the first moment on: nobody is to be told to speak up
        self._wait_for_card()
        if self._hang_up.is_set():
            return
        self._recorder = record_call(
            self.setting, self.caller.capture, self.device_names, self._notify
        )
        self.stage = Stage.TALKING
        self._clock = MonotonicClock()
        asyncio.run(
            run_realtime(
                self.setting.profile.policy, engines, self.caller, self._record,
                self._ticked, clock=self._clock, gauges=self._gauges,
            )
        )  # fmt: skip

    def _record(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self._recorder is not None:
            self._recorder.record(entry)

    def _note(self, **metadata: object) -> None:
        if self._recorder is not None:
            self._recorder.note(**metadata)

    def _wait_for_card(self) -> None:
        """A card may sleep for a second or two after it was opened."""
        card = self._devices.card if self._devices is not None else None
        if card is None:
            return
        opened = MonotonicClock()
        while not card.running and opened.now() < _CARD_WAIT and not self._hang_up.is_set():
            self._hang_up.wait(0.01)
        card.go_live()

    def _ticked(self, due: Nanos) -> None:
        self._lags.append(max(0, self._clock.now() - due))
        limit = self.setting.seconds
        if limit is not None and due >= limit * SECOND:
            self.hang_up()

    def _close(self) -> None:
        try:
            if self._devices is not None:
                self._devices.close()
        except VoicecliError as error:
            self.error = self.error or error

    def _keep(self) -> None:
        if self._recorder is None:
            return
        counters = self.health.card
        source, sink = self.device_names
        self._note(
            underruns=counters.underruns,
            overruns=counters.overruns,
            devices={"input": source, "output": sink},
        )
        self.recorded = self._recorder.close(partial=self.error is not None)
        self.recording = self._recorder.path if is_bundle(self._recorder.path) else None
