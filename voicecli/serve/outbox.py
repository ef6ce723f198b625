"""What waits to be sent to one caller."""

from collections import deque
from typing import Final

from voicecli.carriers.leg import AudioOut, Clear, ToCaller

MAX_AUDIO: Final = 100
"""Messages of audio that may wait: 2 s, then the oldest goes."""
MAX_MESSAGES: Final = 200
"""With marks and clears; a caller's end that lets more pile up is gone."""


class Outbox:
    """A bounded queue, oldest audio dropped first and counted."""

    def __init__(self) -> None:
        self._waiting: deque[ToCaller] = deque(maxlen=MAX_MESSAGES)
        self.dropped = 0

    def put(self, message: ToCaller) -> None:
        """Queue a message; `clear` makes the audio before it pointless."""
        if isinstance(message, Clear):
            kept = [waiting for waiting in self._waiting if not isinstance(waiting, AudioOut)]
            self._waiting.clear()
            self._waiting.extend(kept)
        elif isinstance(message, AudioOut):
            audio = [waiting for waiting in self._waiting if isinstance(waiting, AudioOut)]
            if len(audio) >= MAX_AUDIO:
                self._waiting.remove(audio[0])
                self.dropped += 1
        self._waiting.append(message)

    def take(self) -> ToCaller | None:
        """The next message, if there is one."""
        return self._waiting.popleft() if self._waiting else None
