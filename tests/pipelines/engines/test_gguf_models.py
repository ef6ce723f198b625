"""Any GGUF file with any chat template, or none, or damaged."""

import pytest

from pipelines.engines.llm import llama_cpp
from pipelines.engines.registry import Context
from pipelines.turn_taking.commands import Message

from .made_gguf import CHATML, make_gguf

HISTORY = (
    Message("system", "Be kind."),
    Message("agent", "Hello?"),
    Message("caller", "Hi."),
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
USER_FIRST = "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
PLAIN = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]"


def load(path, **settings):
    chosen = llama_cpp.Settings(n_ctx=256, max_tokens=12, threads=1, **settings)
    return llama_cpp.build(chosen, Context(lambda _: path))


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(CHATML, id="chatml"),
        pytest.param(PLAIN, id="no marks"),
        pytest.param(NO_SYSTEM + PLAIN, id="no system role"),
        pytest.param(USER_FIRST + PLAIN, id="user first"),
        pytest.param(NO_SYSTEM + USER_FIRST + CHATML, id="neither"),
    ],
)
def test_any_template_can_be_answered_prepared_or_not(tmp_path, go_on, template):
    llm = load(make_gguf(tmp_path / "tiny.gguf", template))
    cold = list(llm.stream(HISTORY, go_on))
    assert cold
    llm.prepare(HISTORY[:2])
    assert list(llm.stream(HISTORY, go_on)) == cold
    assert 0.0 <= llm.end_probability(HISTORY[:2], "Hi") <= 1.0


def test_a_reply_does_not_depend_on_what_the_cache_holds(tmp_path, go_on):
    """Of weights that are not quantized: kernels for others round a prompt and a token apart."""
    llm = load(make_gguf(tmp_path / "tiny.gguf"))
    cold = "".join(llm.stream(HISTORY, go_on))
    for warm in (HISTORY[:2], (Message("caller", "Tell me a story."),), HISTORY):
        llm.prepare(warm)
        assert "".join(llm.stream(HISTORY, go_on)) == cold
    llm.end_probability(HISTORY[:2], "Hi.")
    assert "".join(llm.stream(HISTORY, go_on)) == cold


def test_a_question_in_the_middle_of_a_reply_does_not_disturb_it(tmp_path, go_on):
    llm = load(make_gguf(tmp_path / "tiny.gguf"))
    whole = "".join(llm.stream(HISTORY, go_on))
    pieces = llm.stream(HISTORY, go_on)
    begun = next(pieces)
    llm.end_probability(HISTORY[:2], "Something else")
    assert begun + "".join(pieces) == whole


def test_what_a_later_transcript_changed_is_rolled_back_to_the_first_new_token(
    tmp_path, go_on, monkeypatch
):
    llm = load(make_gguf(tmp_path / "tiny.gguf"))
    cold = list(llm.stream(HISTORY, go_on))
    evaluated = []
    model = llm._model._llama
    whole = model.eval
    monkeypatch.setattr(model, "eval", lambda tokens: evaluated.extend(tokens) or whole(tokens))
    llm.prepare((*HISTORY[:2], Message("caller", "Hi, could you")))
    evaluated.clear()
    llm.prepare(HISTORY)
    # Of the last message only what follows "Hi": its full stop, the end mark and the reply's begin.
    assert 0 < len(evaluated) < 30
    assert list(llm.stream(HISTORY, go_on)) == cold


def test_a_conversation_longer_than_the_context_goes_on_without_its_oldest_turns(tmp_path, go_on):
    llm = load(make_gguf(tmp_path / "tiny.gguf"))
    long = [Message("agent" if n % 2 else "caller", f"turn {n} " + "x" * 10) for n in range(41)]
    list(llm.stream((HISTORY[0], *long), go_on))
    assert llm._model._llama.n_tokens <= 256


@pytest.mark.parametrize(
    ("template", "message"),
    [(None, "has no chat template"), ("{{ raise_exception('never') }}", "cannot be used: ")],
)
def test_a_model_without_a_usable_template_is_refused(tmp_path, template, message):
    with pytest.raises(ValueError, match=message):
        load(make_gguf(tmp_path / "tiny.gguf", template))


def test_a_truncated_model_is_refused(tmp_path):
    path = make_gguf(tmp_path / "tiny.gguf")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ValueError, match=r"tiny\.gguf cannot be loaded.* corrupted or incomplete"):
        load(path)


def test_a_model_of_another_architecture_is_refused(tmp_path):
    path = make_gguf(tmp_path / "tiny.gguf")
    path.write_bytes(path.read_bytes().replace(b"llama", b"lamma"))
    with pytest.raises(ValueError, match="unknown model architecture: 'lamma'"):
        load(path)
