"""Why the core decided as it did: each rule by name, with the sentence that explains it."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import TypeAlias

from pipelines.turn_taking.time import Nanos, to_ms

Number: TypeAlias = float | int | str


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule of the core and the numbers of its sentence; for people, not for programs to read."""

    rule: str
    numbers: Mapping[str, Number]

    def __str__(self) -> str:
        return RULES[self.rule].format(**self.numbers)


def because(rule: str, **numbers: Number) -> Reason:
    """A reason; `rule` is a key of RULES. It keeps those numbers that the rule's sentence names."""
    return Reason(rule, named(rule, numbers))


def named(rule: str, numbers: Mapping[str, Number]) -> Mapping[str, Number]:
    """The numbers that the sentence of this rule names; all of them, if there is no such rule."""
    names = _NAMED.get(rule, numbers)
    return {name: number for name, number in numbers.items() if name in names}


def milliseconds(duration: Nanos) -> float:
    """A duration as a reason's number: milliseconds to a tenth."""
    return round(to_ms(duration), 1)


RULES: Mapping[str, str] = {
    # the caller's turn
    "speech_confirmed": "{speech_ms:.0f} ms of speech: the caller speaks",
    "speech_over_agent": "{speech_ms:.0f} ms of speech while the agent is {agent}: listening in",
    "heard_late": (
        "{sound_ms:.0f} ms of sound that the voice detector did not take for speech: it is taken "
        "for speech all the same"
    ),
    "speech_went_on": "the caller went on after {silence_ms:.0f} ms of silence",
    "long_turn_carried_over": (
        "the turn is {turn_ms:.0f} ms long: what came before the pause is settled"
    ),
    "lull_detected": "{silence_ms:.0f} ms of silence: asked in advance, should it be a pause",
    "lull_over": "the caller goes on after {silence_ms:.0f} ms: no pause",
    "pause_detected": "{silence_ms:.0f} ms of silence: the turn may be over",
    "final_transcript": "the words are final: {words} of them",
    "hold_by_score": (
        "P(end) {p:.2f}{scores}: waits until {wait_ms:.0f} ms of silence, {left_ms:.0f} ms left"
    ),
    "hold_unscored": (
        "no detector has answered: waits until {wait_ms:.0f} ms of silence, {left_ms:.0f} ms left"
    ),
    "end_by_score": (
        "answered after {silence_ms:.0f} ms of silence: P(end) {p:.2f}{scores} asks for "
        "{wait_ms:.0f} ms; the backstop had {backstop_left_ms:.0f} ms left"
    ),
    "end_by_timer": (
        "answered after {silence_ms:.0f} ms of silence: no detector answered, the timer is at "
        "{wait_ms:.0f} ms"
    ),
    "end_by_backstop": (
        "answered after {silence_ms:.0f} ms of silence: the backstop of {wait_ms:.0f} ms, although "
        "P(end) is {p:.2f}{scores}"
    ),
    "own_pauses": (
        "this caller has ended {ends} turn(s) and paused {pauses} time(s) within one: "
        "{log_odds:+.2f} to the log-odds of an end"
    ),
    "end_by_keypad": "answered: keys {digits}, then the last key or silence",
    "end_by_typing": "answered: the caller wrote “{text}”",
    "no_words": "{speech_ms:.0f} ms of sound without words: not answered",
    "transcript_late": "no final transcript after {waited_ms:.0f} ms: going by the words there are",
    "turn_over": "the turn is over",
    # speculation
    "read_along": "the LLM reads the words while they are spoken",
    "prefill": "the words are final: the LLM may read them before the turn is over",
    "words_so_far": "the words so far may be all of them",
    "eager": "P(end) {p:.2f} ≥ {threshold:.2f} by the words: answered before the caller has ended",
    "words_changed": "the words are others now",
    "early_in_vain": "other words came {lead_ms:.0f} ms after the reply was begun: it is dropped",
    "speculate": "P(end) {p:.2f} ≥ {threshold:.2f}: the reply is begun before the turn is over",
    "speculate_late": "the turn will soon be over: the reply is begun",
    "speculation_paid": (
        "the reply begun {lead_ms:.0f} ms earlier is kept: {clauses} clause(s) made"
    ),
    "speculation_wasted": "the caller went on: the reply begun {lead_ms:.0f} ms ago is thrown away",
    "budget_spent": (
        "{step} waits for the end of the turn: {spent_ms:.0f} of {budget_ms:.0f} ms of work in "
        "advance were in vain or may be"
    ),
    "still_in_vain": "{step} waits: {jobs} piece(s) of work in vain still run",
    "turn_committed": "the turn is over: reply",
    "no_word_understood": "not one word of the caller's was understood in this call",
    # the agent's turn
    "greeting": "the call has begun: greet",
    "first_clause": "first clause, {words} word(s): speak it while the rest is written",
    "next_clause": "clause {clause}, {words} word(s)",
    "clause_ready": "{audio_ms:.0f} ms of audio is ready",
    "agent_heard": "heard to the end",
    "agent_interrupted": "stopped: {heard_words} of {written_words} words were heard",
    "marks_missing": "no word from playout for {waited_ms:.0f} ms: taken as heard",
    "idle": "{idle_ms:.0f} ms of silence on both sides: ask whether anybody is there",
    "idle_too_long": "nobody answered {prompts} question(s): hang up",
    "goodbye_heard": "the goodbye was heard: hang up",
    # tools
    "tool_requested": "the model asks for {name}",
    "tool_committed": "the turn is over: {name} may act",
    "tool_in_order": "what comes before {name} was heard",
    "tool_answered": "{name}({arguments}) answered after {took_ms:.0f} ms: {result}",
    "tool_failed": "{name}({arguments}) failed after {took_ms:.0f} ms: {result}",
    "tool_timeout": "{name}({arguments}): {result}",
    "tool_refused": "the model asked for {name} after {rounds} rounds of tools: not called",
    "tools_answered": "all tools of round {rounds} have answered: the reply goes on",
    "filler": "a tool takes longer than {waited_ms:.0f} ms: say so",
    "filler_reply_late": "nothing of the reply after {waited_ms:.0f} ms: say that it will come",
    "filler_reply_stalled": "nothing more of the reply for {waited_ms:.0f} ms: say that it goes on",
    "call_ended_by_tool": "the model ends the call, and its last words were heard: hang up",
    # the agent's own code
    "handover": "the call is handed over to {agent}",
    "handover_greeting": "{agent} has the call: greet",
    "tool_failed_of_hook": "{name} failed ({why}): say so",
    "say_requested": "the agent's own code wants it said",
    "end_requested": "the agent's own code ends the call",
    # barge-in
    "overlap_to_judge": (
        "{speech_ms:.0f} ms of speech over the agent: silent while it is judged"
    ),
    "interrupted_by_words": "interruption: {words} word(s) that are no backchannel: “{text}”",
    "interrupted_by_duration": "interruption: {speech_ms:.0f} ms of speech, whatever the words",
    "interrupted_by_keypad": "interruption: key {digit} pressed",
    "interrupted_by_typing": "interruption: the caller wrote “{text}”",
    "interrupted_by_request": "interruption: asked for by hand",
    "overlap_backchannel": "backchannel “{text}”: the agent keeps the floor",
    "overlap_too_short": (
        "{speech_ms:.0f} ms of speech, heard as “{text}”, and nothing after it: the agent keeps "
        "the floor"
    ),
    "overlap_kept": (
        "{speech_ms:.0f} ms of speech, heard as “{text}”, over the agent's last clause: answered "
        "after it"
    ),
    "overlap_without_words": "{speech_ms:.0f} ms of sound without words: the agent keeps the floor",
    "overlap_own_words": "heard its own words “{text}”: an echo, the agent keeps the floor",
    "line_echoes": (
        "heard its own words {times} times: this line echoes; only other words interrupt from now"
    ),
    "own_words_only": "heard its own words “{text}”: an echo, not answered",
    "resume_ignored": "no interruption: goes on at the word where it stopped",
    "resume_heard": "the utterance was heard to its end before it could fall silent",
    "resume_given_up": "there was no more of the utterance to be heard",
    "resume_brief": "over after {sound_ms:.0f} ms: goes on while it is judged",
    "resume_unjudged": "{silence_ms:.0f} ms of silence and no verdict yet: goes on",
    "reopened": "the caller went on before the reply was heard: it is withdrawn",
    # what goes wrong
    "stale": "result of {event} for job {job}, which is no longer wanted",
    "engine_failed": "{kind} failed: {message}",
    "engine_remark": "{kind}: {text}",
    "reply_timeout": "nothing of the reply for {waited_ms:.0f} ms",
    "reply_empty": "the LLM wrote nothing that can be said",
    "reply_silent": "there was nothing to hear of it",
    "apology": "the reply failed ({why}): say so",
    "not_heard": "the words could not be transcribed: say so",
    "no_words_in_speech": "{speech_ms:.0f} ms of speech without words: ask for them once",
    "too_many_failures": "{failures} turns failed one after the other: hang up",
    "deaf": "the voice activity detector failed, nothing can be heard: hang up",
}  # fmt: skip
"""The sentence of each rule, a format string over the reason's numbers."""

_NAMED: Mapping[str, frozenset[str]] = {
    rule: frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name)
    for rule, sentence in RULES.items()
}
"""The numbers that each sentence names."""
