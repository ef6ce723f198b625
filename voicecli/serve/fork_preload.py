"""Imported by the process that call processes are forked from, before any of them.

Signals to all processes of a terminal or a service are meant for the server. Without this process
there would be no successor for a call's process that dies while the last calls end.
"""

import signal

for _name in ("SIGTERM", "SIGHUP"):
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_IGN)
