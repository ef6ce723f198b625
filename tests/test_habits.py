"""What the pages for contributors say is what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
_LINK = re.compile(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)")
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_SPAN = re.compile(r"`((?:tests|pipelines|telephony_sim|voicecli|profiles|recordings)/[\w./*-]+)`")


def test_git_checks_before_a_commit_what_make_check_does():
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert recipe is not None
    commands = [line.strip("\t@").replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    hooks = re.findall(r"entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert len(commands) >= 4
    assert hooks == commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_to_what_exists(page):
    missing = []
    for target, heading in _LINK.findall(page.read_text("utf-8")):
        path = page.parent / target if target else page
        if not path.exists() or (heading and heading not in headings(path)):
            missing.append(f"{target}#{heading}")
    assert missing == []


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs/explanation").glob("*.md")), ids=lambda page: page.name
)
def test_an_explanation_has_two_pages_at_most(page):
    assert len(_FENCE.sub("", page.read_text("utf-8")).split()) <= 1000


def headings(page):
    """As links name them: lower case, spaces as hyphens, without other marks."""
    found = re.findall(r"^#+ (.*)$", _FENCE.sub("", page.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in found}


def test_contributors_are_sent_to_files_that_exist():
    named = _SPAN.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(named) >= 15
    missing = [name for name in named if "KIND" not in name and not list(ROOT.glob(name))]
    assert missing == []
