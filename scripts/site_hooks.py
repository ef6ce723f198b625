"""Lets the site have what its pages link to outside of docs/: pages of the root, and source files.

On GitHub and on disk such links work as they are; in the site the pages for contributors stand
beside README.md, and other files under `source/`.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = tuple(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"))
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add each file outside of docs/ that a page names."""
    pages = [Path(file.abs_src_path) for file in files.documentation_pages()]
    named = {target for page in (*pages, *PAGES) for target in _targets(page)}
    for path in sorted({*PAGES, *(each for each in named if not each.is_relative_to(DOCS))}):
        if path.is_file():
            files.append(File.generated(config, _place(path), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Have the links of a page lead to where their targets are in the site."""
    source = Path(page.file.abs_src_path)
    here = Path(page.file.src_uri).parent

    def placed(link: re.Match[str]) -> str:
        target = (source.parent / link[1]).resolve()
        return f"]({os.path.relpath(_place(target), here)}{link[2] or ''})"

    return _LINK.sub(placed, markdown)


def _targets(page: Path) -> set[Path]:
    found = _LINK.findall(page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target, _ in found}


def _place(path: Path) -> str:
    """Where a file is in the site's sources."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    within = path.relative_to(ROOT).as_posix()
    return within if path in PAGES else f"source/{within}"
