"""The examples run as their first lines say."""

import shutil
import subprocess
import sys
from pathlib import Path

from pipelines.turn_taking.events import HandoverRequested
from voicecli import load_profile, replay
from voicecli.engines import LazyEngines

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments, folder):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder, text=True, capture_output=True, check=False,
    )  # fmt: skip


def test_profiles_are_compared_figure_by_figure(tmp_path):
    slow = tmp_path / "slow.toml"
    text = "[policy.endpointing]\ndelays_ms = [[0.0, 2000], [1.0, 1500]]\n"
    slow.write_text((EXAMPLES.parent / "profiles" / "scripted.toml").read_text() + text)
    done = run(EXAMPLES / "compare_profiles.py", "scripted", slow, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])
    quick, patient = (int(value.replace(",", "")) for value in rows["voice_to_voice.p50"].split())
    assert 0 < quick < patient


def test_an_agent_is_tested_with_pytest(tmp_path):
    for name in ("test_agent.py", "dentist_agent.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    done = run("-m", "pytest", "test_agent.py", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout


def test_the_dentist_books_a_day_in_a_call(tmp_path):
    """With scripted engines in place of the models; the class is the example's own."""
    asks = '<tool_call>{"name": "book_day", "arguments": {"day": "Tuesday"}}</tool_call>'
    path = tmp_path / "agent.toml"
    path.write_text(
        f'[agent]\nclass = "{EXAMPLES / "dentist_agent.py"}:Dentist"\n'
        f"[vad]\nengine = 'scripted'\n[llm]\nengine = 'scripted'\nreplies = ['{asks}']\n"
        "[tts]\nengine = 'scripted'\n"
        "[asr]\nengine = 'scripted'\nwords = ['Could I come on Tuesday please?']\n"
    )
    [call] = replay("plain_turns", profile=path)
    assert {use.name for report in call.turns for use in report.turn.tools} == {"book_day"}
    assert any("booked for Tuesday" in report.turn.heard for report in call.turns)
    assert call.failures == ()


def test_the_profile_of_the_dentist_has_the_words_and_tools_of_the_class():
    profile = load_profile(str(EXAMPLES / "dentist.toml"))
    assert profile.policy.agent.greeting.startswith("Hello, this is Robin")
    assert list(LazyEngines(profile).tools) == ["book_day", "my_booking", "small_talk", "end_call"]


def test_two_agents_share_a_call(tmp_path):
    """With scripted engines in place of the models; the classes are the example's own."""

    def asks(name, arguments="{}"):
        return f'<tool_call>{{"name": "{name}", "arguments": {arguments}}}</tool_call>'

    replies = [asks("to_booking") + asks("book_day", '{"day": "Tuesday"}'), asks("to_reception")]
    path = tmp_path / "agents.toml"
    path.write_text(
        f'[agent]\nclass = "{EXAMPLES / "booking_agents.py"}:Reception"\n'
        f"[vad]\nengine = 'scripted'\n[llm]\nengine = 'scripted'\nreplies = {replies}\n"
        "[tts]\nengine = 'scripted'\n[policy.tools]\nmax_rounds = 4\n"
        "[asr]\nengine = 'scripted'\n"
        "words = ['Could I come on Tuesday please?', 'When are you open?']\n"
    )
    [call] = replay("plain_turns", profile=path)
    tools = [[use.name for use in report.turn.tools] for report in call.turns]
    assert tools[0] == ["to_booking", "book_day"]
    assert tools[1][0] == "to_reception"
    assert call.turns[0].turn.heard.startswith("You are booked for Tuesday")
    told = [e.summary for e in call.entries if isinstance(e, HandoverRequested)]
    assert told[0] is None
    assert told[1].startswith("The caller has booked Tuesday")
    assert call.failures == ()


def test_the_profile_of_the_two_agents_gives_each_its_own_tools():
    engines = LazyEngines(load_profile(str(EXAMPLES / "booking.toml")))
    shared = ["end_call", "transfer_call"]
    assert list(engines.tools) == ["to_booking", "opening_hours", *shared]
    assert {name: list(each.tools) for name, each in engines.agents.items()} == {
        "Reception": ["to_booking", "opening_hours", *shared],
        "Booking": ["book_day", "to_reception", *shared],
    }
