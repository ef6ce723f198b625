"""An agent as a class that a profile names: its words, tools, hooks, and what it may not do."""

import json
from datetime import date

import pytest

from pipelines.engines.tools import CALL, ThisCall
from pipelines.turn_taking.events import EngineRemarked, ToolFinished
from voicecli import replay
from voicecli.engines import LazyEngines
from voicecli.errors import ProfileError
from voicecli.profile import load_profile, to_toml
from voicecli.profile_keys import settings_of
from voicecli.replaying.trust import _wishes

ENGINES = "".join(f'[{kind}]\nengine = "scripted"\n' for kind in ("vad", "asr", "tts"))
SCRIPTED = f'{ENGINES}[llm]\nengine = "scripted"\n'
DENTIST = '''
from voicecli import Agent, tool
from voicecli.tools import Quote

class Dentist(Agent):
    """For check-ups."""

    prompt = """
        You book check-ups.
        Be brief.
    """
    greeting = "Hello, " "dentist's."

    def __init__(self):
        self.said, self.keys, self.heard = [], "", []

    @tool(read_only=True, timeout_s=2)
    def told(self, most: int = 9) -> str:
        """Say what was said.

        Args:
            most: how much of it.
        """
        return f"{self.keys}:{'|'.join(self.said)}:{self.call.today}"[: most * 100]

    @tool(return_direct=True)
    def book(self, day: Quote) -> str:
        """Book a day."""
        self.keys += day
        return f"booked {self.keys}"

    def on_turn(self, said):
        self.said.append(said)

    def on_dtmf(self, digit):
        self.keys += digit

    def helper(self):
        """Not for the model."""
'''


@pytest.fixture
def profile(tmp_path):
    def load(source: str = DENTIST, head: str = '[agent]\nclass = "dentist.py:Dentist"', end=""):
        (tmp_path / "dentist.py").write_text(source)
        (tmp_path / "p.toml").write_text(f"{head}\n{SCRIPTED}{end}")
        return load_profile(str(tmp_path / "p.toml"))

    return load


def in_call(call, function, *arguments):
    token = CALL.set(call)
    try:
        return function(*arguments)
    finally:
        CALL.reset(token)


def test_its_words_are_those_of_the_profile(profile):
    agent = profile().policy.agent
    assert agent.system_prompt == "You book check-ups.\nBe brief."
    assert agent.greeting == "Hello, dentist's."


def test_what_the_profile_says_itself_wins(profile):
    chosen = profile(head='[agent]\nclass = "dentist.py:Dentist"\ngreeting = "Hi."\nidle_ms = 5000')
    assert chosen.policy.agent.greeting == "Hi."
    assert chosen.policy.agent.system_prompt.startswith("You book")
    assert chosen.policy.agent.idle_ms == 5000


def test_one_line_is_enough(profile):
    assert profile(head='agent = "dentist.py:Dentist"').policy.agent.greeting == "Hello, dentist's."


def test_words_may_stand_in_a_base_of_the_same_file_or_nowhere(profile):
    base = "class Base(Agent):\n    greeting: str = 'Hello.'\n"
    source = f"from voicecli import Agent\n{base}class Dentist(Base):\n    pass\n"
    agent = profile(source).policy.agent
    assert (agent.greeting, agent.system_prompt) == ("Hello.", "")


def test_where_its_words_come_from_is_said(profile):
    origins = {setting.key: setting.origin for setting in settings_of(profile())}
    assert origins["class"] == "p.toml"
    assert origins["greeting"] == origins["system_prompt"] == "class Dentist"
    assert origins["goodbye"] == "default"


def test_reading_the_profile_runs_nothing(profile, tmp_path):
    ran = tmp_path / "ran"
    chosen = profile(f"open({str(ran)!r}, 'w')\n{DENTIST}")
    assert chosen.policy.agent.greeting == "Hello, dentist's."
    assert not ran.exists()
    assert LazyEngines(chosen).tools
    assert ran.exists()


def test_marked_methods_become_tools_without_self(profile):
    tools = LazyEngines(profile()).tools
    assert list(tools) == ["told", "book"]
    told, book = tools.values()
    assert (told.effect, told.timeout_ms, told.description) == ("reads", 2000, "Say what was said.")
    assert told.parameters == {
        "type": "object", "additionalProperties": False,
        "properties": {
            "most": {"type": "integer", "default": 9, "description": "how much of it."}
        },
    }  # fmt: skip
    assert (book.effect, book.return_direct, book.quotes) == ("acts", True, {"day"})


