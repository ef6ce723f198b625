"""Every threshold of turn-taking, so that a recorded call can be replayed under others.

Fields are the keys of a profile's `[policy.*]` tables; durations carry their unit in the name.
Defaults suit a phone line with the embedded engines.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pipelines.turn_taking.bounds import bounded

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Hysteresis that turns speech probabilities into confirmed speech and pauses."""

    replaced: ClassVar = {
        "lull_ms": "early_silence_ms",
    }
    """Keys that were, and what to write instead."""

    start_threshold: float = bounded(0.5, 0, 1)
    """A chunk at or above this may begin speech."""
    stop_threshold: float = bounded(0.5, 0, 1)
    """A chunk below this is silence; in between, the state stays."""
    confirm_ms: int = bounded(90, 0, _MINUTE_MS)
    """Speech must last this long before anything is transcribed."""
    pre_roll_ms: int = bounded(300, 0, _MINUTE_MS)
    """Audio from before the onset given to the transcriber, so that no first phoneme is lost."""
    early_silence_ms: int = bounded(30, 0, _MINUTE_MS)
    """Silence after which the words are asked for, in case it becomes a pause, as most do. From
    `pause_ms` on: not before that."""
    pause_ms: int = bounded(90, 0, _MINUTE_MS)
    """Silence after which the caller counts as paused and the end of the turn is considered."""
    post_roll_ms: int = bounded(60, 0, _MINUTE_MS)
    """Audio given to the transcriber after the detector has taken nothing for speech any more."""
    soft_end_ms: int = bounded(60, 0, _MINUTE_MS)
    """Sound counts as speech for so long after that: a soft last word. Not where the line is so
    noisy that a voice cannot be heard to fade."""
    doubt_above: float = bounded(0.05, 0, 1)
    """Where there is sound, a probability of speech above this is a doubt whether it is speech."""
    doubt_ms: int = bounded(64, 0, _MINUTE_MS)
    """Doubts of this size in a row are speech after all, which the detector is deaf to: what is
    above, times how long it lasts. A second at 0.11 is 60 ms. 0: they never are."""


@dataclass(frozen=True, slots=True)
class EndpointingPolicy:
    """How long to wait, given how finished the caller sounds."""

    replaced: ClassVar = {
        "own_pauses_most": "caller_prior_most",
        "own_pauses_delay_ms": "caller_prior_delay_ms",
        "own_pauses_prior": "caller_prior_strength",
        "own_pauses_from_ms": "caller_prior_pause_ms",
    }
    """Keys that were, and what to write instead."""

    delays_ms: tuple[tuple[float, float], ...] = (
        (0.0, 2300),
        (0.2, 1700),
        (0.5, 800),
        (0.7, 400),
        (0.8, 220),
        (0.9, 120),
    )
    """Points (P(end of turn), silence in ms) between which the delay is interpolated."""
    weights: tuple[tuple[str, float], ...] = ()
    """Detectors and their weights: P is the weighted mean of their log-odds."""
    text_detectors: tuple[str, ...] = ()
    """Those of them that are asked only once the final transcript is there."""
    score_timeout_ms: int = bounded(200, 0, _MINUTE_MS)
    """Wait this long for a detector that was asked, even where the others would end the turn: one
    that only listens is often sure too soon."""
    unscored_ms: int = bounded(800, 0, _MINUTE_MS)
    """Silence that ends a turn when no detector has answered."""
    backstop_ms: int = bounded(3000, 0, _MINUTE_MS)
    """Silence that ends a turn whatever the detectors say."""
    caller_prior_most: float = bounded(1.0, 0, 10)
    """The most that the caller's own pauses so far may add to the log-odds of an end, or take from
    them; 0: all callers are waited for alike."""
    caller_prior_delay_ms: int = bounded(150, 0, _MINUTE_MS)
    """The most that pauses of theirs may delay an answer where words and voice both say that the
    turn is over."""
    caller_prior_strength: int = bounded(8, 1)
    """How many ends, and as many pauses, the caller's own are weighed against."""
    caller_prior_pause_ms: int = bounded(200, 0, _MINUTE_MS)
    """A silence within a turn counts as a pause from here on."""
    transcript_timeout_ms: int = bounded(2000, 0, _MINUTE_MS)
    """Wait this long for a final transcript, then go by the partial one."""
    carry_over_ms: int = bounded(8000, 1000, _MINUTE_MS)
    """A turn longer than this is transcribed in pieces, split at its pauses."""


