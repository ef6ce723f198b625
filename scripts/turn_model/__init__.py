"""How the text end-of-turn model is trained and judged; needs no part of the shipped program."""
