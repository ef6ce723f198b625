"""`voicecli line` from a user's side."""

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from telephony_sim.g711 import ulaw_heard
from telephony_sim.line import load_line
from voicecli.commands.line import line
from voicecli.errors import InputError, ProfileError, StorageError, UsageError

app = typer.Typer()
app.command()(line)


def run(*arguments, width="200"):
    environment = {"COLUMNS": width, "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def speech():
    rng = np.random.default_rng(0)
    time = np.arange(8000 * 3)
    tone = np.sin(time / 6) * (np.sin(time / 2500) > 0) * 6000
    return np.rint(tone + rng.standard_normal(len(time)) * 20).astype(np.int16)


@pytest.fixture
def recording(tmp_path, speech):
    path = tmp_path / "in.wav"
    soundfile.write(path, speech, 8000)
    return path


def test_the_degraded_file_is_written_and_the_figures_printed(tmp_path, recording, speech):
    output = run(recording, "-o", tmp_path / "out.wav", "--line", "clean")
    heard, rate = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert rate == 8000
    np.testing.assert_array_equal(heard, ulaw_heard(speech))
    for figure in ("loss asked", "loss measured", "ingress p50 / p95", "concealed", "99 % of en"):
        assert figure in output


def test_what_is_delayed_is_still_heard(tmp_path, recording):
    run(recording, "-o", tmp_path / "out.flac", "--line", "satellite")
    assert soundfile.info(tmp_path / "out.flac").frames == 8000 * 4


def test_a_seed_gives_the_same_file_again_and_another_seed_another(tmp_path, recording):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(recording, "-o", tmp_path / f"{name}.wav", "-l", "cellular_edge", "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_lines_are_compared_side_by_side_and_are_whole_in_a_pipe(recording):
    wide = run(recording, "--compare", "clean", "pstn", "mobile")
    assert "clean" in wide.splitlines()[0]
    assert "mobile" in wide.splitlines()[0]
    piped = run(recording, "--compare", "clean", "--compare", "pstn", "mobile", width="40")
    assert sum("loss asked" in row for row in piped.splitlines()) == 1


def test_the_two_directions_differ(recording):
    up, down = (
        run(recording, "-l", "mobile", "--direction", way) for way in ("uplink", "downlink")
    )
    assert up != down


def test_the_agents_channel_comes_back_as_echo(tmp_path, speech):
    stereo = np.stack((np.zeros_like(speech), speech), axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 8000)
    text = '[[uplink.chain]]\nuse = "hybrid_echo"\nreturn_loss_db = 6\n'
    (tmp_path / "echo.toml").write_text(text, "utf-8")
    run(tmp_path / "stereo.wav", "-o", tmp_path / "out.wav", "--line", tmp_path / "echo.toml")
    heard, _ = soundfile.read(tmp_path / "out.wav")
    assert np.abs(heard).max() > 0.05


def test_scores_are_printed_when_asked_for(recording):
    pytest.importorskip("pesq")
    pytest.importorskip("pystoi")
    output = run(recording, "--line", "clean", "--quality")
    assert "PESQ" in output
    assert "STOI" in output


def test_a_plot_is_drawn_when_asked_for(tmp_path, recording):
    pytest.importorskip("matplotlib")
    run(recording, "--plot", tmp_path / "call.png")
    assert (tmp_path / "call.png").read_bytes().startswith(b"\x89PNG")


def test_a_trace_becomes_a_line_that_can_be_used(tmp_path, recording):
    rows = [f"{n},{20 * n + 5 * (n % 4)},{20 * n}" for n in range(500) if n % 10]
    trace = tmp_path / "trace.csv"
    trace.write_text("sequence,arrival_ms,sent_ms\n" + "\n".join(rows), "utf-8")
    assert 'use = "random_loss"' in run("--fit", trace)
    run("--fit", trace, "-o", tmp_path / "mine.toml")
    assert load_line(tmp_path / "mine.toml").uplink.chain[-1].settings.probability == pytest.approx(
        0.1, abs=0.01
    )
    run(recording, "--line", tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), UsageError, "Name a recording"),
        (("{in}", "other.wav"), UsageError, "other.wav is one too many"),
        (("{in}", "--compare", "pstn", "mobile", "-o", "x.wav"), UsageError, "take one line"),
        (("{in}", "--line", "fax"), ProfileError, "no line 'fax'"),
        (("{in}", "--line", "{bad}"), ProfileError, "probability is 1.5.*between 0 and 1"),
        (("none.wav",), InputError, "no file none.wav"),
        (("{text}",), InputError, "not audio"),
        (("{in}", "-o", "{folder}/text.wav/out.wav"), StorageError, "cannot be written"),
        (("{in}", "-o", "{folder}/out.xyz"), StorageError, "wav or .flac"),
        (("--fit", "{text}"), InputError, "no column sequence"),
        (("--fit", "none.csv"), InputError, "cannot read the trace"),
        (("--fit", "{trace}", "-o", "x.wav"), UsageError, "must end in .toml"),
    ],
)
def test_bad_input_is_one_sentence_with_an_exit_code(
    tmp_path, recording, arguments, error, message
):
    (tmp_path / "text.wav").write_text("not sound", "utf-8")
    (tmp_path / "trace.csv").write_text("sequence,arrival_ms\n1,20\n2,40\n", "utf-8")
    bad = '[[uplink.chain]]\nuse = "random_loss"\nprobability = 1.5\n'
    (tmp_path / "bad.toml").write_text(bad, "utf-8")
    names = {"in": recording, "folder": tmp_path, "text": tmp_path / "text.wav"}
    names |= {"bad": tmp_path / "bad.toml", "trace": tmp_path / "trace.csv"}
    with pytest.raises(error, match=message) as caught:
        run(*(argument.format(**names) for argument in arguments))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob(".*"))
