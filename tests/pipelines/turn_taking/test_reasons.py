from pipelines.turn_taking.reasons import because


def test_a_reason_keeps_the_numbers_that_its_sentence_names_and_no_others():
    reason = because("agent_interrupted", heard_words=2, written_words=5, reply=7)
    assert reason.numbers == {"heard_words": 2, "written_words": 5}
    assert str(reason) == "stopped: 2 of 5 words were heard"


def test_a_reason_by_an_unknown_rule_keeps_all_its_numbers():
    assert because("of_a_later_version", p=0.5).numbers == {"p": 0.5}
