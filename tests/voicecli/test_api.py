"""The Python interface: what it costs to import, and what a replay from Python gives."""

import asyncio
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import voicecli
from voicecli import Results, load_profile, replay
from voicecli.errors import AssertionUnmetError, InputError, ProfileError, UsageError, VoicecliError


@pytest.fixture(scope="module")
def results():
    return replay(["plain_turns", "pauses"], profile="scripted", line=["clean", "mobile"])


def test_importing_voicecli_loads_nothing_but_itself():
    code = (
        "import sys; before = set(sys.modules); import voicecli\n"
        "print(sorted(n for n in set(sys.modules) - before if n.startswith('voicecli.')))\n"
        "print([n for n in ('numpy', 'rich', 'pydantic', 'asyncio') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_a_tools_file_costs_no_more_than_the_mark():
    code = (
        "import sys; from voicecli import tool, this_call\n"
        "print([n for n in ('numpy', 'rich', 'av', 'textual') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_name_that_is_offered_exists_and_others_do_not():
    assert set(voicecli.__all__) <= set(dir(voicecli))
    for name in voicecli.__all__:
        assert getattr(voicecli, name) is not None
    with pytest.raises(AttributeError, match="replaay"):
        voicecli.replaay  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("voicecli.replaay")


def test_replay_can_be_called_whether_or_not_the_package_of_that_name_is_imported():
    code = (
        "import voicecli\n"
        "first = voicecli.replay('plain_turns', profile='scripted')\n"
        "import voicecli.replaying.run\n"
        "from voicecli import replay\n"
        "second = replay('plain_turns', profile='scripted')\n"
        "third = voicecli.replay('plain_turns', profile='scripted')\n"
        "print(len(first), len(second), len(third), voicecli.replaying.run.run_call.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1", "run_call"]


def test_there_is_a_report_for_each_call_and_line_in_order(results):
    assert [(call.name, call.line) for call in results] == [
        ("plain_turns", "clean"), ("plain_turns", "mobile"),
        ("pauses", "clean"), ("pauses", "mobile"),
    ]  # fmt: skip
    assert len(results) == 4
    assert results[-1].name == "pauses"
    assert all(call.turns for call in results)


def test_figures_have_the_names_that_asserts_have(results):
    latency = results.value("voice_to_voice.p95")
    assert latency is not None
    results.require(f"voice_to_voice.p95 < {latency + 1:.0f}ms", "turns > 1")
    assert results.value("cut_ins") == sum(call.cut_ins for call in results)
    assert Results(()).value("voice_to_voice.p95") is None
    with pytest.raises(AssertionUnmetError, match=r"voice_to_voice\.p95 is .* not < 1 ms"):
        results.require("voice_to_voice.p95 < 1ms")
    with pytest.raises(UsageError, match="no metric 'voice'"):
        results.value("voice")


def test_results_are_shown_as_the_program_shows_them(results):
    assert "voice_to_voice" in str(results)
    assert repr(results) == str(results)
    assert json.loads(json.dumps(results.to_json()))["schema"] == "voicecli.replay/1"


def test_a_replay_works_while_an_event_loop_runs():
    async def notebook() -> Results:
        return replay("plain_turns", profile=load_profile("scripted"))

    assert len(asyncio.run(notebook())) == 1


def test_what_is_kept_can_be_replayed_by_its_own_profile(tmp_path):
    replay("plain_turns", profile="scripted", line="mobile", out=tmp_path)
    [again] = replay(tmp_path / "plain_turns")
    assert (again.profile, again.line) == ("scripted", "mobile")
    [other] = replay(Path(tmp_path / "plain_turns"), profile="scripted")
    assert other.line == "clean"


def test_each_line_leaves_a_folder_of_its_own(tmp_path):
    replay("plain_turns", profile="scripted", line=("clean", "mobile"), out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"plain_turns.clean", "plain_turns.mobile"}


def test_a_recording_from_somebody_else_runs_nothing(tmp_path):
    replay("plain_turns", profile="scripted", out=tmp_path)
    ran = tmp_path / "ran"
    tools = tmp_path / "tools.py"
    tools.write_text(f"open({str(ran)!r}, 'w')")
    recorded = tmp_path / "plain_turns" / "profile.toml"
    recorded.write_text(f'tools = "{tools}"\n{recorded.read_text()}')
    with pytest.raises(ProfileError, match=r"run the Python file .*tools\.py"):
        replay(tmp_path / "plain_turns")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"calls": "nowhere.wav", "profile": "scripted"}, InputError),
        ({"calls": "plain_turns", "profile": "nobody"}, ProfileError),
        ({"calls": "plain_turns", "profile": "scripted", "line": "string"}, ProfileError),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_what_to_do(arguments, error):
    with pytest.raises(error) as caught:
        replay(**arguments)
    assert isinstance(caught.value, VoicecliError)


def test_no_calls_give_no_reports():
    assert len(replay([], profile="scripted")) == 0


def test_calls_of_one_name_do_not_overwrite_each_other_nor_what_is_read(tmp_path):
    for folder in ("a", "b"):
        replay("plain_turns", profile="scripted", out=tmp_path / folder)
    calls = [tmp_path / folder / "plain_turns" for folder in ("a", "b")]
    before = (calls[0] / "journal.jsonl").read_bytes()
    results = replay(calls, profile="scripted", line="mobile", out=tmp_path / "a")
    assert [call.name for call in results] == ["a-plain_turns", "b-plain_turns"]
    [again] = replay(calls[0], line="mobile", out=tmp_path / "a")
    assert again.name == "plain_turns-2"
    assert (calls[0] / "journal.jsonl").read_bytes() == before
