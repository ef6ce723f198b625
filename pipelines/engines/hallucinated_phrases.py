"""Text that speech recognisers write for no speech at all.

Models trained on subtitles answer noise with what subtitles hold there. The voice gate keeps most
noise away; this is the second line. Only what nobody says to an agent is listed: "thank you" is a
phantom as well, but callers say it.
"""

from pipelines.engines.loops import bare_word, first_round

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


def without_hallucinated_phrases(text: str) -> str:
    """The text, or nothing if it is what a recogniser makes up; loops are cut to one round."""
    if any(symbol in text for symbol in SYMBOLS):
        return ""
    phrase = " ".join(bare_word(word) for word in text.split())
    if phrase in PHANTOMS or (phrase in UNPUNCTUATED and not text.endswith((".", "?"))):
        return ""
    return first_round(text)
