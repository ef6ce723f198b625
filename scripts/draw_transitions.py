"""Writes the diagrams of docs/explanation/turn-taking.md from the core's own transition tables."""

from pathlib import Path

from pipelines.turn_taking.transitions import AGENT, CALLER, diagram

DOCUMENT = Path(__file__).parents[1] / "docs" / "explanation" / "turn-taking.md"
BEGIN, END = "<!-- transitions: begin -->", "<!-- transitions: end -->"


def drawn() -> str:
    """Both diagrams as Markdown."""
    parts = [f"```mermaid\n{diagram(CALLER)}\n```", f"```mermaid\n{diagram(AGENT)}\n```"]
    return f"{BEGIN}\n\nThe caller:\n\n{parts[0]}\n\nThe agent:\n\n{parts[1]}\n\n{END}"


def replaced(document: str) -> str:
    """The document with fresh diagrams between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + drawn() + after


if __name__ == "__main__":
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
