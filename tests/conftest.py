"""What holds for the whole test run."""

import signal

# A shell starts background jobs deaf to Ctrl-C, and their children are deaf too; the tests that
# press it must work there as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
