"""A call's process gives back what its threads have used."""

import subprocess
import sys

import pytest

CALLS = """
import threading
from voicecli.serve.call_process import _give_memory_back, _keep_few_heaps

def used_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

kept = []
def work():
    together.wait()
    pieces = [bytes(2000) for _ in range(10_000)]
    kept.append(pieces.pop())  # what lies above all that is freed
    together.wait()

_keep_few_heaps()
together = threading.Barrier(6)
before = used_mb()
for _ in range(2):
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(used_mb() - before)
_give_memory_back()
print(used_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' malloc has no such heaps")
def test_what_the_threads_of_a_call_have_freed_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, check=True)
    held, left = map(float, done.stdout.split())
    assert held > 50
    assert left < 20
