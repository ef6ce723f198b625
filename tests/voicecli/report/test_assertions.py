import pytest

from voicecli.errors import AssertionUnmetError, UsageError
from voicecli.report.assertions import check, parse_condition, require
from voicecli.report.call_report import build_call_report
from voicecli.report.metrics import DURATIONS, NUMBERS


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("voice_to_voice.p95 < 800ms", "voice_to_voice.p95 is 1420.8 ms, not < 800 ms"),
        ("voice_to_voice.max<1.4s", "voice_to_voice.max is 1480 ms, not < 1.4 s"),
        ("cut_ins == 0", "cut_ins is 1, not == 0"),
        ("wer <= 0.05", "wer is 0.07692, not <= 0.05"),
        ("wer <= 5%", "wer is 7.7%, not <= 5%"),
        ("spans.llm_ttft.p50 < 100 ms", "spans.llm_ttft.p50 is 125 ms, not < 100 ms"),
        ("barge_in.silent.p95 < 200ms", "barge_in.silent.p95 is 300 ms, not < 200 ms"),
        ("saved.mean > 1s", "saved.mean is 46 ms, not > 1 s"),
        ("turns != 3", "turns is 3, not != 3"),
        ("failures < 1", "failures is 1, not < 1"),
        ("unanswered == 0", "unanswered is 1, not == 0"),
    ],
)
def test_a_condition_that_does_not_hold_says_what_is_the_case(call, condition, sentence):
    outcome = check(parse_condition(condition), [call])
    assert not outcome.holds
    assert outcome.sentence == sentence


@pytest.mark.parametrize(
    "condition",
    [
        "voice_to_voice.p95 < 1.5s",
        "voice_to_voice.p50 <= 887.5 ms",
        "voice_to_voice.min == 295ms",
        "acoustic_voice_to_voice.max > 1450ms",
        "cut_ins >= 1",
        "wer<10%",
        "wer != 0",
        "interruptions == 1",
        "overlaps_ignored == 0",
    ],
)
def test_a_condition_that_holds_says_so(call, condition):
    assert check(parse_condition(condition), [call]).holds


@pytest.mark.parametrize("name", [*NUMBERS, *(f"{name}.p50" for name in DURATIONS)])
def test_every_metric_can_be_asked_for_by_its_name(call, name):
    unit = "" if name in NUMBERS else "ms"
    assert check(parse_condition(f"{name} >= 0{unit}"), [call]).holds


def test_what_cannot_be_measured_does_not_hold(header):
    empty = build_call_report("x", header, [])
    outcomes = [check(parse_condition(c), [empty]) for c in ("voice_to_voice.p50 < 9s", "wer < 1")]
    assert [outcome.sentence for outcome in outcomes] == [
        "voice_to_voice.p50 cannot be measured: it never occurred",
        "wer cannot be measured: no call has labels",
    ]
    assert not any(outcome.holds for outcome in outcomes)


def test_all_unmet_conditions_are_named_in_one_error(call):
    conditions = ["cut_ins == 0", "turns == 3", "failures == 0"]
    outcomes = [check(parse_condition(condition), [call]) for condition in conditions]
    with pytest.raises(AssertionUnmetError) as caught:
        require(outcomes)
    assert str(caught.value) == "cut_ins is 1, not == 0; failures is 1, not == 0."
    assert caught.value.exit_code == 1
    require(outcomes[1:2])


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("fast", "write METRIC COMPARISON LIMIT"),
        ("voice_to_voice.p95 = 3ms", "write METRIC COMPARISON LIMIT"),
        ("", "write METRIC COMPARISON LIMIT"),
        ("speed < 3", "there is no metric 'speed'; there are turns, unanswered, cut_ins"),
        ("spans.llm.p50 < 3ms", "spans.llm_ttft"),
        ("voice_to_voice < 3ms", "voice_to_voice.p50, .p95"),
        ("voice_to_voice.p101 < 3ms", "any from p0 to p100"),
        ("voice_to_voice.p95 < 800", "needs a limit in ms or s"),
        ("cut_ins < 3ms", "needs a number without unit"),
        ("cut_ins < 3%", "needs a number without unit"),
    ],
)
def test_a_condition_that_makes_no_sense_says_what_would(condition, complaint):
    with pytest.raises(UsageError) as caught:
        parse_condition(condition)
    assert complaint in str(caught.value)
    assert repr(condition) in str(caught.value)
