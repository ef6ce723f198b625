"""Conditions of `voicecli dial --assert`."""

from voicecli.dial.report import DURATIONS, NUMBERS, Results
from voicecli.report.assertions import Metrics

_DIAL: Metrics[Results] = Metrics(DURATIONS, NUMBERS)
parse_condition = _DIAL.parse
check = _DIAL.check
