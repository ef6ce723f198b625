"""From the microphone to the phone number and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from voicecli.carriers.registry import find_carrier
from voicecli.serve.plan import Plan, Request, missing_variables, plan_server, where_found
from voicecli.serve.settings import CarrierOptions, Limits, Recording
from voicecli.talk.setting import TalkSetting

_CALLS = 2


@dataclass(frozen=True, slots=True)
class Phone:
    """Which number an agent goes to, and how Twilio reaches us."""

    number: str | None = None
    """None: the account's only one."""
    public_url: str | None = None
    """None: an ngrok tunnel."""

    @property
    def missing(self) -> list[str]:
        """The environment variables without which there is no number."""
        return missing_variables(self._request(None))

    def plan(self, setting: TalkSetting) -> Plan:
        """A server for the number, which keeps its calls where `talk` does.

        Raises UsageError if something is missing.
        """
        return plan_server(self._request(setting))

    def _request(self, setting: TalkSetting | None) -> Request:
        return Request(
            public_url=self.public_url, ngrok=self.public_url is None,
            limits=Limits(max_calls=_CALLS), recording=_recording(setting),
            options=CarrierOptions(number=self.number, answer=True),
        )  # fmt: skip


def plan_without_number(setting: TalkSetting) -> Plan:
    """A server for this computer alone, for `voicecli dial`."""
    return plan_server(
        Request(insecure=True, limits=Limits(max_calls=_CALLS), recording=_recording(setting))
    )


def _recording(setting: TalkSetting | None) -> Recording:
    if setting is None:
        return Recording(None)
    return Recording(setting.record, setting.redact, redact_audio=setting.redact_audio)


class NoNumberScreen(ModalScreen[bool]):
    """What is missing for a phone number; gives whether to answer `voicecli dial` instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,d", "dismiss(True)", "dial"),
        Binding("escape,f,q", "dismiss(False)", "close"),
    ]
    DEFAULT_CSS = """
    NoNumberScreen { align: center middle; }
    NoNumberScreen > Static {
        width: 74; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; background: $surface; padding: 0 2;
    }
    """

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__()
        self._missing = missing

    def compose(self) -> ComposeResult:
        """Textual's: the variables, and what works without them."""
        text = Text("To answer your phone number with this very agent, set\n\n")
        places = where_found(find_carrier(Request().carrier))
        for name in self._missing:
            text.append(f"  {name:<20}", "bold").append(f"{places[name]}\n", "dim")
        text.append("\nand start again. Without an account, ")
        text.append("enter", "bold").append(" has it answer on this computer; call it with\n\n")
        text.append("  voicecli dial ws://127.0.0.1:8000/media --mic\n\n", "bold")
        text.append("in another terminal. ").append("escape", "bold").append(" goes on talking.")
        yield Static(text)
