"""The engines that tests and load runs script."""

import threading

import numpy as np
import pytest

from pipelines.engines.protocols import Hypothesis
from pipelines.engines.registry import KINDS, Context, engine_module
from pipelines.turn_taking.commands import Message
from pipelines.turn_taking.time import from_ms

SECOND_OF_AUDIO = np.zeros(16000, np.float32)


def test_every_scripted_engine_says_that_its_durations_are_modelled(engine_of):
    assert all(engine_of(kind, "scripted").simulated_time for kind in KINDS)


def test_loudness_vad_fires_on_a_loud_frame_and_for_the_hold_after_it(engine_of, noise):
    vad = engine_of("vad", "scripted", frame_ms=20, hold_ms=40)
    vad.reset()
    quiet, loud = noise(320, dbfs=-60), noise(320, dbfs=-20)
    frames = [quiet, loud, quiet, quiet, quiet]
    assert [vad.probability(frame) > 0.5 for frame in frames] == [False, True, True, True, False]


def test_scripted_asr_hears_one_word_for_each_stretch_of_audio(engine_of):
    asr = engine_of("asr", "scripted", words=("one two three",), ms_per_word=1000)
    asr.reset()
    assert asr.feed(SECOND_OF_AUDIO) == Hypothesis(stable="", unstable="one")
    assert asr.feed(SECOND_OF_AUDIO[:10]) == Hypothesis(stable="one", unstable="two")
    assert asr.feed(SECOND_OF_AUDIO[:10]) is None
    assert asr.finish().text == "one two"
    assert asr.feed(SECOND_OF_AUDIO) == Hypothesis(stable="one two", unstable="three")
    assert asr.finish().text == "one two three"


def test_scripted_asr_goes_on_to_the_next_utterance_only_if_audio_was_fed(engine_of):
    asr = engine_of("asr", "scripted", words=("first", "second"), ms_per_word=0)
    heard = []
    for _ in range(3):
        asr.reset()
        asr.reset()
        asr.feed(SECOND_OF_AUDIO)
        heard.append(asr.finish().text)
    assert heard == ["first", "second", "first"]


def test_scripted_llm_gives_a_thrown_away_reply_again(engine_of, go_on):
    llm = engine_of("llm", "scripted", replies=("Yes, I do.", "No."))
    first = (Message("caller", "Do you?"),)
    second = (*first, Message("agent", "Yes, I do."), Message("caller", "And now?"))
    said = ["".join(llm.stream(history, go_on)) for history in (first, first, second)]
    assert said == ["Yes, I do.", "Yes, I do.", "No."]


def test_scripted_llm_starts_sooner_once_the_prompt_is_prepared(engine_of, go_on, spent):
    llm = engine_of(
        "llm", "scripted", first_token_ms=80, prepared_first_token_ms=5, replies=("Hm.",)
    )
    for text, prepared, expected in (("a", False, [80]), ("b", True, [80, 5])):
        spent.clear()
        history = (Message("caller", text),)
        if prepared:
            llm.prepare(history)
        list(llm.stream(history, go_on))
        assert spent == [from_ms(milliseconds) for milliseconds in expected]


def test_scripted_tts_takes_its_time_and_hums_for_the_length_of_the_text(engine_of, go_on, spent):
    tts = engine_of("tts", "scripted", ms_per_char=50, chunk_ms=100, first_audio_ms=40)
    chunks = list(tts.synthesize("Hello", go_on))
    assert [len(chunk) for chunk in chunks] == [1600, 1600, 800]
    assert spent[0] == from_ms(40)
    level = 20 * np.log10(np.sqrt(np.mean(np.concatenate(chunks) ** 2)))
    assert level == pytest.approx(-20.0, abs=0.2)


def test_scripted_turn_detector_cycles_through_its_probabilities(engine_of):
    detector = engine_of("turn_detector", "scripted", probabilities=(0.1, 0.9))
    asked = [detector.end_of_turn((), "", SECOND_OF_AUDIO) for _ in range(3)]
    assert asked == [0.1, 0.9, 0.1]


def test_stop_that_comes_while_a_scripted_engine_works_cuts_the_next_piece(engine_of):
    stop = threading.Event()
    for pieces in (
        engine_of("tts", "scripted").synthesize("A long enough text.", stop),
        engine_of("llm", "scripted").stream((Message("caller", "Hi"),), stop),
    ):
        stop.clear()
        next(pieces)
        stop.set()
        assert list(pieces) == []


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("vad", {"frame_ms": 0}),
        ("vad", {"probability_of_speech": 1.5}),
        ("asr", {"words": ()}),
        ("asr", {"ms_per_word": -1}),
        ("llm", {"replies": ()}),
        ("llm", {"end_probability": -0.1}),
        ("tts", {"chunk_ms": 0}),
        ("turn_detector", {"probabilities": ()}),
        ("turn_detector", {"probabilities": (1.1,)}),
    ],
)
def test_settings_out_of_range_are_refused_by_name(kind, settings):
    module = engine_module(kind, "scripted")
    context = Context(locate=pytest.fail)
    with pytest.raises(ValueError, match=next(iter(settings))):
        module.build(module.Settings(**settings), context)
