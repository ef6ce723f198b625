"""The screen in several sizes, and what its keys do; the call is made by hand."""

import asyncio
from dataclasses import replace

import pytest

from pipelines.turn_taking.events import CallerTyped, CallerTyping, InterruptRequested
from pipelines.turn_taking.time import from_ms
from voicecli.profile import load_profile
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting
from voicecli.transports.base import FRAME
from voicecli.transports.echo_cancellation import Untouched
from voicecli.transports.file_caller import PlainLeg
from voicecli.transports.microphone import MicrophoneCaller
from voicecli.transports.microphone_files import FileSink, SilentSource
from voicecli.transports.sound_card_devices import Device
from voicecli.tui.app import TalkApp
from voicecli.tui.dialogs import DeviceScreen, HelpScreen
from voicecli.tui.flip import NoNumberScreen, Phone, plan_without_number

from .journals import answer, greeting, in_order, interruption, question

TWO_TURNS = in_order(
    greeting(), question(), answer(heard=True), question(7000, 40), answer(8460, 40)
)


MISSING = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "NGROK_AUTHTOKEN"]


def call_at(entries, now_ms: int) -> LiveCall:
    call = LiveCall(TalkSetting(load_profile("scripted"), "pstn"), print)
    call.stage = Stage.TALKING
    call.caller = MicrophoneCaller(
        SilentSource(), FileSink(), Untouched(), (PlainLeg(), PlainLeg())
    )
    call.entries.extend(entry for entry in entries if entry.at <= from_ms(now_ms))
    return call


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (120, 35), (40, 10)], ids=str)
def test_a_call_in_its_second_turn(snap_compare, size):
    assert snap_compare(TalkApp(call_at(TWO_TURNS, 9300)), terminal_size=size)


def test_a_turn_that_is_waiting_for_its_answer(snap_compare):
    assert snap_compare(TalkApp(call_at(TWO_TURNS, 8700)), terminal_size=(100, 45))


def test_an_interrupted_reply_has_its_unheard_words_struck_through(snap_compare):
    entries = in_order(greeting(), question(), answer(), interruption())
    assert snap_compare(TalkApp(call_at(entries, 6000)), terminal_size=(80, 24))


def test_a_light_terminal(snap_compare):
    assert snap_compare(TalkApp(call_at(TWO_TURNS, 9300), light=True), terminal_size=(80, 24))


