"""Cuts a reply that is still being written into speakable clauses, the first one short."""

import re

from pipelines.turn_taking.policy import ClausePolicy

# Punctuation counts only with white space behind it: "3.5" and "e.g." in mid-stream do not split.
_SENTENCE_END = re.compile(r'[.!?…]+["\')\]]*\s+|\n+')
_PAUSE = re.compile(r'[.!?…,;:–—]+["\')\]]*\s+|\s[–—-]\s+|\n+')
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|No|vs|e\.g|i\.e|a\.m|p\.m)\.\s+$", re.IGNORECASE)


class ClauseSplitter:
    """Takes pieces of text; gives clauses as soon as they are whole."""

    def __init__(self, policy: ClausePolicy) -> None:
        self._policy = policy
        self._pending = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Clauses that this piece completed."""
        self._pending += text
        clauses: list[str] = []
        while (end := self._clause_end()) is not None:
            clause, self._pending = self._pending[:end].strip(), self._pending[end:]
            if clause:
                clauses.append(clause)
                self._first = False
        return clauses

    def flush(self) -> list[str]:
        """The rest, when the reply is whole."""
        rest, self._pending = self._pending.strip(), ""
        return [rest] if rest else []

    def _clause_end(self) -> int | None:
        policy = self._policy
        least = policy.first_min_words if self._first else policy.min_words
        most = policy.first_max_words if self._first else policy.max_words
        for match in _PAUSE.finditer(self._pending):
            head = self._pending[: match.end()]
            if _ABBREVIATION.search(head):
                continue
            # A whole sentence is speakable however short it is; the first clause waits for
            # `first_min_words` all the same, lest "Dr" or "OK." be all there is to say.
            whole_sentence = not self._first and _SENTENCE_END.fullmatch(match.group()) is not None
            if whole_sentence or len(head.split()) >= least:
                return match.end()
        words = list(re.finditer(r"\S+\s+", self._pending))
        return words[most - 1].end() if len(words) >= most else None
