"""Texts as they are read aloud, some whole, and a long table of which the words count."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipelines.engines.speakable import speakable
from pipelines.engines.text_normalization.english_words import STOPLESS
from pipelines.engines.text_normalization.normalizer import normalizer

LANGUAGES = ["en", "en-gb", "de", "fr", "es", "it", "nl", "pt_BR", "en-us+f3", "xx", ""]

ENGLISH = {
    # prices
    "It costs $12.50.": "It costs twelve dollars and fifty cents.",
    "$1": "one dollar",
    "£0.99 each": "ninety-nine pence each",
    "€1,234.01": "one thousand two hundred and thirty-four euros and one cent",
    "$1.5 million": "one point five million dollars",
    "$20k": "twenty thousand dollars",
    "5 €, 12 USD": "five euros, twelve dollars",
    "$10-$15": "ten dollars to fifteen dollars",
    # times of day
    "At 3:30 pm.": "At three thirty PM.",
    "at 3 p.m. Please come.": "at three PM. Please come.",
    "at 3 p.m. today": "at three PM today",
    "9:05, 15:00 or 0:00": "nine oh five, fifteen hundred or midnight",
    "Mon-Fri 10am-5pm": "Monday to Friday ten AM to five PM",
    "9:00–17:30": "nine o'clock to seventeen thirty",
    # dates
    "on 2026-11-20.": "on November twentieth, twenty twenty six.",
    "11/20/2026": "November twentieth, twenty twenty six",
    "Nov. 3, 2026": "November third, twenty twenty six",
    "the 20th of November": "November twentieth",
    "May 2026, since 1905": "May twenty twenty six, since nineteen oh five",
    "1990-1995, the 80s": "nineteen ninety to nineteen ninety five, the eighties",
    # rows of digits
    "555-0199": "five five five, zero one nine nine",
    "(555) 010-9999": "five five five, zero one zero, nine nine nine nine",
    "+44 20 7946 0958": "four four, two zero, seven nine four six, zero nine five eight",
    "your PIN is 4821": "your PIN is four eight two one",
    "12345, 10000, 007": "one two three four five, ten thousand, zero zero seven",
    # numbers of things
    "1,234 or 3.10": "one thousand two hundred and thirty-four or three point one zero",
    "50%, 10-15%": "fifty percent, ten to fifteen percent",
    "1 km, 5 km, 20°C": "one kilometre, five kilometres, twenty degrees Celsius",
    "-5 °C, 90 km/h": "minus five degrees Celsius, ninety kilometres per hour",
    "the 1st, 22nd and 103rd": "the first, twenty-second and one hundred and third",
    "1/2, 2½, 24/7": "one half, two and a half, twenty-four seven",
    "2-3 days": "two to three days",
    "B2B, MP3, 5G": "B two B, MP three, five G",
    # abbreviations
    "No. 3, #4": "number three, number four",
    "No. We are closed.": "No. We are closed.",
    "Dr. Smith and Mrs. Lee": "Doctor Smith and Missus Lee",
    "5 Main St. or 12 Elm Dr.": "five Main Street or twelve Elm Drive.",
    "fruit, e.g. apples, etc.": "fruit, for example apples, et cetera.",
    "cats vs. dogs & mice": "cats versus dogs and mice",
    # addresses
    "bob.lee@example.co.uk.": "bob dot lee at example dot co dot uk.",
    "https://www.example.com/book?x=1": "example dot com slash book",
    "See example.org, or U.S. law": "See example dot org, or U.S. law",
    # words stay as they are
    "Yes, that's well-known: sure!": "Yes, that's well-known: sure!",
    "You may come in, Mark.": "You may come in, Mark.",
    "": "",
}

OTHERS = {
    ("de", "Das kostet 1.012,50 €."): "Das kostet eintausendzwölf Euro fünfzig Cent.",
    ("de", "15:30 Uhr, 3,5 %"): "fünfzehn Uhr dreißig, drei Komma fünf Prozent",
    ("de", "0171 23456"): "null eins sieben eins, zwei drei vier fünf sechs",
    ("de", "am 12. März"): "am 12. März",
    ("fr", "12,50 € à 15:30"): "douze euros cinquante centimes à quinze heures trente",
    ("es", "a@b.es, -5 °C"): "a arroba b punto es, menos cinco grados Celsius",
    ("nl", "10-15 uur"): "tien tot vijftien uur",
    ("it", "1.234"): "milleduecentotrentaquattro",
    ("pt_BR", "50%"): "cinquenta por cento",
    ("xx", "1,234"): "1,234",
    ("xx", "[1] {a}"): "1 a",
    (
        "de",
        "5*3, Taste * oder #, a_b",
    ): "fünf mal drei, Taste Sternchen oder Raute , a Unterstrich b",
}


@pytest.mark.parametrize(("written", "said"), ENGLISH.items())
def test_english(written, said):
    assert normalizer("en-us")(written) == said


@pytest.mark.parametrize(("language", "written", "said"), [(*k, v) for k, v in OTHERS.items()])
def test_other_languages(language, written, said):
    assert normalizer(language)(written) == said


TABLE = [
    tuple(line.split("\t"))
    for line in Path(__file__).with_name("spoken_english.tsv").read_text().splitlines()
    if line and not line.startswith("# ")
]


def words(text):
    """What is heard of it: no capitals, pauses, or "and" between the parts of a number."""
    text = re.sub(r"\boh\b", "zero", re.sub(r"\band\b", " ", text.lower()))
    said = re.findall(r"[^\W_]+|[^\w\s,.;:!?\"()\-–—…]", re.sub("['’]", "", text))
    return re.sub(r"(?<=\b\w) (?=\w\b)", "", " ".join(said))


@pytest.mark.parametrize(("written", "said"), TABLE)
def test_english_word_by_word(written, said):
    read = words(normalizer("en-us")("".join(speakable([written]))))
    assert read in [words(each) for each in said.split(" | ")]


def test_outside_the_usa_the_day_comes_first():
    assert normalizer("en-gb")("3/4/2026") == "April third, twenty twenty six"
    assert normalizer("en-us")("3/4/2026") == "March fourth, twenty twenty six"
    assert normalizer("en-us")("20/4/2026") == "April twentieth, twenty twenty six"


WRITTEN = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789.,:/-–$€£%°+()@#½ ampkthsNoeABQ='\n٣²⁶₂", max_size=40),
    st.lists(st.sampled_from([*ENGLISH, *(text for _, text in OTHERS)]), max_size=3).map("".join),
)


@settings(deadline=None)  # the first reader is compiled, which takes a while
@given(WRITTEN)
def test_whatever_is_written_no_digit_and_no_mark_is_left_in_english(text):
    cleaned = "".join(speakable([text]))
    said = normalizer("en")(cleaned)
    assert not any(char.isdecimal() for char in said)
    assert not set(said) & set("*`_~|#[]{}\\\n\r\t@&%^<>=+")


@given(WRITTEN, st.sampled_from(LANGUAGES))
def test_no_text_is_too_odd_for_any_language(text, language):
    assert isinstance(normalizer(language)(text), str)


@given(st.from_regex(r"([a-z']+[?!]? ?)*", fullmatch=True))
def test_plain_words_are_left_alone(text):
    assume(not STOPLESS & set(re.findall("[a-z]+", text)))
    assert normalizer("en")(text) == " ".join(text.split())


@pytest.mark.parametrize(
    "part",
    [
        "1",
        "1,",
        "1.",
        "a.",
        "1-",
        "+1 ",
        "$1",
        "a@",
        "(1",
        "1:",
        " ",
        "1/",
        "No. ",
        "www.",
        "*",
        "* ",
        "#1",
        "*1",
        "**1",
        "_",
        "1x",
        "1~",
        "1'",
        '1"',
        "Dr. ",
        "A St. ",
        "Mon ",
        "A I",
        "I",
        "$1-",
        "1h",
        "1A",
        "A&",
        "1/2 ",
        "1 ",
        "1111 ",
        "11-",
        "<",
        "^",
        "a/",
        "Nov 1-",
        "exp ",
        "A-",
        "1A-",
        "AA111 ",
        "Flight B",
        "2-1=",
        "2-1",
        "x-",
        "⁶",
        "1⁶",
        "1e6 ",
        "1 000 ",
        "part i",
        "http://a:1",
    ],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_hostile_text_takes_time_in_proportion_to_its_length(part, language):
    read = normalizer(language)
    read("warm 1")

    def took(length):
        text = part * (length // len(part))
        started = time.process_time()
        read(text)
        return time.process_time() - started

    short = min(took(2_000) for _ in range(3))
    assert took(16_000) < 8 * 6 * short + 0.05  # quadratic would be 64 times
