"""What is given up ends at once, before the next work on its lane, in both shells."""

import threading
from contextlib import suppress

import pytest

from pipelines.engines.closing import closing
from pipelines.engines.fallback import FallbackLlm, FallbackTts
from pipelines.engines.restarting import restarting
from pipelines.engines.simulated_time import spend, waits
from pipelines.engines.speakable import speakable
from pipelines.runtime.lanes import Work, steps_of
from pipelines.runtime.virtual import _Agenda, _VirtualLanes
from pipelines.turn_taking.time import from_ms, to_ms


class Endless:
    """Says one word for ever, and notes when it begins and when it has been left."""

    sample_rate = 8000
    simulated_time = True

    def __init__(self):
        self.noted = []

    def stream(self, *_):
        self.noted.append("begun")
        try:
            while True:
                yield "word "
        finally:
            self.noted.append("left")

    synthesize = stream

    def prepare(self, history):
        pass


LAYERS = {
    "fallback of a model": lambda e: FallbackLlm(e, e, ("a", "b")).stream((), threading.Event()),
    "fallback of a voice": lambda e: FallbackTts(e, e, ("a", "b")).synthesize(
        "", threading.Event()
    ),
    "restarting": lambda e: restarting(e, lambda: e).stream((), threading.Event()),
    "speakable": lambda e: speakable(e.stream()),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_that_is_left_leaves_what_is_below_it(layer):
    engine = Endless()
    kept = []  # a reference that outlives it, as a traceback's would
    items = engine.stream
    engine.stream = engine.synthesize = lambda *_: kept.append(items()) or kept[-1]
    with closing(LAYERS[layer](engine)) as left:
        next(left)
    assert engine.noted == ["begun", "left"]


@pytest.mark.parametrize("ends", ["cancelled", "over"])
def test_in_virtual_time_cancelled_work_has_ended_before_the_next_begins(ends):
    engine, agenda = Endless(), _Agenda()
    lanes = _VirtualLanes(agenda)

    def own(_stop):
        with closing(engine.stream()) as pieces:
            for piece in pieces:
                yield lambda at, piece=piece: piece

    lanes.deliver = lambda _event: None
    lanes.submit(Work(1, "llm", "llm", own, simulated_time=True))
    lanes.submit(Work(2, "llm", "llm", own, simulated_time=True))
    if ends == "cancelled":
        lanes.cancel(1)
        agenda.run_next()
        assert engine.noted == ["begun", "left", "begun"]
    lanes.close()
    assert engine.noted[-1] == "left"


@pytest.mark.parametrize(("is_wait", "begins_ms"), [(True, 100), (False, 3000)])
def test_in_virtual_time_a_wait_for_others_is_over_as_soon_as_it_is_given_up(is_wait, begins_ms):
    agenda, begun, costs = _Agenda(), [], []
    lanes = _VirtualLanes(agenda)
    lanes.deliver = lambda event: costs.append(to_ms(event.cost))

    def stalls(_stop):
        if is_wait:
            waits()
        spend(from_ms(3000))
        yield lambda at: None

    def follows(_stop):
        begun.append(to_ms(agenda.now))
        yield from ()

    lanes.submit(Work(1, "llm", "llm", stalls, simulated_time=True, counted=True))
    lanes.submit(Work(2, "llm", "llm", follows, simulated_time=True, counted=True))
    agenda.after(from_ms(100), lambda: lanes.cancel(1))
    with suppress(IndexError):  # nothing is due any more
        while True:
            agenda.run_next()
    assert begun == [begins_ms]
    assert costs == [begins_ms, 0]


def test_an_engine_that_fails_on_being_left_ends_its_job_only():
    def clumsy(_stop):
        try:
            yield lambda at: None
        finally:
            raise RuntimeError("the line was gone")

    steps = steps_of(Work(1, "llm", "llm", clumsy, simulated_time=True), threading.Event())
    next(steps)
    steps.close()
