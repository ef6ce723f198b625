"""What each key does, in the words of the help."""

from textual.binding import Binding, BindingType

BINDINGS: list[BindingType] = [
    Binding("q", "hang_up", "quit", tooltip="hang up and quit; a second ctrl+c quits at once"),
    Binding("m", "mute", "mute", tooltip="mute or open the microphone"),
    Binding("p", "push_to_talk", "push-to-talk", show=False,
            tooltip="push-to-talk: space opens and closes the microphone"),
    Binding("space", "talk", "talk", show=False, tooltip="talk, in push-to-talk"),
    Binding("t", "type", "type", tooltip="type instead of speaking"),
    Binding("i", "interrupt", "interrupt", tooltip="make the agent stop now"),
    Binding("l", "next_line", "line", tooltip="next phone line"),
    *(Binding(str(n), f"line({n})", "", show=False) for n in range(1, 10)),
    Binding("b", "bookmark", "bookmark", tooltip="save a bookmark in the recording"),
    Binding("z", "pause_log", "pause log", show=False,
            tooltip="stop the decision log, to read it; again to go on"),
    Binding("d", "devices", "devices", tooltip="choose microphone and loudspeaker"),
    Binding("f", "flip", "phone",
            tooltip="put this agent on your phone number; f there comes back"),
    Binding("question_mark", "help", "help", key_display="?", tooltip="show this help"),
    # Of all keys only this one works while a dialog is open or something is typed.
    Binding("ctrl+c", "hang_up", "", show=False, priority=True),
]  # fmt: skip
