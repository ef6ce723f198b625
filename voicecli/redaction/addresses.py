"""Street and e-mail addresses in what was said, spelled out or written."""

from typing import Final

from pipelines.engines.numerals import ORDINALS
from voicecli.redaction.number_words import Number, Words, listed
from voicecli.redaction.secret_numbers import NEXT_TO

_STREETS: Final = listed(
    "street st avenue ave road rd lane ln boulevard blvd terrace crescent highway parkway alley"
)
_OFTEN_NO_STREETS: Final = listed("way drive dr place court close square park hill row walk mews")
_GERMAN: Final = ("straße", "strasse", "platz", "allee", "gasse", "weg")
_SHORTEST_GERMAN: Final = 5
_STREET_WORDS: Final = 5
_LONGEST_STREET: Final = 10
_NO_STREETS: Final = listed(
    "the this that of down by in up from across and or is are to a an my our your people minutes i "
    "we you it he she they for"
)
_HOME: Final = listed("on at is")
_THERE: Final = listed("at to on is it's near")
_ADDRESS: Final = listed("live lives living address reside")
_QUARTERS: Final = listed("north south east west nw ne sw se northwest northeast")

_PROVIDERS: Final = listed(
    "gmail hotmail yahoo outlook icloud aol protonmail proton gmx googlemail web.de"
)
_WRITTEN: Final = frozenset({".", "+", "-", "%", ""})
_CONNECTORS: Final = listed("dot point underscore dash hyphen plus minus period")
_NO_LOCAL: Final = listed(
    "it's its it is to my the me us at on yes sure ok okay and uh um or under write look find "
    "reach mail email send that's for with address us here out more arrive meet be was in him her "
    "them you we i that"
)
_LONGEST_ADDRESS: Final = 64
_MAIL_WITHIN: Final = 12
_DOMAIN_WORDS: Final = 5


def streets(words: Words, runs: list[list[Number]]) -> list[tuple[int, int]]:
    """First and last token of each street address; `runs` are the text's numbers."""
    numeric = {index for run in runs for n in run for index in range(n.first, n.last + 1)
               if n.kind != "letter"}  # fmt: skip
    found: list[tuple[int, int]] = []
    for index, token in enumerate(words.tokens):
        german = token.word.endswith(_GERMAN) and len(token.word) > _SHORTEST_GERMAN
        if german and index + 1 in numeric and words.gap(index) == " ":
            found.append((index, _to_the_right(words, index + 1, numeric)))
        if token.word not in _STREETS and token.word not in _OFTEN_NO_STREETS:
            continue
        first = _street_begins(words, index, numeric)
        if first is not None:
            found.append((first, _rest_of_street(words, index, numeric)))
    return found


def _street_begins(words: Words, suffix: int, numeric: set[int]) -> int | None:
    """The token with which the address begins whose street ends there; None: it is none."""
    sure = words.word(suffix) in _STREETS
    for index in range(suffix - 1, max(-1, suffix - 1 - _STREET_WORDS), -1):
        word = words.word(index)
        if word in _HOME and index < suffix - 1:
            return index + 1
        if index in numeric and (index < suffix - 1 or word not in ORDINALS):
            first = index
            while first - 1 in numeric and suffix - first < _LONGEST_STREET:
                first -= 1
            if suffix - index == 1 and (not sure or word in {"one", "two"}):
                return None
            at_home = words.word(first - 1) in _THERE or _home(words, first)
            return first if sure or at_home or first < index or _is_long(words, index) else None
        counted = words.counted(index - 1) and not _home(words, index - 1)
        if word in _NO_STREETS or not words.close(index) or counted:
            return None
    return None


def _home(words: Words, index: int) -> bool:
    """Whether it was said a little before that this is where somebody lives."""
    return any(words.word(each) in _ADDRESS for each in range(max(0, index - 6), index))


def _is_long(words: Words, index: int) -> bool:
    return words.word(index).isdigit() or words.word(index)[:-1].isdigit()


