"""The windows that open over the screen: the help, and the choice of devices."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from voicecli.foreign import one_line
from voicecli.transports.sound_card_devices import Device
from voicecli.tui.keys import BINDINGS


class HelpScreen(ModalScreen[None]):
    """What each key does; any key closes it."""

    BINDINGS = [Binding("escape,question_mark,q,enter,space", "dismiss", "close")]  # noqa: RUF012 - Textual's

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Textual's: the table of keys and phone lines."""
        grid = Table.grid(padding=(0, 2))
        for binding in BINDINGS:
            if isinstance(binding, Binding) and binding.tooltip:
                grid.add_row(f"[bold]{binding.key_display or binding.key}[/]", binding.tooltip)
        for number, name in enumerate(self._lines[:9], start=1):
            grid.add_row(f"[bold]{number}[/]", Text(f"phone line {name}"))
        with VerticalScroll():
            yield Static(grid)


class DeviceScreen(ModalScreen[tuple[str, str] | None]):
    """Every microphone and loudspeaker; gives the direction and the name of the chosen one."""

    BINDINGS = [Binding("escape,q", "dismiss(None)", "close")]  # noqa: RUF012 - Textual's

    def __init__(self, devices: Sequence[tuple[str, Device]], used: Sequence[str]) -> None:
        super().__init__()
        self._devices = devices
        self._used = used

    def compose(self) -> ComposeResult:
        """Textual's: one row a device."""
        kinds = {"input": "microphone ", "output": "loudspeaker"}
        yield OptionList(
            *(
                Option(one_line(f"{kinds[way]}  {self._mark(device)} {device.name}"))
                for way, device in self._devices
            ),
            markup=False,
        )

    def _mark(self, device: Device) -> str:
        return "●" if device.name in self._used else " "

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Textual's: a device was chosen."""
        way, device = self._devices[event.option_index]
        self.dismiss((way, device.name))
