"""What each part of the screen makes of a journal."""

import math

import pytest

from pipelines.latency import LatencyFold, fold_turns
from pipelines.turn_taking.decisions import PausesLearned
from pipelines.turn_taking.events import ClauseSynthesized, FrameScored
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import EndpointingPolicy, Policy
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import from_ms, to_ms
from voicecli.tui.widgets.gauges import Gauges
from voicecli.tui.widgets.headroom import Factors, Workload
from voicecli.tui.widgets.transcript import Transcript

from .journals import answer, frames, greeting, in_order, interruption, question


def transcript(*parts, now_ms: int) -> Transcript:
    fold = Transcript()
    for entry in in_order(*parts):
        if entry.at <= from_ms(now_ms):
            fold.take(entry)
    fold.listen(from_ms(now_ms))
    return fold


def test_words_that_may_change_are_kept_apart_from_those_that_do_not():
    [_, caller] = transcript(greeting(), question(), now_ms=3250).lines
    assert (caller.who, caller.stable, caller.unstable) == (
        "caller", "do you have a table", "for to",
    )  # fmt: skip
    [_, caller] = transcript(greeting(), question(), now_ms=3460).lines
    assert (caller.stable, caller.unstable) == ("do you have a table for two", "")


@pytest.mark.parametrize(
    ("now_ms", "heard"),
    [(4209, ""), (4210, "Yes,"), (5109, "Yes, we have"), (5110, "Yes, we have one"), (6619, None)],
)
def test_the_agents_words_appear_as_they_are_heard(now_ms, heard):
    fold = transcript(greeting(), question(), answer(heard=True), now_ms=now_ms)
    written = "Yes, we have one at seven by the window."
    expected = written if heard is None else heard
    assert fold.lines[-1].stable == expected
    assert " ".join(filter(None, [fold.lines[-1].stable, fold.lines[-1].unstable])) == written


def test_words_that_nobody_heard_are_set_apart():
    fold = transcript(greeting(), question(), answer(), interruption(), now_ms=6000)
    [agent] = [line for line in fold.lines if line.lost]
    assert agent.stable == "Yes, we have one at"
    assert agent.lost == "seven by the window."
    assert fold.lines[-1].stable == "no wait"


def test_the_live_turn_grows_without_gap_and_ends_as_the_finished_one():
    fold, [*entries] = LatencyFold(), in_order(greeting(), question(), answer())
    finished = fold_turns(entries)[0]
    grown = []
    for entry in entries:
        fold.take(entry)
        if fold.waiting is not None:
            grown.append((entry.at, fold.spans(entry.at)))
    for at, spans in grown:
        assert sum(spans.values()) == at - finished.end
        assert all(span >= 0 for span in spans.values())
    _, last = grown[-1]
    for name in ("ingress", "vad_hangover", "endpoint_wait", "llm_ttft", "first_clause"):
        assert to_ms(last[name]) == pytest.approx(to_ms(finished.spans[name]), abs=1), name
    assert fold.waiting is None
    assert fold.spans(entries[-1].at) == {}


def test_a_caller_who_goes_on_takes_the_live_turn_back():
    fold = LatencyFold(in_order(greeting(), question()))
    assert fold.waiting is not None
    for entry in question(4000, job=30)[:15]:
        fold.take(entry)
    assert fold.waiting is None


def test_the_gauge_shows_the_wait_that_the_probability_asks_for():
    points = ((0.0, 2000.0), (1.0, 0.0))
    policy = Policy(endpointing=EndpointingPolicy(delays_ms=points, weights=(("scripted", 1.0),)))
    gauges = Gauges(policy)
    gauges.take(question())
    assert gauges.p_end == pytest.approx(0.86)
    assert gauges.wait_ms == pytest.approx(280)
    gauges.take(question(4000, job=30)[:15])
    assert gauges.p_end is None
    assert gauges.wait_ms == 800  # what the policy says as long as no detector has answered


def test_the_gauge_knows_what_the_callers_pauses_have_added():
    policy = Policy(endpointing=EndpointingPolicy(weights=(("scripted", 1.0),)))
    gauges = Gauges(policy)
    learned = because("own_pauses", ends=0, pauses=9, log_odds=-0.75)
    gauges.take([Issued(0, PausesLearned(-0.75, learned)), *question()])
    assert gauges.p_end == pytest.approx(1 / (1 + math.exp(-math.log(0.86 / 0.14) + 0.75)))


def test_the_speech_meter_shows_the_highest_of_what_is_new():
    gauges = Gauges(Policy())
    gauges.take([*frames(0, 64, 0.1), *frames(64, 96, 0.9), *frames(96, 128, 0.2)])
    assert gauges.speech == 0.9


def test_the_headroom_knows_how_much_audio_each_engine_dealt_with():
    work = Workload()
    entries = in_order(greeting(), question(), answer(heard=True))
    for entry in entries:
        work.take(entry)
    heard = [entry for entry in entries if isinstance(entry, FrameScored)]
    spoken = [e for e in entries if isinstance(e, ClauseSynthesized) and e.complete]
    assert work.audio["vad"] == sum(frame.end - frame.start for frame in heard) > 0
    assert work.audio["tts"] == work.audio["llm"] == sum(clause.audio for clause in spoken) > 0
    assert work.audio["asr"] == work.audio["turn_detector"] > 0


def test_a_real_time_factor_is_work_over_audio_and_forgets_the_past():
    factors = Factors()
    audio = {"vad": 0, "asr": 0, "turn_detector": 0, "llm": 0, "tts": 0}
    factors.take({}, audio)
    assert factors.of("asr") is None
    factors.take({"asr": from_ms(500)}, audio | {"asr": from_ms(1000)})
    assert factors.of("asr") == 0.5
    for _ in range(20):
        factors.take({"asr": from_ms(500)}, audio | {"asr": from_ms(1000)})
    assert factors.of("asr") == 0.5
    for n in range(1, 600):
        work, heard = {"asr": from_ms(500 + n)}, audio | {"asr": from_ms(1000 + 10 * n)}
        factors.take(work, heard)
    assert factors.of("asr") == pytest.approx(0.1, rel=0.05)
    assert factors.of("llm") is None