def _rest_of_street(words: Words, suffix: int, numeric: set[int]) -> int:
    last = suffix
    while words.word(last + 1) in _QUARTERS:
        last += 1
    if words.word(last + 1) in NEXT_TO and last + 2 in numeric and words.close(last):
        return _to_the_right(words, last + 2, numeric)
    if _home(words, suffix) and last + 1 in numeric and words.gap(last) == " ":
        return _to_the_right(words, last + 1, numeric)
    return last


def _to_the_right(words: Words, index: int, numeric: set[int]) -> int:
    first = index
    while index + 1 in numeric and index - first < _LONGEST_STREET and words.gap(index) == " ":
        index += 1
    return index


def emails(words: Words) -> list[tuple[int, int]]:
    """First and last token of each e-mail address."""
    found: list[tuple[int, int]] = []
    for index, token in enumerate(words.tokens):
        if token.word not in {"at", "@"} or words.word(index - 1) in {"at", "@", ""}:
            continue
        first = _local(words, index - 1, written=token.word == "@")
        told = _mail_told(words, index)
        last = _domain(words, index)
        dotted = first < index - 1
        provider = words.word(index + 1) in _PROVIDERS
        ends = index == len(words.tokens) - 1
        if last is None and provider:
            last = index + 1
        if last is None and (told is not None or token.word == "@") and not ends:
            last = index + 1
        if last is None and ends and (_spelled_dot(words, first, index) or told is not None):
            last = index
        if last is None:
            continue
        if not dotted and words.word(index - 1) in _NO_LOCAL and not provider:
            continue
        if told is not None:
            first = min(first, told)
        elif token.word == "at":
            first = _more_names(words, first)
        found.append((first, last))
    return found


def _local(words: Words, index: int, *, written: bool) -> int:
    """The token with which the part before "at" begins."""
    first = index
    while first > 1 and index - first < _LONGEST_ADDRESS:
        gap, word, before = words.gap(first - 1), words.word(first - 1), words.word(first - 2)
        if word == "@":
            break
        if gap in _WRITTEN:
            first -= 1
        elif written:
            break
        elif word in _CONNECTORS and before:
            first -= 2
        elif (_spelled(words, first) and _spelled(words, first - 1)) or (
            words.numeric(first) and word not in _NO_LOCAL
        ):
            first -= 1
        else:
            break
    if first == 1 and (words.gap(0) in _WRITTEN or (_spelled(words, 1) and _spelled(words, 0))):
        first = 0
    if first == 1 and not written and words.numeric(1) and words.word(0) not in _NO_LOCAL:
        first = 0
    return first


def _spelled(words: Words, index: int) -> bool:
    return len(words.word(index)) == 1 or words.numeric(index)


def _spelled_dot(words: Words, first: int, index: int) -> bool:
    return any(words.word(each) in _CONNECTORS for each in range(first + 1, index))


def _more_names(words: Words, first: int) -> int:
    """ "john doe at …": two more words, unless they are none of a name."""
    for _ in range(2):
        before = words.word(first - 1)
        if not before or before in _NO_LOCAL or words.gap(first - 1) != " ":
            break
        first -= 1
    return first


def _mail_told(words: Words, index: int) -> int | None:
    """The first token after "my e-mail is", if that was said a little before."""
    for back in range(index - 1, max(-1, index - 1 - _MAIL_WITHIN), -1):
        if words.word(back) in {"email", "mail", "e-mail"}:
            first = back + 1
            while first < index - 1 and words.word(first) in _NO_LOCAL | {"address"}:
                first += 1
            return first if first < index and first > back + 1 else None
    return None


def _domain(words: Words, index: int) -> int | None:
    """The last token of the domain after "at"; None if there is none."""
    for dot in range(index + 2, min(index + 2 + _DOMAIN_WORDS, len(words.tokens))):
        if words.gap(dot - 1) == ".":
            last = dot
        elif words.word(dot) in {"dot", "point"} and dot + 1 < len(words.tokens):
            last = dot + 1
        else:
            if not words.close(dot - 1) or words.gap(dot - 1).strip(" -"):
                return None
            continue
        for _ in range(_LONGEST_ADDRESS):
            if last + 1 < len(words.tokens) and words.gap(last) == ".":
                last += 1
            elif words.word(last + 1) == "dot" and last + 2 < len(words.tokens):
                last += 2
            else:
                break
        return last
    return None
