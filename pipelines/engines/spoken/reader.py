"""How a text is read aloud in the language of a voice; changes with which languages are known."""

from pipelines.engines.spoken.rules import Reader


def reader(language: str) -> Reader:
    """What a voice is to say for a written text.

    Written text goes to the history and the screen; this goes to the voice alone, so that
    "$12.50", "3:30 pm" or "555-0199" sound the same, and right, whichever voice it is.

    Args:
        language: of the voice, as in `en`, `en-us`, `pt_BR`; texts in others are left as they are.
    """
    tag = language.replace("_", "-").lower()
    name, _, region = tag.partition("-")
    # num2words takes a while to load: only where an engine is built that speaks.
    if name == "en":
        from pipelines.engines.spoken.english import english  # noqa: PLC0415

        return english(month_first=not region.startswith(("gb", "ie", "au", "nz")))
    from pipelines.engines.spoken.european import LANGUAGES, european  # noqa: PLC0415

    known = LANGUAGES.get(name)
    return (lambda text: text) if known is None else european(known)
