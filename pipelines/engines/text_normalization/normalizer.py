"""How a text is read aloud in the language of a voice."""

from pipelines.engines.text_normalization.rules import Normalizer, normalizer_of, silent_rule


def normalizer(language: str) -> Normalizer:
    """What a voice is to say for a written text.

    Written text goes to the history and the screen; this goes to the voice alone, so that
    "$12.50", "3:30 pm" or "555-0199" sound the same, and right, whichever voice it is.

    Args:
        language: of the voice, as in `en`, `en-us`, `pt_BR`; in others only signs that cannot be
            said are left out.
    """
    tag = language.replace("_", "-").lower()
    name, _, region = tag.partition("-")
    # num2words takes a while to load: only where an engine is built that speaks.
    if name == "en":
        from pipelines.engines.text_normalization.english import english  # noqa: PLC0415

        return english(month_first=not region.startswith(("gb", "ie", "au", "nz")))
    from pipelines.engines.text_normalization.european import LANGUAGES, european  # noqa: PLC0415

    known = LANGUAGES.get(name)
    return normalizer_of([silent_rule()]) if known is None else european(known)