@dataclass(frozen=True, slots=True)
class SpeculationPolicy:
    """What may be prepared while it is still open whether the caller has finished."""

    replaced: ClassVar = {
        "read_along": "prefill_partials",
        "eager_above": "eager_eot_threshold",
        "prepare_above": "prefill_above",
        "reply_above": "preemptive_reply_above",
    }
    """Keys that were, and what to write instead."""

    transcribe: bool = True
    """Ask for the final transcript at the pause instead of at the end of the turn."""
    prefill_partials: bool = True
    """Let the LLM read the caller's words while they are spoken: few are left at the end."""
    eager_eot_threshold: float = bounded(0.6, 0)
    """P by the words alone from which the reply is made while the caller still speaks, by an LLM
    that reads along, if `preemptive_reply_above` allows it too; above 1: never."""
    prefill_above: float = bounded(0.0, 0)
    """P from which the LLM reads the prompt in advance; above 1: never."""
    preemptive_reply_above: float = bounded(0.5, 0)
    """P from which the reply and its first clause are made in advance; above 1: never."""
    reply_lead_ms: int = bounded(300, 0, _MINUTE_MS)
    """So long before the turn would end they are made whatever P, unless `preemptive_reply_above`
    is above 1: whoever has been silent until then will mostly stay so. 0: never."""
    budget_ms_per_turn: int = bounded(3000, 0, 10 * _MINUTE_MS)
    """Engines' time that a turn may waste on what is thrown away when the caller goes on: read
    prompts, replies and their audio. Once it is spent, these wait for the end of the turn; the
    final transcript and what the detectors say of it do not, as they decide when that is. 0: no
    reply is prepared in advance."""


@dataclass(frozen=True, slots=True)
class InterruptAfter:
    """After how long of each kind of speech the agent is interrupted; its own echo never does."""

    replaced: ClassVar = {
        "cue": "phrase",
    }
    """Keys that were, and what to write instead."""

    phrase: int = bounded(0, 0, _MINUTE_MS)
    """One of the `interruption_phrases` is among its words."""
    words: int = bounded(600, 0, _MINUTE_MS)
    """Two or more of its words are no backchannel."""
    word: int = bounded(700, 0, _MINUTE_MS)
    """One of its words is none."""
    sound: int = bounded(700, 0, _MINUTE_MS)
    """No words of it are known yet; when it pauses without any, it does not interrupt."""
    backchannel: int = bounded(1400, 0, _MINUTE_MS)
    """All its words so far are, as in "okaaay"; when it pauses, it does not interrupt."""


@dataclass(frozen=True, slots=True)
class BargeInPolicy:
    """Who gets to stop the agent, and how soon."""

    replaced: ClassVar = {
        "min_words": "interrupt_after_ms = { word = 700, words = 600 }",
        "words_after_ms": "interrupt_after_ms = { words = 600 }",
        "cues": "interruption_phrases",
        "own_words": "self_echo_words",
        "echoes_known_after": "self_echo_known_after",
        "resume_after_ms": "false_interruption_timeout_ms",
        "uninterruptible": "protected_phrases",
    }
    """Keys that were, and what to write instead."""
    enabled: bool = True
    """Whether the caller can interrupt the agent."""
    pause_after_ms: int = bounded(90, 0, _MINUTE_MS)
    """Overlapping speech that makes the agent fall silent while it is judged."""
    brief_ms: int = bounded(220, 0, _MINUTE_MS)
    """A sound over the agent shorter than this is a cough or a click: the agent goes on as soon as
    it is over, and it is judged meanwhile."""
    interrupt_after_ms: InterruptAfter = InterruptAfter()
    """How long speech over the agent lasts until it is an interruption, by what it is. Shorter
    speech with nothing after it is none, whatever a recogniser made of it."""
    interruption_phrases: tuple[str, ...] = (
        "stop", "wait", "no", "hold", "hang on", "one moment", "sorry", "pardon", "excuse me",
        "actually", "but", "hello", "hey", "help", "cancel", "repeat", "again", "what", "who",
        "when", "where", "why", "how", "which", "agent", "operator", "human",
    )  # fmt: skip
    """One or two words that make speech a `phrase`; compared as below."""
    self_echo_words: int = bounded(2, 0)
    """So many of the agent's own words in a row, heard while it says them, are an echo of the line
    and no interruption; 0: nothing is."""
    self_echo_known_after: int = bounded(2, 1)
    """Echoes of its own words after which the agent speaks on over them, and only other words
    interrupt it."""
    false_interruption_timeout_ms: int = bounded(350, 0, _MINUTE_MS)
    """Silence after overlapping speech that was no interruption before the agent goes on."""
    greeting_interruptible: bool = True
    """Whether they can during the greeting."""
    protected_phrases: tuple[str, ...] = ()
    """Phrases of the agent's, such as "this call is recorded": a clause with one of them is heard
    to its end. What the caller says meanwhile is judged then. Compared without case."""
    backchannels: tuple[str, ...] = (
        "mm", "mhm", "mm hmm", "um hum", "hmm", "hm", "uh huh", "aha", "ah", "oh", "uh", "um", "er",
        "yeah", "yes", "yep", "yup", "ok", "okay", "right", "sure", "i see", "got it", "good",
        "great", "cool", "alright", "all right", "nice", "wow", "really", "of course", "thanks",
        "thank you", "perfect", "exactly", "fine", "lovely", "excellent", "absolutely",
        "sounds good", "that's right",
    )  # fmt: skip
    """What a listener says to show that they listen; compared without case and punctuation."""


