"""Whatever callers, models, files and services say, no terminal, log or page obeys it."""

import ast
import json
import logging
import re
import sys
import tomllib
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer.rich_utils
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

import voicecli
from pipelines.turn_taking import commands as c
from pipelines.turn_taking import events as e
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import MILLISECOND, SECOND
from tests.decided import turn_ended
from voicecli.cli import main
from voicecli.errors import InputError
from voicecli.foreign import escaped, one_line, to_json, to_toml, visible
from voicecli.profile import SHIPPED
from voicecli.recording.bundle import write_bundle
from voicecli.recording.journal import JournalHeader, read_journal
from voicecli.recording.labels import Labels, Turn, read_labels, write_labels
from voicecli.report.screen import Console
from voicecli.serve.logs import set_up_logs
from voicecli.synthetic_calls.call_script import CallScript, Utterance, read_script, write_script
from voicecli.tui.widgets.panel import Panel, PlainApp

EVIL = (
    "hi\x1b[5mblink\x1b]52;c;aGk=\x07\x1b]8;;http://evil\x1b\\\x9b5m\u202egnp\u2066\x08\x7f\r"
    "\nvoicecli: all is well \u2028[red]red[/red] [/] [link=http://evil]x[/link] :smile: <script>"
)
NAME = EVIL.replace("/", "%")  # of a file
WHY = because("turn_over")
OURS = re.compile(r"\x1b\[([0-9;]*)m")
BAR = re.compile(r"(\r?\x1b\[1A)*\r?\x1b\[2K|\x1b\[\?25[lh]")
"""How a progress bar is drawn again."""