def test_without_colour_everything_is_still_said(snap_compare, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    entries = in_order(greeting(), question(), answer(), interruption())
    assert snap_compare(TalkApp(call_at(entries, 6000)), terminal_size=(80, 24))


def test_before_the_first_word(snap_compare):
    call = call_at([], 0)
    call.stage = Stage.LOADING
    assert snap_compare(TalkApp(call), terminal_size=(80, 24))


def test_the_help_names_every_key(snap_compare):
    app = TalkApp(call_at(TWO_TURNS, 9300))
    assert snap_compare(app, press=["question_mark"], terminal_size=(100, 35))


def press(call: LiveCall, *keys: str) -> TalkApp:
    app = TalkApp(call)

    async def play() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press(*keys)
            await pilot.pause()

    asyncio.run(play())
    return app


def events(call: LiveCall):
    return call.caller.receive(FRAME).events


def test_typed_text_reaches_the_call():
    call = call_at(TWO_TURNS, 9300)
    press(call, "t", *"hello", "space", *"you", "enter")
    assert events(call) == (CallerTyping(FRAME), CallerTyped(FRAME, "hello you"))


def test_who_talks_by_text_finds_the_line_to_write_in_open_and_it_stays_so():
    call = call_at(TWO_TURNS, 9300)
    call.setting = replace(call.setting, text=True)
    press(call, *"hi", "enter", *"qq", "enter", "escape", "q")
    sent = [event.text for event in events(call) if isinstance(event, CallerTyped)]
    assert sent == ["hi", "qq"]
    assert call.caller.finished


def test_keys_are_no_commands_while_typing():
    call = call_at(TWO_TURNS, 9300)
    press(call, "t", *"immi", "escape")
    assert events(call) == (CallerTyping(FRAME),)
    assert not call.caller.muted


TYPED = [*"abcdefghijklmnopqrstuvwxyzQ?0123456789", "space", "tab", "ctrl+p", "delete"]
DIALOGS = [
    lambda: HelpScreen(["clean"]),
    lambda: NoNumberScreen(MISSING),
    lambda: DeviceScreen([("input", Device(0, "mic", "ALSA", 1, 48000, True))], ["mic"]),
]


@pytest.mark.parametrize("key", TYPED)
def test_no_key_reaches_the_call_while_something_is_typed(key):
    call = call_at(TWO_TURNS, 9300)
    app = press(call, "t", "x", key)
    assert untouched(app)


@pytest.mark.parametrize("dialog", DIALOGS)
def test_no_key_reaches_the_call_while_a_dialog_is_open(dialog):
    call = call_at(TWO_TURNS, 9300)
    app = TalkApp(call)

    async def play() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            for key in [*TYPED, "escape"]:
                app.push_screen(dialog())
                await pilot.press(key)
                assert untouched(app), key
                while app.screen_stack[1:]:
                    app.pop_screen()

    asyncio.run(play())


def test_ctrl_c_hangs_up_wherever_one_is():
    for way in ("t", "question_mark", "f"):
        call = call_at(TWO_TURNS, 9300)
        app = TalkApp(call, missing=MISSING)

        async def play(app=app, way=way) -> None:
            async with app.run_test(size=(100, 30)) as pilot:
                await pilot.press(way, "ctrl+c")

        asyncio.run(play())
        assert call.caller.finished


def untouched(app: TalkApp) -> bool:
    call = app.call
    return (
        not call.caller.finished
        and not call.caller.muted
        and not call.bookmarks
        and not call.line_changes
        and app.flip is None
        and {type(event) for event in events(call)} <= {CallerTyping}
    )


def test_the_interrupt_key_asks_the_agent_to_stop():
    call = call_at(TWO_TURNS, 9300)
    press(call, "i")
    assert events(call) == (InterruptRequested(FRAME),)


def test_mute_and_push_to_talk_open_and_close_the_microphone():
    call = call_at(TWO_TURNS, 9300)
    press(call, "m")
    assert call.caller.muted
    press(call, "m")
    assert not call.caller.muted
    press(call, "space")
    assert not call.caller.muted
    press(call, "p")
    assert call.caller.muted
    press(call, "p", "p", "space")
    assert not call.caller.muted


def test_number_keys_and_the_next_line_key_change_the_phone_line():
    call = call_at(TWO_TURNS, 9300)
    press(call, "1")
    assert call.line == "cellular_edge"
    press(call, "l")
    assert call.line == "clean"
    assert [name for _, name in call.line_changes] == ["cellular_edge", "clean"]


def test_a_bookmark_is_the_present_moment_of_the_journal():
    call = call_at(TWO_TURNS, 9300)
    press(call, "b")
    assert call.bookmarks == [call.now]


def play_flip(app, *keys):
    """Press f and these keys; whether the explanation is open in between."""

    async def play():
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f")
            await pilot.pause()
            explained = isinstance(app.screen, NoNumberScreen)
            await pilot.press(*keys)
            await pilot.pause()
            return explained

    return asyncio.run(play())


def test_the_phone_key_ends_the_call_here_to_answer_the_number():
    app = TalkApp(call_at(TWO_TURNS, 9300))
    assert not play_flip(app)
    assert app.flip == "number"
    assert app.call.caller.finished


def test_without_an_account_the_phone_key_says_what_is_missing_and_offers_dial(snap_compare):
    app = TalkApp(call_at(TWO_TURNS, 9300), missing=MISSING)
    assert snap_compare(app, press=["f"], terminal_size=(80, 24))


def test_the_offer_can_be_taken_or_left():
    taken = TalkApp(call_at(TWO_TURNS, 9300), missing=MISSING)
    assert play_flip(taken, "enter")
    assert taken.flip == "loopback"
    assert taken.call.caller.finished
    left = TalkApp(call_at(TWO_TURNS, 9300), missing=MISSING)
    assert play_flip(left, "escape")
    assert left.flip is None
    assert not left.call.caller.finished


def test_the_same_agent_goes_to_the_number_and_its_calls_to_the_same_folder(monkeypatch, tmp_path):
    for name, value in zip(MISSING, ("AC" + "1" * 32, "token", "tunnel"), strict=True):
        monkeypatch.setenv(name, value)
    setting = TalkSetting(load_profile("scripted"), "pstn", record=tmp_path)
    plan = Phone(number="+15005550006").plan(setting)
    assert (plan.options.number, plan.ngrok) == ("+15005550006", True)
    assert plan.settings.recording.folder == tmp_path
    own = Phone(public_url="https://agent.example").plan(setting)
    assert (own.settings.access.public_url, own.ngrok) == ("https://agent.example", False)
    monkeypatch.delenv("NGROK_AUTHTOKEN")
    assert Phone().missing == ["NGROK_AUTHTOKEN"]
    assert Phone(public_url="https://agent.example").missing == []
    alone = plan_without_number(setting).settings
    assert (alone.access.secret, alone.access.public_url) == (None, "http://127.0.0.1:8000")


def test_quitting_hangs_up_and_the_screen_closes_when_the_call_is_over():
    call = call_at(TWO_TURNS, 9300)
    app = TalkApp(call)

    async def play() -> bool:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("q")
            assert call.caller.finished
            still_open = app.is_running
            call.stage = Stage.OVER
            app.feed()
            await pilot.pause()
            return still_open

    assert asyncio.run(play())
    assert app.return_code == 0
