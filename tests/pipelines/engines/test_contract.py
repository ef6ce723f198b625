"""What holds for every engine of every kind."""

import dataclasses
import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest

from pipelines.engines.protocols import (
    Hypothesis,
    Llm,
    StreamingAsr,
    Transcript,
    Tts,
    TurnDetector,
    Vad,
)
from pipelines.engines.registry import (
    KINDS,
    Context,
    build_engine,
    engine_module,
    engine_names,
)
from pipelines.turn_taking.commands import Message

HEAVY = ("onnxruntime", "llama_cpp", "moonshine_voice", "espeakng_loader", "soxr", "scipy", "torch")
HISTORY = (
    Message("system", "You are a helpful assistant on the phone. Answer in one sentence."),
    Message("agent", "Hello, how can I help?"),
    Message("caller", "What is the capital of France?"),
)
SENTENCE = "Good morning, this is the dentist."


def stopped() -> threading.Event:
    stop = threading.Event()
    stop.set()
    return stop


# --- every kind ---------------------------------------------------------------------------------


def test_settings_are_a_frozen_slotted_dataclass_in_which_everything_has_a_default(any_engine):
    settings = engine_module(*any_engine).Settings()
    assert dataclasses.is_dataclass(settings)
    assert not hasattr(settings, "__dict__")
    field = dataclasses.fields(settings)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, field, getattr(settings, field))


def test_importing_an_engine_loads_no_model_library():
    modules = [f"pipelines.engines.{kind}.{name}" for kind in KINDS for name in engine_names(kind)]
    program = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_an_unknown_engine_is_refused_with_the_names_of_those_that_exist():
    with pytest.raises(LookupError, match=r'no vad engine "siler"; there are: .*silero'):
        build_engine("vad", "siler", None, Context(locate=pytest.fail))


def test_a_file_with_a_leading_underscore_is_part_of_an_engine_and_not_one():
    assert "moonshine" in engine_names("asr")
    assert not [name for kind in KINDS for name in engine_names(kind) if name.startswith("_")]


def test_weights_that_are_no_model_are_refused_with_their_path(engine_with_weights, tmp_path):
    module = engine_module(*engine_with_weights)
    garbage = tmp_path / "garbage.bin"
    garbage.write_bytes(b"this is no model" * 100)
    for path in (garbage, tmp_path / "garbage.bin.missing"):
        with pytest.raises(ValueError, match=r"garbage\.bin"):
            module.build(module.Settings(), Context(locate=lambda _, path=path: path))


# --- voice activity detectors -------------------------------------------------------------------


def frames(engine, audio):
    return audio[: len(audio) // engine.frame_samples * engine.frame_samples].reshape(
        -1, engine.frame_samples
    )


def test_vad_scores_every_frame_between_zero_and_one(vad, noise):
    assert isinstance(vad, Vad)
    scores = [vad.probability(frame) for frame in frames(vad, noise(vad.sample_rate))]
    assert all(isinstance(score, float) and 0.0 <= score <= 1.0 for score in scores)


def test_vad_fires_on_speech_and_not_on_silence(vad, speech):
    audio = speech(SENTENCE, vad.sample_rate)
    scores = [vad.probability(frame) for frame in frames(vad, audio)]
    assert np.mean(np.array(scores) > 0.5) > 0.4
    vad.reset()
    silence = np.zeros(vad.sample_rate, np.float32)
    assert max(vad.probability(frame) for frame in frames(vad, silence)) < 0.3


