"""What the webhook answers, in TwiML."""

from collections.abc import Mapping

from twilio.twiml.voice_response import Connect, Stream, VoiceResponse


def connect(stream_url: str, parameters: Mapping[str, str]) -> str:
    """Put the call through to the stream; `parameters` come back in its `start`."""
    stream = Stream(url=stream_url)
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    connection = Connect()
    connection.append(stream)
    response = VoiceResponse()
    response.append(connection)
    return str(response)


def reject() -> str:
    """Let the caller hear that the line is busy; it costs nobody anything."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def leave_message(text: str) -> str:
    """Speak to an answering machine and hang up."""
    response = VoiceResponse()
    response.say(text)
    response.hangup()
    return str(response)


def transfer(number: str) -> str:
    """Put a live call through to somebody else."""
    response = VoiceResponse()
    response.dial(number)
    return str(response)
