"""Writes docs/reference/settings.md, every key of a profile, from what declares them."""

from pathlib import Path

from voicecli.profile_keys import markdown

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"
HEAD = """# Settings of a profile

Every key that a profile may have; in a terminal: `voicecli profile keys [TABLE]`.

- What is in effect, and where it comes from: `voicecli profile show [NAME|PATH]`.
- A file of your own to begin with: `voicecli profile new PATH`; is it right?
  `voicecli profile check PATH`.
- For editors that complete and check TOML: `voicecli profile schema` prints a JSON Schema.

A table of an engine (`[vad]`, `[asr]`, `[llm]`, `[tts]`) that names no `engine`, or is left out, is
the default profile's with the keys given laid over it. `[asr.fallback]`, `[llm.fallback]` and
`[tts.fallback]` have the keys of the engine that they name.

This file is made by `make docs`; do not edit it.

"""


def drawn() -> str:
    """The whole document."""
    return HEAD + markdown()


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(), encoding="utf-8")
