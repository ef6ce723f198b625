"""Who gets a place: the promises that webhooks make, and the reasons to refuse."""

import pytest

from voicecli.serve.admission import Admission, RateLimit
from voicecli.serve.settings import Limits


@pytest.fixture
def admission():
    return Admission(Limits(max_calls=2, token_s=30, target_p95_ms=800), b"key")


def test_a_token_opens_the_stream_of_its_call_once(admission):
    token, refusal = admission.reserve("CA1", 0, 0)
    assert refusal is None
    assert admission.redeem(token, "CA1", 1, 1) is None
    assert admission.redeem(token, "CA1", 2, 2) == "unknown token"


@pytest.mark.parametrize(("call", "at"), [("CA2", 1), ("CA1", 31)])
def test_a_token_is_no_good_for_another_call_or_too_late(admission, call, at):
    token, _ = admission.reserve("CA1", 0, 0)
    assert admission.redeem(token, call, at, at) == "unknown token"


def test_tokens_cannot_be_guessed_or_left_out(admission):
    tokens = {admission.reserve("CA1", 100.0 * moment, 100.0 * moment)[0] for moment in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 32
    assert admission.redeem("", "CA1", 5000, 5000) == "unknown token"


def test_another_server_of_the_number_honours_the_token_and_a_stranger_does_not(admission):
    token, _ = admission.reserve("CA1", 0, 0)
    assert Admission(Limits(), b"other").redeem(token, "CA1", 1, 1) == "unknown token"
    twin = Admission(Limits(max_calls=1), b"key")
    assert twin.redeem(token, "CA1", 1, 1) is None
    assert twin.redeem(token, "CA1", 1, 1) == "unknown token"
    twin.begin("CAlive")
    assert twin.redeem(admission.reserve("CA2", 1, 1)[0], "CA2", 2, 2) == "busy"


@pytest.mark.parametrize("forged", ["", ".", "..", "99999999999..", "x.y.z", "nan.a.b", "é.é.é"])
def test_forged_tokens_are_refused(admission, forged):
    assert admission.redeem(forged, "CA1", 0, 0) == "unknown token"


def test_promised_places_count_until_they_lapse(admission):
    admission.begin("CAlive")
    assert admission.reserve("CA1", 0, 0)[1] is None
    assert admission.reserve("CA2", 0, 0)[1] == "busy"
    assert admission.reserve("CA3", 31, 31)[1] is None


def test_a_webhook_that_is_asked_again_takes_no_second_place(admission):
    first, _ = admission.reserve("CA1", 0, 0)
    for moment in range(20):
        assert admission.reserve("CA1", moment, moment)[1] is None
    assert admission.reserve("CA2", 20, 20)[1] is None
    assert admission.reserve("CA3", 20, 20)[1] == "busy"
    assert admission.redeem(first, "CA1", 21, 21) is None


def test_a_call_that_comes_again_has_its_place_already(admission):
    admission.begin("CA1")
    admission.begin("CA2")
    token, refusal = admission.reserve("CA1", 0, 0)
    assert refusal is None
    assert admission.redeem(token, "CA1", 1, 1) is None
    admission.end("CA1")
    assert admission.live == 1
    assert admission.reserve("CA3", 2, 2)[1] is None


def test_calls_without_a_name_are_different_calls(admission):
    assert [admission.reserve("", 0, 0)[1] for _ in range(3)] == [None, None, "busy"]


@pytest.mark.parametrize("jump", [-86_400, -3600, 3600, 86_400])
def test_places_and_latencies_do_not_go_by_the_time_of_day(admission, jump):
    admission.reserve("CA1", 0, 1000)
    admission.reserve("CA2", 0, 1000)
    assert admission.reserve("CA3", 29, 1029 + jump)[1] == "busy"
    assert admission.reserve("CA3", 31, 1031 + jump)[1] is None


def test_a_clock_that_is_put_back_makes_no_used_token_good_again(admission):
    token, _ = admission.reserve("CA1", 0, 10_000)
    assert admission.redeem(token, "CA1", 1, 10_001) is None
    for now, wall in ((2, 10_000), (100, 9990), (150, 10_020), (5000, 6400)):
        assert admission.redeem(token, "CA1", now, wall) == "unknown token"


@pytest.mark.parametrize("half", ["\ud800", "x.\udfff.y", "\udc80\ud800"])
def test_half_a_character_is_no_token(admission, half):
    assert admission.redeem(half, "CA1", 0, 0) == "unknown token"
    assert admission.redeem(admission.reserve("CA1", 0, 0)[0], half, 0, 0) == "unknown token"


def test_a_draining_server_promises_nothing_but_keeps_its_promises(admission):
    token, _ = admission.reserve("CA1", 0, 0)
    admission.draining = True
    assert admission.reserve("CA2", 0, 0) == ("", "draining")
    assert admission.redeem(token, "CA1", 1, 1) is None


def test_calls_are_refused_while_answers_are_slow_and_taken_again_after(admission):
    admission.begin("CAlive")
    for _ in range(10):
        admission.note_latency(1200, 0)
    assert admission.reserve("CA1", 1, 1)[1] == "overloaded"
    assert admission.reserve("CA1", 61, 61)[1] is None


def test_a_few_slow_answers_are_no_overload(admission):
    admission.begin("CAlive")
    for _ in range(9):
        admission.note_latency(5000, 0)
    assert admission.reserve("CA1", 1, 1)[1] is None


def test_without_security_a_stream_needs_no_token_but_a_place():
    admission = Admission(Limits(max_calls=1), None)
    assert admission.redeem("", "CA1", 0, 0) is None
    admission.begin("CAlive")
    assert admission.redeem("", "CA2", 0, 0) == "busy"


def test_a_rate_allows_what_a_late_server_finds_at_once_and_then_its_pace():
    rate = RateLimit(100, 0)
    assert sum(rate.allows(0) for _ in range(5000)) == 1000
    assert sum(rate.allows(1 + tick / 1000) for tick in range(1000)) == pytest.approx(200, abs=2)
