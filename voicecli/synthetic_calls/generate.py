"""Makes up labelled calls from written dialogues.

A call has the callers' turns of one dialogue, spoken by one voice, and among them what trips voice
agents up: pauses within turns, numbers and names in groups, answers of one word, sentences that
trail off, backchannels, coughs and interruptions. The agent's side is not in it: what the agent
under test says has nothing to do with what the caller answers.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Literal, TypeAlias

from voicecli.errors import InputError
from voicecli.synthetic_calls.call_script import CallScript, Utterance
from voicecli.synthetic_calls.dialogues import Split, Turn, read_turns
from voicecli.synthetic_calls.disfluencies import Piece, draw_pause, in_groups, with_disfluencies
from voicecli.synthetic_calls.voices import FLITE

Voices: TypeAlias = Literal["espeak", "flite"]

TURNS = 6
"""Of a dialogue at most, besides those that are put in."""
LONGEST_WORDS = 28
ANSWER_S, CUED_S = 4.0, 1.2
"""Silence after a turn, and before a sound that comes at its cue."""
PHASES_MS = {"opening": (150, 450), "early": (500, 1200), "middle": (1300, 2600),
             "late": (2800, 4000)}  # fmt: skip
"""Where in a reply the caller interrupts, after its beginning."""

# Those that a recogniser understands through a phone; of en-us-nyc or en-029 it gets little.
_LANGUAGES = ("en-us", "en-gb", "en-gb-x-rp")
_VARIANTS = ("", "+m1", "+m3", "+m7", "+f4")
_FLITE = ("slt", "rms", "awb")
_ONE_WORD = ("Yes.", "No.", "Yeah.", "Tuesday.", "Tomorrow.", "Seven.", "Correct.", "Boston.",
             "Thanks.", "Today.", "Four.", "Exactly.", "Sure.", "Noon.", "Nope.")  # fmt: skip
_BACKCHANNELS = ("Uh huh.", "Okay.", "Right.", "Yeah.", "I see.", "Um hum.", "Sure.", "Got it.")
"""Synthesisers spell "Mm hmm" out, letter by letter; "um hum" is the same sound."""
_INTERRUPTIONS = (
    "Wait, that is not what I meant.", "Sorry, can I change the date?", "Stop, please.",
    "No, no, I asked about something else.", "Hold on, could you say that again?",
    "Actually, never mind that.", "Can I speak to a person instead?", "One moment, I have to ask.",
    "Excuse me, how much does it cost?", "No, it was for two people.",
)  # fmt: skip
_TRAILS_OFF = (", so.", ", or, um.", ", but, you know.", ", and, uh.", ", I don't know.")
_FIRST = ("maria", "peter", "susan", "omar", "linda", "kevin", "rachel", "diego", "anna", "brian")
_LAST = ("novak", "jackson", "lopez", "miller", "wright", "young", "harris", "taylor", "clark")
_DOMAINS = ("gmail dot com", "yahoo dot com", "outlook dot com", "example dot org")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def generate_calls(
    folder: Path, split: Split, count: int, seed: int, voices: Voices = "espeak"
) -> list[tuple[str, CallScript]]:
    """A name and a script for each of at most `count` dialogues of the split.

    The seed decides which and everything in them; a larger count leaves the first as they are, and
    other voices leave all but the voice.

    Raises:
        InputError: the folder holds no dialogues, or none of this split.
    """
    turns = [turn for turn in read_turns(folder, split) if _usable(turn)]
    dialogues = {name: list(of) for name, of in groupby(turns, key=lambda turn: turn.dialogue)}
    if not dialogues:
        raise InputError(f"{folder} holds no dialogue of the {split} split; try another --split.")
    names = sorted(dialogues)
    random.Random(f"{seed}:{split}").shuffle(names)  # noqa: S311 - no secret
    scripts = [_call(dialogues[name], random.Random(f"{seed}:{name}")) for name in names[:count]]  # noqa: S311
    if voices == "flite":
        scripts = [
            replace(script, voice=FLITE + random.Random(script.seed).choice(_FLITE))  # noqa: S311
            for script in scripts
        ]
    return [(f"{split}_{number:04}", script) for number, script in enumerate(scripts, 1)]


def _usable(turn: Turn) -> bool:
    words = turn.caller.split()
    return len(words) <= LONGEST_WORDS and any(word.isalpha() for word in words)


def _call(turns: Sequence[Turn], rng: random.Random) -> CallScript:
    first = rng.randrange(max(1, len(turns) - TURNS + 1))
    spoken = [_spoken(turn.caller, rng) for turn in turns[first : first + TURNS]]
    for made in (_dictated, _one_word):
        if rng.random() < 0.6:
            spoken.insert(rng.randrange(len(spoken) + 1), made(rng))
    utterances: list[Utterance] = []
    for pieces in spoken:
        cued = rng.choices((None, _interruption, _backchannel, _cough), (0.5, 0.2, 0.2, 0.1))[0]
        utterances += _turn(pieces, CUED_S if cued else ANSWER_S)
        if cued:
            utterances.append(cued(rng))
    return CallScript(
        description=f"Made up from the dialogue {turns[0].dialogue}.",
        licence="that of the dialogue",
        voice=rng.choice(_LANGUAGES) + rng.choice(_VARIANTS),
        turns=tuple(utterances),
        words_per_minute=rng.randint(125, 150),
        pitch=rng.randint(40, 55),
        seed=rng.randrange(1 << 31),
        noise_dbfs=rng.choice((None, float(rng.randint(-70, -50)))),
    )


def _turn(pieces: Sequence[Piece], silence_s: float) -> list[Utterance]:
    *holds, last = pieces
    before = [Utterance(piece.text, "hold", piece.pause_s) for piece in holds]
    return [*before, Utterance(last.text, "end_of_turn", silence_s)]


def _spoken(text: str, rng: random.Random) -> list[Piece]:
    pieces = with_disfluencies(
        " ".join(text.split()), rng, rng.choices((0, 1, 2), (0.5, 0.35, 0.15))[0]
    )
    if rng.random() < 0.06:
        pieces[-1] = Piece(pieces[-1].text.rstrip(".,;:?! ") + rng.choice(_TRAILS_OFF))
    return pieces


def _one_word(rng: random.Random) -> list[Piece]:
    return [Piece(rng.choice(_ONE_WORD))]


def _dictated(rng: random.Random) -> list[Piece]:
    makers: tuple[Callable[[random.Random], list[Piece]], ...] = (_number, _number, _email, _name)
    return rng.choice(makers)(rng)


def _number(rng: random.Random) -> list[Piece]:
    lead, sizes = rng.choice(
        (
            ("You can call me on", (3, 3, 4)),
            ("My card number is", (4, 4, 4, 4)),
            ("The booking reference is", (3, 3)),
            ("My customer number is", (2, 2, 2)),
            ("It's", (3, 3, 2, 2)),
        )
    )
    groups = [" ".join(rng.choice(_DIGITS) for _ in range(size)) for size in sizes]
    return _led(lead, groups, rng)


def _email(rng: random.Random) -> list[Piece]:
    address = f"{rng.choice(_FIRST)} dot {rng.choice(_LAST)}"
    lead = rng.choice(("My e-mail address is", "It's", "Please write to"))
    return _led(lead, [address, f"at {rng.choice(_DOMAINS)}"], rng)


def _name(rng: random.Random) -> list[Piece]:
    name = rng.choice(_LAST)
    letters = [" ".join(name[at : at + 3].upper()) for at in range(0, len(name), 3)]
    return _led(f"My last name is {name.title()},", letters, rng)


def _led(lead: str, groups: Sequence[str], rng: random.Random) -> list[Piece]:
    """The lead in one breath with the first group, or with a pause between them."""
    if rng.random() < 0.4:
        return [Piece(lead.rstrip(",") + ",", draw_pause(rng)), *in_groups(groups, rng)]
    return in_groups([f"{lead} {groups[0]}", *groups[1:]], rng)


def _interruption(rng: random.Random) -> Utterance:
    cue_ms = rng.randint(*PHASES_MS[rng.choice(tuple(PHASES_MS))])
    return Utterance(rng.choice(_INTERRUPTIONS), "interruption", ANSWER_S, cue_ms)


def _backchannel(rng: random.Random) -> Utterance:
    return Utterance(rng.choice(_BACKCHANNELS), "backchannel", ANSWER_S, rng.randint(600, 3000))


def _cough(rng: random.Random) -> Utterance:
    return Utterance("", "noise", ANSWER_S, rng.randint(400, 3000), sound="cough")
