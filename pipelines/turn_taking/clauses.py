"""Cuts a reply that is still being written into speakable clauses, the first one short."""

import re
from collections.abc import Iterator

from pipelines.turn_taking.policy import ClausePolicy

# Punctuation counts only with white space behind it: "3.5" and "e.g." in mid-stream do not split.
# Chinese and Japanese have none there: their marks count once it is seen that no closing quote
# belongs to them.
_STOPS, _COMMAS, _QUOTES = ".!?…؟۔।", ",;:–—،؛", r"\"')\]”’»"
_WIDE_STOPS, _WIDE_COMMAS, _WIDE_QUOTES = "。｡！？", "，、；：", "”’」』）】》"
_WIDE_END = rf"(?<![{_WIDE_STOPS}])[{_WIDE_STOPS}]++[{_WIDE_QUOTES}]*+(?:\s+|(?=\S))"
_SENTENCE_END = re.compile(rf"(?<![{_STOPS}])[{_STOPS}]++[{_QUOTES}]*+\s+|\n+|{_WIDE_END}")
_PAUSE = re.compile(
    rf"(?<![{_STOPS}{_COMMAS}])[{_STOPS}{_COMMAS}]++[{_QUOTES}]*+\s+|\s[–—-]\s+|\n+|{_WIDE_END}"
    rf"|(?<![{_WIDE_COMMAS}])[{_WIDE_COMMAS}]++[{_WIDE_QUOTES}]*+(?:\s+|(?=[^\s\d]))"
)
_WITHOUT_SPACES = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(
    rf"[{_WITHOUT_SPACES}]{{1,2}}|[^\s{_WITHOUT_SPACES}{_WIDE_STOPS}{_WIDE_COMMAS}{_WIDE_QUOTES}]+"
)
"""A word; in Chinese and Japanese, where no spaces tell, two characters."""
_ABBREVIATION = re.compile(
    r"\b(?:(?i:Mrs?|Ms|Dr|St|Prof|Mt|vs|e\.g|i\.e|a\.m|p\.m|approx|Rs)|Ft|Lt|Sgt|Capt|Gov|Sen|Rev"
    r"|Ste|[A-HJ-Z])\.\s+$"
)
"""Titles, initials and the like, after which the name or the number is to come."""
_GOES_ON = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|vs|e\.g|i\.e|approx)\.\s+$", re.IGNORECASE)
"""No sentence ends so."""
_MAY_GO_ON = re.compile(r"(?:\d|\b(?:No|St|a\.m|p\.m|[A-Z]))\.\s+$")
"""Some sentences do: "3." may become "3.50", and "J." an initial."""
_DOUBTFUL = 4
"""So many times as long is waited for what may follow that."""
_NUMBER_AHEAD = re.compile(
    r"(?:\d\s?[.,:–—-]|\b(?:(?i:Nos?|Nr|Apt|Ste|Ext|Tel|Rm|Bldg|Vol|Fig|Ch|pp?)"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.)\s+$"
)
"""If a digit follows, this is the middle of a date, a range or "No. 3"."""
_LONGEST_ABBREVIATION = 8
_LOOK_BACK = 60
"""Characters that punctuation and the white space behind it may take."""
_BIT = re.compile(r"\s|\S+")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_LEADS_ON = re.compile(rf"(?:\d|\b(?:No|Mr|Mrs|Ms|Dr|St)\.|\b(?:{_MONTHS}))$")
"""The end of a word that says little without the next one: "3 pm", "5 km", "May 20"."""


def sayable(text: str) -> bool:
    """Whether there is anything in it to be said: a letter or a digit of any script."""
    return any(character.isalnum() for character in text)


def ends_sentence(text: str) -> bool:
    """Whether the text ends where a sentence does."""
    return text.rstrip(f" \"')]{_WIDE_QUOTES}").endswith((*_STOPS, *_WIDE_STOPS))


