"""What callers mean: days, times and names, in the words that people use for them."""

from datetime import date, time

import pytest

from voicecli.tools.spoken import day_of, name_of, spoken_day, spoken_time, time_of

WEDNESDAY = date(2026, 11, 25)
OPENS, CLOSES = time(9), time(17)


@pytest.mark.parametrize(
    ("said", "quote", "meant"),
    [
        ("Tuesday", "", date(2026, 12, 1)),
        ("Wednesday, please", "", date(2026, 12, 2)),
        ("on Friday", "", date(2026, 11, 27)),
        ("next Friday", "", date(2026, 12, 4)),
        ("Monday next week", "", date(2026, 11, 30)),
        ("a week from Monday", "", date(2026, 12, 7)),
        ("tomorrow", "", date(2026, 11, 26)),
        ("the day after tomorrow", "tomorrow", date(2026, 11, 27)),
        ("in two weeks", "", date(2026, 12, 9)),
        ("the third of December", "third", date(2026, 12, 3)),
        ("December 21st", "", date(2026, 12, 21)),
        ("the twenty-first of January", "", date(2027, 1, 21)),
        ("the second", "", date(2026, 12, 2)),
        ("Tuesday the fifteenth", "", date(2026, 12, 15)),
        ("Tuesday, no, Thursday", "", date(2026, 11, 26)),
        ("Thursday, not Tuesday", "Thursday", date(2026, 11, 26)),
        ("Thursday, not Tuesday", "", date(2026, 11, 26)),
        ("Friday rather than Monday", "Friday", date(2026, 11, 27)),
        ("Tuesday the sixteenth", "", None),  # that is a Wednesday
        ("February the thirtieth", "", None),
        ("in the first week of December", "", None),
        ("half past nine", "", None),
        ("", "", None),
    ],
)
def test_the_day_that_is_meant(said, quote, meant):
    assert day_of(said, WEDNESDAY, quote) == meant


@pytest.mark.parametrize(
    ("said", "quote", "meant"),
    [
        ("half past nine", "", time(9, 30)),
        ("quarter to four", "", time(15, 45)),
        ("ten thirty in the morning", "", time(10, 30)),
        ("3 p.m.", "", time(15)),
        ("at three", "", time(15)),
        ("Eleven.", "Eleven", time(11)),
        ("at seven in the evening", "", time(19)),
        ("15:30", "", time(15, 30)),
        ("noon", "", time(12)),
        ("Good morning, can I come at two?", "", time(14)),
        ("December the fourth at ten", "December the fourth at ten", time(10)),
        ("Yes, book that one.", "that one", None),
        ("in two weeks", "in two weeks", None),
        ("the third of December", "the third of December", None),
        ("I have one question", "", None),
        ("25:70", "", None),
        ("next Tuesday", "next Tuesday", None),
    ],
)
def test_the_time_that_is_meant(said, quote, meant):
    assert time_of(said, OPENS, CLOSES, quote) == meant


@pytest.mark.parametrize(
    ("words", "said", "meant"),
    [
        ("Ann Miller", "", "Ann Miller"),
        ("it's ann miller", "", "Ann Miller"),
        ("Yes, my name is Peter Novak.", "", "Peter Novak"),
        ("K, O, W", "Kowalski. That's K, O, W, A, L, S, K, I.", "Kowalski"),
        ("Anna Nguyen", "Anna Nguyen, N-G-U-Y-E-N", "Anna Nguyen"),
        ("Ann Smith", "Ann Smith, S M Y T H", "Ann Smyth"),
        ("dentist", "", None),
        ("four o'clock", "", None),
        ("one two three four five six", "", None),
        ("", "", None),
    ],
)
def test_the_name_that_is_meant(words, said, meant):
    assert name_of(words, said) == meant


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 12, 1), "Tuesday, the 1st of December"),
        (date(2026, 11, 12), "Thursday, the 12th of November"),
    ],
)
def test_a_day_is_said_so_that_it_is_understood_again(day, words):
    assert spoken_day(day) == words
    assert day_of(words, date(2026, 11, 1)) == day


@pytest.mark.parametrize("at", [time(9), time(12, 30), time(16, 30)])
def test_a_time_is_said_so_that_it_is_understood_again(at):
    assert time_of(spoken_time(at), OPENS, CLOSES) == at
