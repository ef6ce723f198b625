"""What is wrong with a line is said with file, table, key and allowed range."""

import time

import pytest

from telephony_sim.errors import LineError, SettingError, UnknownNameError
from telephony_sim.spec import PRESETS, line_names, load_line


@pytest.fixture
def write(tmp_path):
    def to_file(text):
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        return path

    return to_file


LOSS = '[[uplink.chain]]\nuse = "random_loss"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            LOSS + "probability = 1.5",
            ["[[uplink.chain]] no. 1 (random_loss)", "probability is 1.5", "between 0 and 1"],
        ),
        (LOSS + "probability = nan", ["probability is nan", "between 0 and 1"]),
        (LOSS + 'probability = "much"', ["probability is 'much'", "a number"]),
        (LOSS + "probability = true", ["probability is True", "a number"]),
        (LOSS, ["probability is missing", "between 0 and 1"]),
        (LOSS + "probability = 0.1\nrate = 3", ["rate is not a key", "probability"]),
        (
            '[[downlink.chain]]\nuse = "delay"\ndelay_ms = -5',
            ["[[downlink.chain]] no. 1 (delay)", "delay_ms is -5", "between 0 and 5000"],
        ),
        ('[uplink.codec]\nuse = "g729"', ["[uplink.codec]", "no codec 'g729'", "alaw, opus, ulaw"]),
        (
            '[[uplink.chain]]\nuse = "gremlins"',
            ["no. 1", "no degradation 'gremlins'", "random_loss"],
        ),
        ("[[uplink.chain]]\nprobability = 0.1", ["use must name a degradation"]),
        ('[uplink.concealment]\nuse = "magic"', ["no concealment 'magic'", "appendix_i"]),
        ('[uplink.jitter_buffer]\nuse = "big"', ["no jitter buffer 'big'", "adaptive, fixed"]),
        ("[sidelink]", ["sidelink is not a key", "description, uplink, downlink"]),
        ("[uplink]\nlatency = 3", ["[uplink]", "latency is not a key"]),
        ("[uplink]\nchain = 3", ["chain must be an array of tables"]),
        ("uplink = 3", ["uplink must be a table"]),
        ("description = 3", ["description is 3", "text"]),
        (
            '[[uplink.chain]]\nuse = "transcoding"\nlaw = "ylaw"',
            ["law is 'ylaw'", "one of ulaw, alaw"],
        ),
        (
            '[[uplink.chain]]\nuse = "babble"\nsnr_db = 10\nfile = "none.wav"',
            ["file names", "none.wav", "not a file"],
        ),
        (
            '[[uplink.chain]]\nuse = "burst_loss"\nprobability = 0.6\nmean_burst_packets = 1.2',
            ["mean_burst_packets is 1.2", "at least 1.5"],
        ),
    ],
)
def test_every_mistake_names_the_file_the_key_and_what_is_allowed(write, text, expected):
    path = write(text)
    with pytest.raises(LineError) as caught:
        load_line(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for part in expected:
        assert part in message


def test_an_unknown_line_names_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"no line 'fax'.*clean.*pstn"):
        load_line("fax")


def test_a_missing_or_garbled_file_is_named(tmp_path, write):
    with pytest.raises(LineError, match=r"cannot read .*none\.toml"):
        load_line(tmp_path / "none.toml")
    with pytest.raises(LineError, match=r"mine\.toml: not valid TOML"):
        load_line(write("[uplink"))


def test_a_setting_error_keeps_its_key_for_programs(write):
    with pytest.raises(SettingError) as caught:
        load_line(write(LOSS + "probability = 2"))
    assert caught.value.key == "probability"


def test_a_direction_left_out_is_clean(write):
    spec = load_line(write(LOSS + "probability = 0.1"))
    assert spec.downlink.chain == ()
    assert spec.downlink.codec.name == "ulaw"


def test_the_seven_lines_ship_and_say_where_their_numbers_come_from():
    expected = {"cellular_edge", "clean", "mobile", "opus_webrtc", "pstn", "satellite"}
    assert {*expected, "voip_wifi_bad"} == set(line_names())
    for name in line_names():
        assert load_line(name).description
        assert (PRESETS / f"{name}.toml").read_text("utf-8").startswith("# ")


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 30_000) + " = 1", "[" + ".".join(['"a"'] * 10_000) + "]",
        "a = " + "[" * 50_000, "a = " + "9" * 5000, "# " + "x" * 300_000,
    ],
    ids=range(5),
)  # fmt: skip
def test_a_file_that_a_toml_reader_chokes_on_is_refused_at_once(tmp_path, text):
    (tmp_path / "mine.toml").write_text(text)
    before = time.process_time()
    with pytest.raises(LineError, match=r"mine\.toml: (a key|not a|larger)"):
        load_line(tmp_path / "mine.toml")
    assert time.process_time() - before < 1


def test_many_numbers_on_a_line_are_no_dotted_key(tmp_path):
    (tmp_path / "mine.toml").write_text(
        f'description = "{0.5, 1.5} " # {[n / 8 for n in range(99)]}'
    )
    assert load_line(tmp_path / "mine.toml").name == "mine"