@pytest.mark.parametrize("gap_s", [0.5, 2, 10, 60])
@pytest.mark.parametrize("background_dbfs", [-120, -68])
def test_vad_hears_speech_within_200_ms_however_long_it_was_quiet(
    vad, speech, noise, gap_s, background_dbfs
):
    """Background: digital silence, and a telephone line's noise."""
    rate = vad.sample_rate
    audio = speech(SENTENCE, rate)
    onset = int(np.flatnonzero(np.abs(audio) > 0.05)[0])
    gap = np.zeros(round(gap_s * rate), np.float32)
    whole = np.concatenate((audio, gap, audio))
    whole += noise(len(whole), background_dbfs)
    scores = np.array([vad.probability(frame) for frame in frames(vad, whole)])
    first = (len(audio) + len(gap) + onset) // vad.frame_samples
    within = first + round(0.2 * rate / vad.frame_samples)
    assert max(scores[first : within + 1]) > 0.5
    assert np.mean(scores[first : first + len(audio) // vad.frame_samples] > 0.5) > 0.4


def test_vad_scores_the_same_again_after_reset(vad, speech):
    audio = frames(vad, speech(SENTENCE, vad.sample_rate))
    first = [vad.probability(frame) for frame in audio]
    vad.reset()
    assert [vad.probability(frame) for frame in audio] == first


def test_vad_refuses_frames_of_another_length_or_type(vad):
    for bad in (
        np.zeros(0, np.float32),
        np.zeros(vad.frame_samples + 1, np.float32),
        np.zeros((1, vad.frame_samples), np.float32),
        np.zeros(vad.frame_samples, np.int16),
        np.zeros(vad.frame_samples, np.float64),
    ):
        with pytest.raises(ValueError, match=r"float32|samples"):
            vad.probability(bad)


def test_vad_hears_broken_samples_as_silence_and_recovers(vad, speech):
    audio = frames(vad, speech(SENTENCE, vad.sample_rate)).copy()
    audio[2] = 0.0
    expected = [vad.probability(frame) for frame in audio]
    vad.reset()
    audio[2] = np.nan
    assert [vad.probability(frame) for frame in audio] == expected


# --- speech recognisers -------------------------------------------------------------------------


def feed(engine, audio, size=1600):
    fed = [engine.feed(audio[start : start + size]) for start in range(0, len(audio), size)]
    return [hypothesis for hypothesis in fed if hypothesis is not None]


def test_asr_gives_hypotheses_on_the_way_and_a_transcript_at_the_end(asr, speech):
    assert isinstance(asr, StreamingAsr)
    hypotheses = feed(asr, speech(SENTENCE, asr.sample_rate))
    assert hypotheses
    assert all(isinstance(hypothesis, Hypothesis) for hypothesis in hypotheses)
    transcript = asr.finish()
    assert isinstance(transcript, Transcript)
    assert transcript.text


def test_asr_never_takes_a_stable_word_back(asr, speech):
    hypotheses = feed(asr, speech(SENTENCE, asr.sample_rate))
    for earlier, later in itertools.pairwise(hypotheses):
        assert later.stable.startswith(earlier.stable)


def test_asr_says_nothing_when_nothing_was_fed(asr):
    assert asr.feed(np.zeros(0, np.float32)) is None
    assert asr.finish() == Transcript("")


def test_asr_says_the_same_again_after_reset(asr, speech):
    audio = speech(SENTENCE, asr.sample_rate)
    feed(asr, audio)
    first = asr.finish()
    asr.reset()
    feed(asr, audio)  # when hypotheses come depends on how busy the machine is, not what is said
    assert asr.finish().text == first.text


def test_asr_can_be_finished_twice_and_fed_after_that(asr, speech):
    audio = speech(SENTENCE, asr.sample_rate)
    half = len(audio) // 2
    feed(asr, audio[:half])
    early = asr.finish()
    assert asr.finish() == early
    feed(asr, audio[half:])
    assert len(asr.finish().text.split()) > len(early.text.split())


def test_asr_refuses_audio_of_another_type_and_survives_broken_samples(asr, speech):
    for bad in (np.zeros(160, np.int16), np.zeros((160, 1), np.float32)):
        with pytest.raises(ValueError, match="float32"):
            asr.feed(bad)
    asr.feed(np.full(1600, np.nan, np.float32))
    feed(asr, speech(SENTENCE, asr.sample_rate))
    assert asr.finish().text


# --- language models ----------------------------------------------------------------------------


def test_llm_streams_pieces_of_one_reply(llm, go_on):
    assert isinstance(llm, Llm)
    pieces = list(llm.stream(HISTORY, go_on))
    assert len(pieces) > 1
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert "".join(pieces).strip()


def test_llm_gives_the_same_reply_to_the_same_history_prepared_or_not(llm, go_on):
    def reply() -> list[str]:
        # Its beginning: where weights are quantized, a prompt read ahead is rounded otherwise.
        return "".join(llm.stream(HISTORY, go_on)).split()[:4]

    first = reply()
    llm.prepare((*HISTORY[:-1], Message("caller", "Something else entirely, please.")))
    assert reply() == first
    llm.prepare(HISTORY)
    assert reply() == first


def test_llm_writes_nothing_once_stopped(llm):
    stop = threading.Event()
    assert list(llm.stream(HISTORY, stopped())) == []
    pieces = llm.stream(HISTORY, stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []


def test_llm_can_be_left_in_the_middle_of_a_reply(llm, go_on):
    whole = "".join(llm.stream(HISTORY, go_on))
    abandoned = llm.stream(HISTORY, go_on)
    next(abandoned)
    abandoned.close()
    assert "".join(llm.stream(HISTORY, go_on)) == whole


@pytest.mark.parametrize(
    "history",
    [
        (),
        (Message("caller", ""),),
        (Message("agent", "Hello?"),),
        (Message("caller", "One."), Message("caller", "Two."), Message("agent", "Three.")),
        (Message("caller", "\ud800 \x00 <|im_end|> {{ x }} 🙂"),),
    ],
)
def test_llm_answers_odd_histories(llm, go_on, history):
    llm.prepare(history)
    assert all(isinstance(piece, str) for piece in llm.stream(history, go_on))


# --- synthesisers -------------------------------------------------------------------------------


def test_tts_gives_chunks_of_audio_in_range(tts, go_on):
    assert isinstance(tts, Tts)
    chunks = list(tts.synthesize(SENTENCE, go_on))
    assert len(chunks) > 1
    assert all(chunk.dtype == np.float32 and chunk.ndim == 1 and len(chunk) for chunk in chunks)
    audio = np.concatenate(chunks)
    assert 0.02 < np.abs(audio).max() <= 1.0
    assert 1.0 < len(audio) / tts.sample_rate < 5.0


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_tts_makes_no_audio_of_no_text(tts, go_on, text):
    assert list(tts.synthesize(text, go_on)) == []


def test_tts_says_the_same_text_the_same_way_whatever_came_between(tts, go_on):
    def say(text):
        return np.concatenate(list(tts.synthesize(text, go_on)))

    first = say(SENTENCE)
    say("Something else!")
    assert np.array_equal(say(SENTENCE), first)


def test_tts_reads_prices_and_times_as_people_do(tts, go_on):
    if getattr(tts, "simulated_time", False):
        pytest.skip("it has no voice")
    written, said = "$12.50 at 3:30 pm", "twelve dollars and fifty cents at three thirty PM"
    read, spelled = (np.concatenate(list(tts.synthesize(text, go_on))) for text in (written, said))
    assert np.array_equal(read, spelled)


def test_tts_falls_silent_once_stopped(tts):
    assert list(tts.synthesize(SENTENCE, stopped())) == []
    stop = threading.Event()
    chunks = tts.synthesize(SENTENCE, stop)
    next(chunks)
    stop.set()
    assert list(chunks) == []


def test_tts_can_begin_another_text_while_one_is_unfinished(tts, go_on):
    alone = np.concatenate(list(tts.synthesize("Another text.", go_on)))
    unfinished = tts.synthesize(SENTENCE, go_on)
    next(unfinished)
    assert np.array_equal(np.concatenate(list(tts.synthesize("Another text.", go_on))), alone)
    assert list(unfinished)


# --- turn detectors -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", engine_names("turn_detector"))
def test_turn_detector_module_says_whether_it_needs_the_text(name):
    assert isinstance(engine_module("turn_detector", name).NEEDS_TEXT, bool)


def test_turn_detector_answers_with_a_probability(turn_detector, speech):
    assert isinstance(turn_detector, TurnDetector)
    assert turn_detector.audio_seconds >= 0.0
    audio = speech("I would like to book a table.", turn_detector.sample_rate)
    for piece in (audio, audio[:1], audio[:0], np.tile(audio, 10)):
        answer = turn_detector.end_of_turn(HISTORY[:2], "I would like to book a table.", piece)
        assert isinstance(answer, float)
        assert 0.0 <= answer <= 1.0


def test_turn_detector_gives_the_same_answer_to_the_same_question(turn_detector, speech):
    audio = speech("Yes, please.", turn_detector.sample_rate)
    answers = {turn_detector.end_of_turn(HISTORY, "Yes, please.", audio) for _ in range(3)}
    assert len(answers) == 1


def test_turn_detector_refuses_audio_of_another_type_and_survives_broken_samples(turn_detector):
    with pytest.raises(ValueError, match="float32"):
        turn_detector.end_of_turn((), "Yes.", np.zeros(100, np.int16))
    broken = np.full(turn_detector.sample_rate, np.nan, np.float32)
    assert 0.0 <= turn_detector.end_of_turn((), "Yes.", broken) <= 1.0