@dataclass(frozen=True, slots=True)
class ClausePolicy:
    """How the reply is cut into pieces for the synthesiser."""

    cut_at: Literal["clause", "sentence", "reply"] = "clause"
    """Where: at pauses and, if there is none for long, between words; only where sentences end; or
    not at all. The numbers of words count for clauses only."""
    first_min_words: int = bounded(2, 1)
    """The first clause is spoken from this many words on, at the first punctuation."""
    first_max_words: int = bounded(10, 1)
    """Without punctuation, the first clause is cut after this many words."""
    min_words: int = bounded(4, 1)
    """Later clauses are at least this long, unless a sentence ends."""
    max_words: int = bounded(30, 1)
    """They are cut after this many words."""
    sentence_after_ms: int = bounded(250, 0, _MINUTE_MS)
    """A sentence is spoken when nothing has followed it for so long; where it ends in a number, an
    initial or "a.m.", after four times as long. 0: it waits for the next word."""
    synthesize_ahead: int = bounded(2, 1)
    """Clauses that may be synthesised before the one being heard has ended."""


@dataclass(frozen=True, slots=True)
class AgentPolicy:
    """What the agent says of its own accord, and when it gives up."""

    system_prompt: str = ""
    """What the LLM is told first. `{date}` in it becomes the day on which the call began."""
    greeting: str = ""
    """Said when the call begins; empty: the caller speaks first."""
    idle_prompts: tuple[str, ...] = ("Are you still there?", "Is there anything else?")
    """Said one after the other to a silent caller; after the last, the call is ended."""
    cannot_hear: str = "I can't hear you."
    """Said before the last of them to a caller of whom no word has been understood so far, but not
    to one who types."""
    idle_ms: int = bounded(10_000, 1000)
    """Silence on both sides before one is said; any sound on the line begins it anew ..."""
    idle_sound_ms: int = bounded(60_000, 0, 10 * _MINUTE_MS)
    """... for so long at most: what makes sound for a minute, and says nothing, is no caller."""
    goodbye: str = "I'll hang up now. Goodbye."
    """Said before the agent hangs up."""
    apology: str = "Sorry, I had a problem there. Could you say that again?"
    """Said when the reply could not be made."""
    not_heard: str = "Sorry, I didn't catch that."
    """Said when the caller's words could not be transcribed."""
    ask_again_ms: int = bounded(800, 0, _MINUTE_MS)
    """Speech of this length in which no words were found is answered with `not_heard`, but not
    twice in a row: then it is a noise. 0: never."""
    max_failures: int = bounded(3, 1)
    """Turns that may fail one after the other before the call is ended."""
    filler: str = "One moment, please."
    """Said when the reply is late, or stops coming after its first words."""
    filler_after_ms: int = bounded(0, 0, _MINUTE_MS)
    """Silence after the end of the turn, or after what was heard of the reply, before that is said;
    0: it never is. For tools see `policy.tools`."""
    reply_timeout_ms: int = bounded(8000, 100, _MINUTE_MS)
    """Wait this long for the next piece of a reply before it counts as failed."""
    dtmf_timeout_ms: int = bounded(2000, 0, _MINUTE_MS)
    """Pause after a key press that ends a row of digits."""
    dtmf_terminator: str = "#"
    """The key that ends a row of digits at once; empty: none does."""

    def prompt_on(self, today: str) -> str:
        """The system prompt of a call that begins on this day, in words; empty if nobody knows."""
        return self.system_prompt.strip().replace("{date}", today or "not known")


@dataclass(frozen=True, slots=True)
class ToolPolicy:
    """How long tools may take, and what the caller hears meanwhile."""

    filler: str = "One moment, please."
    """Said once when the caller would wait too long for a tool; empty: nothing is."""
    filler_after_ms: int = bounded(700, 0, _MINUTE_MS)
    """Silence while a tool runs before that is said."""
    timeout_ms: int = bounded(10_000, 1, _MINUTE_MS)
    """Wait this long for a tool that names no time of its own; then the model is told."""
    max_rounds: int = bounded(4, 1, 20)
    """How often one reply may ask for tools, see their results, and ask again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it; one table of the profile per field."""

    gate: GatePolicy = field(default_factory=GatePolicy)
    endpointing: EndpointingPolicy = field(default_factory=EndpointingPolicy)
    speculation: SpeculationPolicy = field(default_factory=SpeculationPolicy)
    barge_in: BargeInPolicy = field(default_factory=BargeInPolicy)
    clauses: ClausePolicy = field(default_factory=ClausePolicy)
    tools: ToolPolicy = field(default_factory=ToolPolicy)
    agent: AgentPolicy = field(default_factory=AgentPolicy)
