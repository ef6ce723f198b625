"""Whether a screen can be shown where the program runs."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_from_the_start_is_no_terminal(closed):
    """As a service manager, or a script's `<&-`, may have it."""
    asks = "import sys; from voicecli.tui.terminal import is_terminal; sys.exit(is_terminal())"
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", asks]
    assert subprocess.run(command, check=False).returncode == 0
