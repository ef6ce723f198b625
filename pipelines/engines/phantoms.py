"""Text that speech recognisers write for no speech at all; changes as more such text is met.

Models trained on subtitles answer noise with what subtitles hold there. The voice gate keeps most
noise away; this is the second line. Only what nobody says to an agent is listed: "thank you" is a
phantom as well, but callers say it.
"""

from collections.abc import Sequence

PHANTOMS = frozenset(
    {
        "thank you for watching",
        "thanks for watching",
        "thank you so much for watching",
        "thanks for watching and see you next time",
        "please subscribe",
        "please subscribe to my channel",
        "like and subscribe",
        "see you in the next video",
        "ill see you in the next video",
        "subtitles by the amara org community",
    }
)
UNPUNCTUATED = frozenset({"you"})
"""Phantoms only without a full stop or question mark, since people say the word as well:
Moonshine's and Whisper's favourite for hum and clicks."""
SYMBOLS = frozenset("♪♫©")
"""Marks of music and credits: never part of a caller's words."""
MAX_REPEATS = 4
"""A phrase said more often than this in a row was not said but looped."""
MAX_PHRASE_WORDS = 8


def without_phantoms(text: str) -> str:
    """The text, or nothing if it is what a recogniser makes up; loops are cut to one round."""
    if any(symbol in text for symbol in SYMBOLS):
        return ""
    words = text.split()
    bare = ["".join(char for char in word.casefold() if char.isalnum()) for word in words]
    phrase = " ".join(bare)
    if phrase in PHANTOMS or (phrase in UNPUNCTUATED and not text.endswith((".", "?"))):
        return ""
    return " ".join(words[: _until_loop(bare)])


def _until_loop(words: Sequence[str]) -> int:
    """How many words there are up to the end of the first round of a loop; all if there is none."""
    for start in range(len(words)):
        for size in range(1, MAX_PHRASE_WORDS + 1):
            phrase = words[start : start + size]
            if len(words) - start <= size * MAX_REPEATS:
                break
            rounds = 1
            while words[start + rounds * size : start + (rounds + 1) * size] == phrase:
                rounds += 1
            if rounds > MAX_REPEATS:
                return start + size
    return len(words)