def test_every_call_has_an_agent_of_its_own_that_tools_and_hooks_share(profile):
    engines = LazyEngines(profile())
    assert set(engines.hooks) == {"on_turn", "on_dtmf"}
    first, second = ThisCall(date(2026, 5, 4)), ThisCall(date(2026, 5, 5))
    in_call(first, engines.hooks["on_turn"], "Hello.")
    in_call(first, engines.hooks["on_dtmf"], "7")
    in_call(second, engines.hooks["on_turn"], "Good morning.")
    assert in_call(first, engines.tools["book"].call, '{"day": "1"}') == "booked 71"
    assert in_call(first, engines.tools["told"].call, "{}") == "71:Hello.:2026-05-04"
    assert in_call(second, engines.tools["told"].call, "{}") == ":Good morning.:2026-05-05"


def test_its_tools_stand_beside_those_of_a_file_and_those_that_come_with_voicecli(
    profile, tmp_path
):
    (tmp_path / "more.py").write_text(
        "from voicecli import tool\n@tool\ndef more() -> str:\n    '''More.'''\n"
    )
    engines = LazyEngines(profile(end='[tools]\nfile = "more.py"\nbuiltin = ["end_call"]\n'))
    assert list(engines.tools) == ["told", "book", "more", "end_call"]


def test_a_tool_overridden_in_a_derived_class_is_the_derived_one(profile):
    source = DENTIST.replace("class Dentist", "class Base") + (
        "\nclass Dentist(Base):\n    @tool\n    def book(self, name: str) -> str:\n"
        "        '''Book a name.'''\n        return name\n"
    )
    tools = LazyEngines(profile(source)).tools
    assert tools["book"].description == "Book a name."
    assert in_call(ThisCall(date(2026, 5, 4)), tools["book"].call, '{"name": "Ann"}') == "Ann"


@pytest.mark.parametrize(
    "form",
    [
        'agent = "dentist.py:Dentist"',
        "[agent]\nclass = 'dentist.py:Dentist' # mine\nidle_ms = 5000",
    ],
)
@pytest.mark.parametrize("greeting", ["Hello, dentist's.", 'Say "aah"\\n😀\\x7f\\t\\\\', ""])
def test_a_kept_profile_means_the_same_elsewhere_and_without_the_file(
    profile, tmp_path, form, greeting
):
    source = DENTIST.replace('"Hello, " "dentist\'s."', f"'''{greeting}'''")
    chosen = profile(source, head=form)
    kept = tmp_path / "elsewhere" / "kept.toml"
    kept.parent.mkdir()
    kept.write_text(to_toml(chosen), "utf-8")
    again = load_profile(str(kept))
    assert again.policy == chosen.policy
    assert list(LazyEngines(again).tools) == ["told", "book"]
    (tmp_path / "dentist.py").unlink()
    assert load_profile(str(kept)).policy == chosen.policy
    assert to_toml(load_profile(str(kept))) == kept.read_text("utf-8")
    with pytest.raises(ProfileError, match=r"\[agent\] class: there is no file .*dentist\.py"):
        _ = LazyEngines(load_profile(str(kept))).tools


def test_a_recording_may_not_run_an_agent_unasked(profile, tmp_path):
    chosen = profile(end='[tools]\nfile = "more.py"\n')
    [wish] = _wishes(chosen)
    assert wish == f"run the Python file {tmp_path / 'dentist.py'}, {tmp_path / 'more.py'}"


def test_a_recorded_call_runs_its_agent_only_when_another_profile_is_named(profile, tmp_path):
    chosen = profile()
    replay("plain_turns", profile=chosen, out=tmp_path / "out")
    with pytest.raises(ProfileError, match=r"run the Python file .*dentist\.py"):
        replay(tmp_path / "out" / "plain_turns")
    assert replay(tmp_path / "out" / "plain_turns", profile=chosen)[0].turns


