"""Piper voices of the packaged registry, from a stand-in for the hub to the first sound."""

import threading

import pytest

from pipelines.engines.registry import Context
from pipelines.engines.tts import piper
from tests.pipelines.engines.made_voice import make_voice
from voicecli.errors import WeightsError
from voicecli.models import store
from voicecli.models.pull import pull
from voicecli.models.registry import load_registry

VOICE = "piper-pt-br-faber-medium"  # not pinned: the stand-in's files pass for the hub's
PLACE = "pt/pt_BR/faber/medium/pt_BR-faber-medium.onnx"
PINNED = "piper-de-thorsten-medium"
PINNED_PLACE = "de/de_DE/thorsten/medium/de_DE-thorsten-medium.onnx"
COLLECTION = "rhasspy/piper-voices"


@pytest.fixture
def files(tmp_path):
    folder = make_voice(tmp_path / "made")
    return (folder / "voice.onnx").read_bytes(), (folder / "voice.onnx.json").read_bytes()


def test_there_are_ten_voices_in_five_languages_at_least(home):
    entries = [e for e in load_registry().models.values() if e.kind == "tts"]
    assert len(entries) >= 10
    assert len({file.name.split("/")[0] for entry in entries for file in entry.files}) >= 5
    for entry in entries:
        network, description = (file.name for file in entry.files)
        assert description == f"{network}.json"


def test_a_voice_is_pulled_checked_and_speaks(hub, home, listen, files):
    for name, content in zip((PLACE, f"{PLACE}.json"), files, strict=True):
        hub.add(COLLECTION, name, content)
    entry = load_registry().find(VOICE)
    pull((entry,), listen())
    assert store.damage(entry, thorough=True) is None
    voice = piper.build(piper.Settings(weights=VOICE), Context(store.locate))
    assert sum(map(len, voice.synthesize("Bom dia.", threading.Event()))) > 1000


def test_a_voice_without_its_description_is_no_voice(hub, home, listen, files, names_in):
    hub.add(COLLECTION, PLACE, files[0])
    with pytest.raises(WeightsError, match=f"{VOICE} could not be fetched"):
        pull((load_registry().find(VOICE),), listen())
    assert names_in() == set()
    with pytest.raises(WeightsError, match=f"voicecli models pull {VOICE}"):
        store.locate(VOICE)


def test_other_bytes_than_the_pinned_ones_are_refused(hub, home, listen, files, names_in):
    entry = load_registry().find(PINNED)
    assert entry.huggingface is not None
    for name, content in zip((PINNED_PLACE, f"{PINNED_PLACE}.json"), files, strict=True):
        hub.add(COLLECTION, name, content, entry.huggingface.revision)
    with pytest.raises(WeightsError, match=r"refused and removed: its hash"):
        pull((entry,), listen())
    assert names_in() == set()
