"""What Twilio asks about a call, and is answered in TwiML."""

from collections.abc import Mapping
from typing import Final

from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

from voicecli.carriers.protocol import AnnouncedCall, HttpAnswer, HttpRequest

_XML: Final = "text/xml"
_TOLD: Final = ("CallStatus", "AnsweredBy")


class TwilioWebhooks:
    """The webhook of a number, and the status call-backs of outbound calls."""

    def announced(self, request: HttpRequest) -> AnnouncedCall:
        """The call of a form, or of the address if it was not posted."""
        fields = request.form or request.query
        machine = fields.get("AnsweredBy", "").startswith("machine")
        return AnnouncedCall(fields.get("CallSid", ""), machine)

    def connect(self, stream_url: str, parameters: Mapping[str, str]) -> HttpAnswer:
        """`<Connect><Stream>`; the parameters come back in its `start`."""
        stream = Stream(url=stream_url)
        for name, value in parameters.items():
            stream.parameter(name=name, value=value)
        connection = Connect()
        connection.append(stream)
        response = VoiceResponse()
        response.append(connection)
        return _xml(response)

    def reject(self) -> HttpAnswer:
        """`<Reject>`: the line is busy."""
        response = VoiceResponse()
        response.reject(reason="busy")
        return _xml(response)

    def leave_message(self, text: str) -> HttpAnswer:
        """`<Say>` and `<Hangup>`."""
        response = VoiceResponse()
        response.say(text)
        response.hangup()
        return _xml(response)

    def status(self, request: HttpRequest) -> tuple[Mapping[str, str], HttpAnswer]:
        """How an outbound call fares."""
        form = request.form
        return {key: form[key] for key in _TOLD if form.get(key)}, HttpAnswer("<Response/>", _XML)


def transfer(number: str) -> str:
    """Put a live call through to somebody else."""
    response = VoiceResponse()
    response.dial(number)
    return str(response)


def _xml(response: VoiceResponse) -> HttpAnswer:
    return HttpAnswer(str(response), _XML)
