"""The first line: what is talked to, over which line, and in which state."""

from rich.text import Text

from voicecli.report.screen import Screen, clock
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.tui.widgets.panel import Panel, Tick

_STAGES = {Stage.LOADING: "loading…", Stage.TALKING: "● live", Stage.OVER: "over"}


class HeadingPanel(Panel):
    """Profile, line, engines, time; what is muted stands out."""

    def __init__(self, call: LiveCall, *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__("", id=id, markup=False)
        self._call = call
        self._now = 0
        self.push_to_talk = False

    def take(self, tick: Tick) -> None:
        """See `Panel`."""
        self._now = tick.now
        self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:  # noqa: ARG002 - one line
        """See `Panel`."""
        call = self._call
        stage = call.stage
        line = Text().append(" voicecli ", "bold reverse")
        live = "bold green" if stage is Stage.TALKING else "bold yellow"
        line.append(" ").append(_STAGES[stage], live).append(f" {clock(self._now)}")
        muted = call.caller is not None and call.caller.muted
        if self.push_to_talk:
            state = " space: talk " if muted else " TALKING, space: release "
            line.append("  ").append(state, "bold reverse")
        elif muted:
            line.append("  ").append(" MUTED ", "bold reverse red")
        profile = call.setting.profile
        engines = (profile.vad, profile.asr, profile.llm, profile.tts)
        for name, value in (("line", call.line), ("profile", profile.name)):
            line.append("  ").append(name, "dim").append(" ").append(screen.text(value), "bold")
        line.append("  ").append(" · ".join(engine.name for engine in engines), "dim")
        line.truncate(screen.width, overflow="ellipsis")
        return line