def check(shown: str, *, lines: bool = True) -> str:
    """Only text, new lines and colours; gives it without the colours."""
    assert not any("5" in codes.split(";") and "38" not in codes for codes in OURS.findall(shown))
    plain = OURS.sub("", BAR.sub("", shown))
    bad = {x for x in plain if unicodedata.category(x) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
    assert not bad, ascii(plain)
    if lines:
        assert "\nvoicecli: all is well" not in plain
    return plain


def said(at, job, text):
    """A turn of the caller's, answered with the same words."""
    at = at * MILLISECOND
    spoken = {"start": at - 2 * SECOND, "end": at, "paused_at": at, "due": at}
    return [
        e.FinalTranscript(at, job, at, text),
        Issued(at, turn_ended(job + 1, text, transcription=job, **spoken)),
        Issued(at, c.GenerateReply(job + 1, (), False, WHY)),
        e.ReplyTextReceived(at, job + 1, text),
        Issued(at, c.SynthesizeClause(job + 2, job + 1, text, WHY)),
        e.ClauseSynthesized(at, job + 2, SECOND, complete=True),
        Issued(at, c.PlayClause(job + 2, WHY)),
        e.PlayoutStarted(at, job + 2, 0),
        e.EngineFailed(at, job, "llm", text),
    ]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A folder in which everything that has a name or a text is hostile."""
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "3000")
    monkeypatch.chdir(tmp_path)
    scripted = (SHIPPED / "scripted.toml").read_text()
    for name in ("one", "two"):
        profile = re.sub("(?m)^name = .*$", "", scripted)
        Path(f"{name}.toml").write_text(f"name = {to_toml(name + EVIL)}\n{profile}")
    entries = [e.CallStarted(0), *said(3000, 3, EVIL), e.CallEnded(6 * SECOND, EVIL)]
    write_bundle(
        tmp_path / "home" / "recordings" / NAME,
        JournalHeader(EVIL, 8000, {"line": EVIL, "started_at": EVIL}), entries,
        np.zeros((6 * 8000, 2), np.int16), profile=Path("one.toml").read_text(),
        labels=Labels((Turn(1.0, 3.0, EVIL, "end_of_turn"),), EVIL),
    )  # fmt: skip
    folder = tmp_path / "made" / NAME
    folder.mkdir(parents=True)
    write_script(folder / "call.toml", CallScript(EVIL, EVIL, "en-us", (Utterance(EVIL),)))
    noise = np.random.default_rng(3).normal(0, 4000, 4 * 8000).astype(np.int16)
    noise[-8000:] = 0
    soundfile.write(folder / "caller.flac", noise, 8000)
    write_labels(folder / "labels.json", Labels((Turn(0.0, 3.0, EVIL, "end_of_turn"),), EVIL))
    stereo = np.stack([noise, noise], axis=1)  # both channels alike: there is a note on it
    soundfile.write(NAME + ".wav", stereo, 8000)
    return tmp_path


@pytest.fixture(params=["plain", "forced"])
def run(request, monkeypatch, capsys):
    """Runs the whole program; gives what it shows on both streams, checked."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    if request.param == "forced":
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setattr(typer.rich_utils, "FORCE_TERMINAL", True)  # read when it was imported

    def run(*arguments: object, lines: bool = True) -> str:
        monkeypatch.setattr(sys, "argv", ["voicecli", *map(str, arguments)])
        with pytest.raises(SystemExit):
            main()
        shown = "".join(capsys.readouterr())
        assert "Traceback" not in shown
        return check(shown, lines=lines)

    return run


def test_recordings(run, world):
    kept = world / "home" / "recordings" / NAME
    assert "[red]red[%red]" in run("recordings", "list")
    assert "[red]red[/red] [/]" in run("recordings", "show")
    assert "[red]red[/red] [/]" in run("recordings", "list", "--folder", "made")
    assert "[red]red[/red] [/]" in run("recordings", "show", world / "made" / NAME)
    assert ".zip" in run("recordings", "export", "last")
    assert "there is no call" in run("recordings", "delete", "-y", one_line(NAME) + "?")
    (kept / NAME).write_text("mine")
    assert "it holds hi" in run("recordings", "delete", "-y", NAME)


def test_replay_and_its_reports(run, world):
    kept = world / "home" / "recordings" / NAME
    shown = run("replay", kept, "--junit", "j.xml", "--trace", "t.json")
    assert "[red]red[/red] [/]" in shown
    for path in ("out/report.json", "j.xml", "t.json"):
        check((world / path).read_text(), lines=path != "j.xml")
    assert json.loads((world / "out/report.json").read_text())["calls"][0]["profile"] == EVIL
    assert ET.parse(world / "j.xml").getroot().get("name") == "voicecli replay"  # noqa: S314 - ours
    assert "would read the phone line" in run("replay", kept, "--shadow", "silence:300")
    assert "in no setting would" in run("tune", kept, "--runs", "2", "--workers", "1")


def test_replay_of_a_file(run, world):
    shown = run("replay", f"{NAME}.wav", "-p", "two.toml", "--shadow", "silence:300")
    assert "Both channels are the same" in shown
    check((world / "out" / NAME / "journal.jsonl").read_text())
    run("replay", NAME)
    run("replay", f"{NAME}.wav", "-p", NAME, "--shadow", NAME)


def test_compare_and_its_page(run, world):
    run("compare", world / "made" / NAME, "-p", "one.toml", "-p", "two.toml",
        "--html", "page.html", "--json", "c.json")  # fmt: skip
    page = check((world / "page.html").read_text())
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    check((world / "c.json").read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        (EVIL,),
        (f"--{EVIL}",),
        ("doctor", EVIL),
        ("doctor", "-p", EVIL),
        ("line", EVIL),
        ("line", f"{NAME}.wav", "--line", EVIL),
        ("line", f"{NAME}.wav", "--compare", "clean", "pstn"),
        ("line", f"{NAME}.wav", "--direction", EVIL),
        ("line", "--fit", EVIL),
        ("dial", f"ws://127.0.0.1:9/{EVIL}", f"{NAME}.wav"),
        ("dial", EVIL, f"{NAME}.wav"),
        ("dial", "ws://127.0.0.1:9", f"{NAME}.wav", "--assert", EVIL),
        ("dial", "ws://127.0.0.1:9", f"{NAME}.wav", "--keys", EVIL),
        ("profile", "list"),
        ("profile", "show", "one.toml"),
        ("profile", "show", EVIL),
        ("profile", "check", "one.toml", "two.toml", EVIL, "."),
        ("profile", "keys", EVIL),
        ("profile", "new", NAME, "--from", "one.toml"),
        ("profile", "new", NAME, "--from", EVIL),
        ("models", "list"),
        ("models", "pull", EVIL),
        ("models", "path", EVIL),
        ("models", "verify", EVIL),
        ("talk", "--headless", "-p", EVIL),
        ("talk", "--headless", "-p", "one.toml", "--input", EVIL, "--output", "none"),
        ("serve", "-p", EVIL),
        ("serve", "-p", "one.toml", "--host", EVIL),
        ("recordings", "make", EVIL, "--folder", "made"),
        ("tune", EVIL),
    ],
    ids=lambda arguments: arguments[0][:8],
)
@pytest.mark.parametrize("run", ["forced"], indirect=True)
def test_refusals(run, world, arguments):
    assert run(*arguments)


