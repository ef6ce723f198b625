"""A journal of version 1, as that version wrote it: it is read as if it were of today."""

import json
from pathlib import Path

import pytest

from pipelines.latency import fold_barge_ins, fold_turns
from pipelines.turn_taking.decisions import AgentDone, OverlapJudged, PausesLearned
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import AgentPolicy, EndpointingPolicy, Policy
from pipelines.turn_taking.time import to_ms
from voicecli.errors import InputError
from voicecli.recording.journal import JournalWriter, read_journal
from voicecli.replaying.verify import verify

RECORDED = Path(__file__).with_name("version_1.jsonl")
POLICY = Policy(
    agent=AgentPolicy(system_prompt="Be brief.", greeting="Hello, how can I help?"),
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
)
"""Under which that call was made."""


def test_the_core_decides_in_an_old_call_as_it_did_then_to_the_bit():
    _, entries = read_journal(RECORDED)
    verification = verify(entries, POLICY)
    assert verification.commands > 50
    assert verification.difference is None


def test_the_facts_of_its_decisions_are_fields_now():
    _, entries = read_journal(RECORDED)
    decided = [entry.command for entry in entries if isinstance(entry, Issued)]
    judged = [d for d in decided if isinstance(d, OverlapJudged)]
    assert [d.text for d in judged][-1] == "by the window"
    assert all(d.interrupts and 0 < d.onset <= d.detected for d in judged)
    assert [d.interrupted for d in decided if isinstance(d, AgentDone)].count(True) >= 1
    assert any(isinstance(d, PausesLearned) for d in decided)
    turns = fold_turns(entries)
    assert turns[0].text == "i would like a table for two"
    assert turns[0].p_end_of_turn == 0.9
    assert to_ms(turns[0].spans["vad_hangover"]) > 0
    assert turns[-1].silence_ms is None  # it was typed
    assert fold_barge_ins(entries)


def test_what_was_read_is_written_as_a_journal_of_today(tmp_path):
    header, entries = read_journal(RECORDED)
    with JournalWriter(tmp_path / "journal.jsonl", header) as journal:
        for entry in entries:
            journal.append(entry)
    first, *_ = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert json.loads(first)["voicecli_journal"] == 2
    assert read_journal(tmp_path / "journal.jsonl")[1] == entries


@pytest.mark.parametrize(
    ("verdict", "numbers", "complaint"),
    [
        ("turn_ended", {"reply": 1}, "TurnEnded lacks text"),
        ("turn_ended", {"reply": 1, "text": "", "transcription": []}, "TurnEnded.speech"),
        ("agent_done", {"reply": "1"}, "AgentDone.reply should be a whole number"),
        ("pauses_learned", {"rule": "x"}, "PausesLearned lacks log_odds"),
        ("overlap_ignored", 3, "RecordDecision.verdict should be one of"),
    ],
)
def test_what_an_old_journal_lacks_or_has_wrong_is_named(tmp_path, verdict, numbers, complaint):
    path = tmp_path / "journal.jsonl"
    head = {"voicecli_journal": 1, "profile": "x", "rate": 8000}
    reason = {"rule": "x", "numbers": numbers}
    row = {"at": 1, "command": "RecordDecision", "verdict": verdict, "reason": reason}
    path.write_text(f"{json.dumps(head)}\n{json.dumps(row)}\n")
    with pytest.raises(InputError) as caught:
        read_journal(path)
    assert complaint in str(caught.value)
    assert "correct or delete this line" in str(caught.value)