class ClauseSplitter:
    """Takes pieces of text; gives clauses as soon as they are whole."""

    def __init__(self, policy: ClausePolicy) -> None:
        self._policy = policy
        self._pending = ""
        self._first = True
        self._from = 0
        """Where in what is pending a clause may end: what is before has been looked at."""

    def feed(self, text: str) -> list[str]:
        """Clauses that this piece completed."""
        # Bit by bit, so that a clause ends in the same place however the text is cut into pieces.
        return [clause for bit in _BIT.findall(text) for clause in self._completed_by(bit)]

    def _completed_by(self, bit: str) -> list[str]:
        self._pending += bit
        clauses: list[str] = []
        while (end := self._clause_end()) is not None:
            clause, self._pending = self._pending[:end].strip(), self._pending[end:]
            if clause:
                clauses.append(clause)
                self._first = False
            self._from = 0
        self._from = max(0, len(self._pending) - _LOOK_BACK)
        return clauses

    def sentence_after(self) -> int | None:
        """Milliseconds after which what is pending may be taken to hold a whole sentence.

        None: it holds none, or is not to be cut there.
        """
        policy = self._policy
        if policy.cut_at == "reply" or not policy.sentence_after_ms:
            return None
        if (end := self._sentence_end()) is None:
            return None
        doubtful = _MAY_GO_ON.search(f"{self._pending[:end].rstrip()} ")
        return policy.sentence_after_ms * (_DOUBTFUL if doubtful else 1)

    def flush_sentence(self) -> list[str]:
        """The sentence that is whole, as far as one can tell: nothing has followed it for long."""
        end = self._sentence_end()
        if end is None:
            return []
        sentence, self._pending = self._pending[:end].strip(), self._pending[end:]
        self._first, self._from = False, 0
        return [sentence]

    def _sentence_end(self) -> int | None:
        """Where the last sentence of what is pending ends, if it does."""
        text = f"{self._pending.rstrip()} "
        ends = (match.end() for match in _SENTENCE_END.finditer(text))
        whole = [end for end in ends if sayable(text[:end]) and not _GOES_ON.search(text[:end])]
        return min(whole[-1], len(self._pending)) if whole else None

    def flush(self) -> list[str]:
        """The rest, when the reply is whole."""
        rest, self._pending = self._pending.strip(), ""
        return [rest] if rest else []

    def _clause_end(self) -> int | None:
        policy = self._policy
        if policy.cut_at == "reply":
            return None
        if policy.cut_at == "sentence":
            return next((end.end() for end in self._ends(_SENTENCE_END)), None)
        least = policy.first_min_words if self._first else policy.min_words
        words = counted = 0
        for match in self._ends(_PAUSE):
            words += len(_WORD.findall(self._pending, counted, match.end()))
            counted = match.end()
            # A whole sentence is speakable however short it is; the first clause waits for
            # `first_min_words` all the same, lest "Dr" or "OK." be all there is to say.
            sentence = None if self._first else _SENTENCE_END.match(self._pending, match.start())
            whole_sentence = sentence is not None and sentence.end() == match.end()
            if whole_sentence or words >= least:
                return match.end()
        return self._word_end(policy.first_max_words if self._first else policy.max_words)

    def _ends(self, punctuation: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Where a clause may end: at punctuation that belongs neither to a word nor to a number."""
        for match in punctuation.finditer(self._pending, self._from):
            head = self._pending[max(0, match.start() - _LONGEST_ABBREVIATION) : match.end()]
            follows = self._pending[match.end() : match.end() + 1]
            inside_number = _NUMBER_AHEAD.search(head) and (not follows or follows.isdecimal())
            if not inside_number and not _ABBREVIATION.search(head):
                yield match

    def _word_end(self, most: int) -> int | None:
        """Where to cut when `most` words have come without punctuation."""
        words = list(re.finditer(r"(?<!\S)\S++\s+", self._pending))[:most]
        if len(words) < most:
            return None
        good = (word for word in reversed(words) if not _LEADS_ON.search(word.group().rstrip()))
        return next(good, words[-1]).end()
