"""Makes up short everyday turns, which written task dialogues lack.

Who writes to a booking service writes whole sentences; who is on the phone says "Tuesday".
"""

import random
import re
from collections.abc import Sequence

from voicecli.synthetic_calls.dialogues import Turn

_OPENERS = (
    "i want to", "i'd like to", "i would like to", "i need to", "can i", "could i please",
    "can you help me", "how do i", "i'm calling to", "is it possible to", "i was hoping to",
    "please",
)  # fmt: skip
_WISHES = (
    "cancel my order", "speak to a human", "talk to someone in billing", "change my address",
    "reset my password", "make an appointment", "book a room", "check my balance", "see a doctor",
    "return a pair of shoes", "pay my bill", "open an account", "file a complaint", "order a pizza",
    "renew my prescription", "get a refund", "leave a message", "update my phone number",
    "reschedule my appointment", "cancel my subscription", "track my package", "get a quote",
)  # fmt: skip
_REMARKS = (
    "my internet is not working", "i have a question about my bill", "i was charged twice",
    "there is a problem with my order", "i lost my card", "my package has not arrived",
    "the app keeps crashing", "i have a toothache", "my car won't start", "i forgot my password",
    "what are your opening hours", "where are you located", "how much does it cost",
    "do you have parking", "are you open on sundays", "what time do you close", "how old are you",
    "how is the weather today", "tell me a story", "who are you", "what can you do",
    "is anybody there",
    "when does it start", "what is the tallest mountain in the world", "who wrote that book",
    "can you hear me", "could you repeat that", "what did you say", "sorry i didn't get that",
)  # fmt: skip
_TAILS = (
    "",
    "",
    "",
    "",
    " please",
    " tomorrow",
    " this week",
    " for my wife",
    " by phone",
    " today",
)
_GREETINGS = ("hi.", "hello.", "good morning.", "hey there.", "yes hello.", "hi um")
_SHORT: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("Is that right?", "Shall I go ahead?", "Do you want me to book it?", "Is that correct?",
         "Would you like anything else?", "Does that work for you?", "Can you hold?"),
        ("yes", "no", "yeah", "yep", "yes please", "no thanks", "no thank you", "that's right",
         "correct", "sure", "that's fine", "yes that's correct", "no that's all", "exactly", "nope",
         "yes it is", "no it isn't", "of course", "not really", "i think so", "maybe", "go ahead"),
    ),
    (
        ("Which day?", "When would you like to come?", "On what date?", "When is it for?"),
        ("tuesday", "next monday", "tomorrow", "on friday", "the third of may", "this weekend",
         "monday morning", "thursday please", "today", "on the 12th", "june 1st", "any day"),
    ),
    (
        ("At what time?", "For what time?", "What time suits you?", "When should I call back?"),
        ("seven", "at seven", "seven thirty", "noon", "around ten", "7 pm", "half past six", "8:30",
         "in the evening", "at 5", "eleven a.m.", "after lunch", "six o'clock", "quarter to nine"),
    ),
    (
        ("How many people?", "For how many?", "How many tickets do you need?", "What size?"),
        ("two", "four", "just me", "for five people", "three of us", "6", "one please", "a couple"),
    ),
    (
        ("Which city?", "Where are you?", "Where to?", "What is your destination?"),
        ("boston", "in chicago", "seattle please", "new york city", "from london to paris",
         "downtown",
         "san diego", "los angeles california", "near the airport", "at home"),
    ),
    (
        ("I have booked it for you.", "It opens at nine.", "Your order is on its way.",
         "Thank you.",
         "You can find it on our website.", "Your appointment is on Monday."),
        ("okay", "thanks", "thank you", "great", "okay thank you", "bye", "perfect", "got it",
         "i see", "alright", "that's great thank you", "okay bye", "wonderful", "thanks so much"),
    ),
)  # fmt: skip


_SORTS = (
    re.compile(r"^(?!.*\b(what|which|when|where|who|how|why)\b).*"
               r"\b(would|shall|should|do|does|did|is|are|was|can|may|will|have) "
               r"(you|i|we|it|that|this|there|the|everything|anything)\b"),
    re.compile(r"\b(which|what) (day|date)\b|\bwhen\b"),
    re.compile(r"\bwhat time\b|\bwhich time\b"),
    re.compile(r"\bhow many\b|\bhow much\b|\bwhat number\b"),
    re.compile(r"\bwhere\b|\b(which|what) (city|town|place|area|location)\b"),
)  # fmt: skip
"""What a question asks for, in the order of the rows of `_SHORT`."""
_MORE: tuple[tuple[str, ...], ...] = (
    ("uh huh", "mm yes", "yes i do", "no i don't", "yes i would", "no i'm good", "i guess so",
     "yeah sure", "yes that works", "no not today", "please do", "okay", "right", "i don't know"),
    ("the fifth", "wednesday", "sunday evening", "next week", "in two weeks", "saturday the ninth",
     "the twenty third", "march second", "any weekday", "as soon as possible", "tonight"),
    ("seven fifteen", "nine thirty", "ten", "two p.m.", "at eight", "five o'clock", "midnight",
     "quarter past four", "ten thirty in the morning", "around six", "eleven forty five", "at one"),
    ("three", "five", "eight", "a dozen", "only one", "seven of us", "ten people", "none", "both"),
    ("denver", "in austin", "here", "the second one", "portland oregon", "on main street",
     "san francisco", "berkeley", "near downtown", "anywhere", "at the station"),
)  # fmt: skip


def short_answer(question: str, names: Sequence[str], rng: random.Random) -> Turn:
    """What an agent really asked, answered in a word or two, or with the name of something."""
    asked = re.split(r"(?<=[.!?])\s+", question.strip().lower())[-1]
    for sort, (_, usual), more in zip(_SORTS, _SHORT, _MORE, strict=False):
        if sort.search(asked):
            return Turn("everyday", 0, question, rng.choice(usual + more))
    return Turn("everyday", 0, question, rng.choice(names))


def everyday_turn(rng: random.Random) -> Turn:
    """One turn with the question before it, or without one where any greeting may stand."""
    if rng.random() < 0.6:
        questions, answers = rng.choice(_SHORT)
        return Turn("everyday", 0, rng.choice(questions), rng.choice(answers))
    said = rng.choice(_REMARKS)
    if rng.random() < 0.5:
        said = f"{rng.choice(_OPENERS)} {rng.choice(_WISHES)}{rng.choice(_TAILS)}"
    if rng.random() < 0.25:
        said = f"{rng.choice(_GREETINGS)} {said}"
    return Turn("everyday", 0, "", said)