def test_even_a_defect_shows_nothing_raw(run, world, monkeypatch, capsys):
    monkeypatch.setenv("VOICECLI_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["voicecli", "line", EVIL])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "Traceback" in check(capsys.readouterr().err, lines=False)


def test_one_door_for_everything_that_rich_draws(capsys):
    console = Console(force_terminal=True, color_system="truecolor", width=500, record=True)
    table = Table(EVIL, title=EVIL)
    table.add_row(EVIL)
    console.print(EVIL, table, style="bold")
    with Progress(TextColumn("{task.description}", markup=False), console=console) as bar:
        bar.add_task(EVIL)
        bar.refresh()
    assert "[red]red[/red]" in check(capsys.readouterr().out, lines=False)
    assert "<script" not in console.export_html()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_line_is_one_line(as_json):
    lines = []
    set_up_logs(lines.append, as_json=as_json)
    log = logging.getLogger("voicecli.serve")
    log.info("call status", extra={"CallStatus": EVIL, "AnsweredBy": "x" * 60_000})
    log.error("Twilio refuses: %s", EVIL)
    assert len(lines) == 2
    for line in lines:
        assert "\n" not in check(line)
        assert len(line) < 2000
    if as_json:
        assert json.loads(lines[0])["CallStatus"] == EVIL


async def _screen(app):
    async with app.run_test(size=(300, 20)) as pilot:
        app.notify(EVIL, severity="error")
        await pilot.pause()
        return "\n".join("".join(s.text for s in strip) for strip in
                         app.screen._compositor.render_strips())  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_screen_shows_it_as_text(anyio_backend):
    class Words(Panel):
        def take(self, moment):
            pass

        def picture(self, screen, height):
            return Text(EVIL.replace("\n", " "), "bold")

    class App(PlainApp[None]):
        def compose(self):
            yield Words("", markup=False)

        def on_mount(self):
            self.query_one(Words).redraw()

    shown = await _screen(App())
    assert "[red]red[/red] [/]" in check(shown)
    assert isinstance(Words(""), Static)


def test_what_is_stored_comes_back_as_it_was(world):
    kept = world / "home" / "recordings" / NAME
    check((kept / "journal.jsonl").read_text())
    header, entries = read_journal(kept / "journal.jsonl")
    assert (header.profile, entries[-1].cause) == (EVIL, EVIL)
    check((kept / "labels.json").read_text())
    assert read_labels(kept / "labels.json").turns[0].text == EVIL
    check((world / "made" / NAME / "call.toml").read_text())
    assert read_script(world / "made" / NAME / "call.toml").description == EVIL


@pytest.mark.parametrize("text", [EVIL, "\ud800", "\U000e0041", "ü€\tß\n", "\0", "\ufeff\ufffe"])
def test_the_function(text):
    check(one_line(text))
    check(visible(text).replace("\t", ""), lines=False)
    assert len(one_line(text)) == len(visible(text)) == len(text)
    assert json.loads(to_json({"a": [text]})) == {"a": [text]}
    ET.fromstring(f"<a>{visible(text).replace('<', '')}</a>")  # noqa: S314 - ours
    if text != "\ud800":
        assert tomllib.loads(f"a = {to_toml(text)}") == {"a": text}


@pytest.mark.parametrize("text", ["plain", "año “quoted” – 日本語 🙂 👩‍🚀 می‌خواهم", ""])
def test_honest_text_stays(text):
    assert one_line(text) == visible(text) == text
    assert escaped(f'"{text}"') == f'"{text}"'


def _calls(path: Path):
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def test_nothing_is_printed_past_the_door():
    root = Path(voicecli.__file__).parent
    past = []
    for path in sorted(root.rglob("*.py")):
        if path == root / "foreign.py":
            continue
        source = path.read_text()
        for call in _calls(path):
            name = ast.unparse(call.func)
            first = ast.unparse(call.args[0]) if call.args else ""
            raw = name in {"typer.echo", "typer.secho", "rich.print", "rich.console.Console"}
            raw |= name == "print" and not first.startswith("visible(")
            raw |= name == "typer.confirm" and not first.startswith("one_line(")
            raw |= name == "Console" and "from rich.console import Console\n" in source
            raw |= name == "App" and "from textual.app import App" in source
            if raw:
                past.append(f"{path}:{call.lineno}")
    assert not past


def test_an_error_of_ours_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("voicecli.cli.app", lambda: (_ for _ in ()).throw(InputError(EVIL)))
    with pytest.raises(SystemExit):
        main()
    assert check(capsys.readouterr().err).count("\n") == 1