def test_in_a_call_its_tools_find_what_its_hooks_have_left(profile):
    reply = '<tool_call>{"name": "told", "arguments": {}}</tool_call>{result}'
    chosen = profile(end=f"replies = [{json.dumps(reply)}]\n")
    [call] = replay("plain_turns", profile=chosen)
    results = [entry.result for entry in call.entries if isinstance(entry, ToolFinished)]
    assert call.turns[0].turn.text in results[-1]


def test_what_a_hook_raises_stands_in_the_journal(profile):
    source = DENTIST.replace("self.said.append(said)", "1 / 0")
    [call] = replay("plain_turns", profile=profile(source))
    remarks = [entry.text for entry in call.entries if isinstance(entry, EngineRemarked)]
    assert "on_turn: ZeroDivisionError: division by zero" in remarks
    assert call.failures == ()


@pytest.mark.parametrize(
    ("head", "source", "why"),
    [
        ("agent = 3", DENTIST, r"\[agent\]"),
        ('agent = "dentist.py"', DENTIST, r'\[agent\] class: must be .* "my_agent\.py:Dentist"'),
        ('agent = "dentist.py:1"', DENTIST, "must be a Python file and a class"),
        ("[agent]\nclass = 3", DENTIST, "must be a Python file and a class"),
        ('agent = "~nobody\\u0000.py:Dentist"', DENTIST, "must be a Python file and a class"),
        ('agent = "~no-such-user/x.py:Dentist"', DENTIST, "there is no file .*~no-such"),
        ('agent = "nobody.py:Dentist"', DENTIST, r"there is no file .*nobody\.py"),
        ('agent = "dentist.py:Dentits"', DENTIST, "there is no class Dentits in .*: Dentist"),
        ('agent = { class = "dentist.py:Dentist" }', DENTIST, "on a line of its own"),
        (None, "class Dentist(", r"dentist\.py is no Python file"),
        (None, "\0", r"dentist\.py is no Python file"),
        (None, DENTIST.replace('"Hello, "', "str() +"), "greeting of Dentist must be a plain"),
        (None, DENTIST.replace('"Hello, "', r'"\ud800"'), "greeting of Dentist must be a plain"),
        (None, DENTIST.replace("greeting =", "hi =").replace("helper", "greeting"), "a plain text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(profile, head, source, why):
    with pytest.raises(ProfileError, match=why) as caught:
        profile(source, head or 'agent = "dentist.py:Dentist"')
    assert "p.toml: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (DENTIST.replace("(Agent)", "(object)"), "no class derived from voicecli.Agent"),
        (DENTIST.replace("class D", "1 / 0\nclass D"), r"dentist\.py:5: ZeroDivisionError"),
        (DENTIST.replace("on_turn(self, said)", "on_turn(self)"), r"on_turn\(self, said: str\)"),
        (DENTIST.replace("def on_turn", "async def on_turn"), "on_turn is async"),
        (DENTIST.replace('"""Book a day."""', ""), "book has no docstring"),
        (DENTIST.replace("day: Quote", "day"), "parameter day has no type hint"),
        (DENTIST.replace("(return_direct=True)", "\n    @staticmethod"), "book is no plain method"),
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_refused_in_a_sentence(profile, source, why):
    chosen = profile(source)
    with pytest.raises(ProfileError, match=why) as caught:
        _ = LazyEngines(chosen).tools
    assert "[agent] class: " in str(caught.value)


def test_no_two_tools_have_one_name(profile, tmp_path):
    (tmp_path / "more.py").write_text(
        "from voicecli import tool\n@tool\ndef book() -> str:\n    '''More.'''\n"
    )
    with pytest.raises(ProfileError, match="book is also a tool of the agent's class"):
        _ = LazyEngines(profile(end='[tools]\nfile = "more.py"\n')).tools
    source = DENTIST.replace("def book", "def end_call")
    with pytest.raises(ProfileError, match="end_call is also a function of the agent's class"):
        _ = LazyEngines(profile(source, end='[tools]\nbuiltin = ["end_call"]\n')).tools


def test_an_agent_that_cannot_be_made_is_an_error_of_its_tools_and_hooks_alone(profile):
    source = DENTIST.replace('self.said, self.keys, self.heard = [], "", []', "1 / 0")
    [call] = replay("plain_turns", profile=profile(source))
    remarks = {entry.text for entry in call.entries if isinstance(entry, EngineRemarked)}
    assert remarks == {"on_turn: ZeroDivisionError: division by zero"}
