"""Tools are given what callers say of themselves: a redacted journal keeps none of it."""

from pipelines.turn_taking.commands import CallTool, ContinueReply, Message
from pipelines.turn_taking.events import ToolFinished, ToolRequested
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from voicecli.recording.journal import decode, encode
from voicecli.redaction.journal import redact

ARGUMENTS = '{"phone": "5551234", "mail": "ann@example.org"}'


def test_arguments_and_results_are_redacted_wherever_they_stand_and_still_a_journal():
    why = because("tool_requested", name="call_back")
    history = (
        Message("tool_call", f'{{"name": "call_back", "arguments": {ARGUMENTS}}}'),
        Message("tool_result", "will call 5551234"),
    )
    entries = [
        ToolRequested(1, 2, 0, "call_back", ARGUMENTS, "acts", 0),
        Issued(1, CallTool(3, 2, "call_back", ARGUMENTS, why)),
        ToolFinished(2, 3, "will call 5551234"),
        Issued(2, ContinueReply(4, 2, history, why)),
    ]
    for entry in entries:
        line = encode(redact(entry))
        assert "5551234" not in line
        assert "ann@example" not in line
        assert type(decode(line)) is type(entry)
        assert decode(encode(entry)) == entry
