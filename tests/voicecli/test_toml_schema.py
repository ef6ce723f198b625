"""Values of TOML tables turned into typed fields."""

from dataclasses import dataclass
from typing import Literal

import pytest

from voicecli.errors import ProfileError
from voicecli.toml_schema import Place, build

PLACE = Place("mine.toml", ProfileError, table="asr")


@dataclass(frozen=True, slots=True)
class Either:
    length: Literal["auto"] | float = 30.0
    limit: float | None = None


@pytest.mark.parametrize(("given", "value"), [("auto", "auto"), (10, 10.0), (2.5, 2.5)])
def test_a_field_of_two_types_takes_values_of_both(given, value):
    length = build(Either, {"length": given}, PLACE).length
    assert (length, type(length)) == (value, type(value))


def test_a_value_that_is_of_neither_type_is_told_what_both_would_be():
    with pytest.raises(ProfileError) as caught:
        build(Either, {"length": "long"}, PLACE)
    assert str(caught.value) == (
        'mine.toml: [asr] length: "long" is not allowed; there are: auto; '
        'or must be a number, not the text "long"'
    )


def test_a_field_that_may_be_left_out_names_only_its_type():
    with pytest.raises(ProfileError, match=r"limit: must be a number, not the text \"x\"$"):
        build(Either, {"limit": "x"}, PLACE)
