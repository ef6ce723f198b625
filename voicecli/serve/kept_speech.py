"""Speech made before it is needed."""

from collections.abc import Iterator

import numpy as np

from pipelines.engines.closing import closing
from pipelines.engines.modelled import is_modelled
from pipelines.engines.protocols import Pcm, StopSignal, Tts
from pipelines.runtime.resampling import LiveResampler


class KeptSpeech:
    """A synthesiser that makes what it has said once only once, until `keep_no_more`.

    Args:
        tts: makes the speech.
        rate: of the audio that it gives, in Hz: the call's, so that kept speech is ready to play.
    """

    def __init__(self, tts: Tts, rate: int) -> None:
        self.sample_rate = rate
        self.modelled = is_modelled(tts)
        self._tts = tts
        self._kept: dict[str, Pcm] = {}
        self._keeping = True

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text`: all at once if it is kept, otherwise in chunks as they are made."""
        if text in self._kept:
            yield self._kept[text]
            return
        pieces: list[Pcm] = []
        with closing(self._made(text, stop)) as made:
            for pcm in made:
                pieces.append(pcm)
                yield pcm
        if self._keeping and pieces and not stop.is_set():
            self._kept[text] = np.concatenate(pieces)

    def keep_no_more(self) -> None:
        """From now on texts are those of a single call."""
        self._keeping = False

    def _made(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        resampler = LiveResampler(self._tts.sample_rate, self.sample_rate)
        with closing(self._tts.synthesize(text, stop)) as chunks:
            for chunk in chunks:
                if len(pcm := resampler.process(chunk)):
                    yield pcm
        if not stop.is_set() and len(rest := resampler.finish()):
            yield rest
