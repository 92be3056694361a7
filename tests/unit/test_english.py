"""The words of documents, messages and comments: short, active, and the field's own."""

import re
from pathlib import Path

import pytest

from paths import REPOSITORY

# Phrases that read as translated, each a regular expression.
AVOIDED = (
    "by way of",
    r"\banew\b",
    r"\ball one\b",
    r"\bbut for\b",
    r"\bmends?\b",
    r"\bin force\b",
    r"\bas it stands\b",
    r"\bgoes by\b",
    r"\bhow it ended\b",
    r"\bmay surprise\b",
    r"\bsteps? back\b",
    r"\bputs? (it |drift )?right\b",
    r"\bharmless to repeat\b",
    r"\banother than\b",
    r"\b(is|are|was) told\b(?! apart)",
    r"\btells? of\b",
    r"\b(it|that|which) is (?-i:none\b(?! of)|no file)",
    r"\bcan't be told\b",
)
FILES = [
    path
    for pattern in ("*.md", "docs/*.md", "deploy/**/*.py", "lib/*", "bin/*", "action.yml")
    for path in sorted(REPOSITORY.glob(pattern))
    if path.is_file()
]


@pytest.mark.parametrize("phrase", AVOIDED)
def test_what_reads_as_translated_is_avoided(phrase: str) -> None:
    """In whatever people read, users and maintainers."""
    pattern = re.compile(phrase, re.IGNORECASE)

    def lines(path: Path) -> list[str]:
        text = path.read_text(encoding="utf-8")
        return [line for line in text.splitlines() if pattern.search(line)]

    found = {str(path.relative_to(REPOSITORY)): lines(path) for path in FILES}
    assert {name: each for name, each in found.items() if each} == {}
