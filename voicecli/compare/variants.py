"""What is compared: profiles as they are, or one profile built up step by step."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pipelines.turn_taking.policy import EndpointingPolicy, Policy
from voicecli.errors import UsageError
from voicecli.names import distinct_names
from voicecli.profile import Profile

NEVER = 2.0
"""A threshold that no probability reaches."""


def ablation(profile: Profile) -> list[Profile]:
    """The profile with one idea after the other switched on; the last is the profile itself.

    naive: silence timer of 800 ms, then transcript, whole answer, whole synthesis, in sequence.
    streaming: the transcript is made at the pause, the answer spoken clause by clause.
    semantic: detectors judge the end of the turn.
    overlapped: the LLM reads the prompt while the wait goes on.
    speculative: the reply is begun before the turn is over.
    """
    full = profile.policy
    overlapped = replace(full, speculation=replace(full.speculation, preemptive_reply_above=NEVER))
    semantic = replace(overlapped, speculation=replace(overlapped.speculation, prefill_above=NEVER))
    timer = EndpointingPolicy(unscored_ms=800, backstop_ms=full.endpointing.backstop_ms)
    streaming = replace(semantic, endpointing=timer)
    naive = replace(
        streaming,
        speculation=replace(streaming.speculation, transcribe=False),
        clauses=replace(full.clauses, cut_at="reply"),
    )
    steps: dict[str, Policy] = {
        "naive": naive,
        "streaming": streaming,
        "semantic": semantic,
        "overlapped": overlapped,
        "speculative": full,
    }
    return [replace(profile, name=name, policy=policy) for name, policy in steps.items()]


def named_apart(profiles: Sequence[Profile]) -> list[Profile]:
    """The profiles, named after their files where they share a name: a copy keeps its `name`.

    Raises:
        UsageError: two of them are the same file.
    """
    if len({(profile.name, profile.path.resolve()) for profile in profiles}) < len(profiles):
        raise UsageError("the same profile twice: name two that differ.")
    taken = Counter(profile.name for profile in profiles)
    names = distinct_names(
        [(p.path.stem if taken[p.name] > 1 else p.name, p.path) for p in profiles]
    )
    return [replace(profile, name=name) for profile, name in zip(profiles, names, strict=True)]
