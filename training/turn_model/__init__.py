"""How the text end-of-turn model is trained and judged; no part of the shipped program."""
