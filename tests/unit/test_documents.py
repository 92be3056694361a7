"""The documents: what they point at is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from paths import REPOSITORY

INDEX = REPOSITORY / "docs/README.md"
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    """Files exist, and a heading for each anchor."""
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text)
    for path, anchor in links:
        target = document.parent / path if path else document
        assert target.is_file(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


def test_the_index_leads_to_every_document() -> None:
    """Nothing is written that nobody finds, and the README fits a reader of ten minutes."""
    readme, index = (path.read_text(encoding="utf-8") for path in (DOCUMENTS[0], INDEX))
    assert "](docs/README.md)" in readme
    assert len(readme.splitlines()) <= 200
    for document in DOCUMENTS[1:]:
        assert document == INDEX or f"]({document.name})" in index


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_options_go_behind_two_dashes(document: Path) -> None:
    """The Heroku CLI takes an option of deploy's for one of its own, unless `--` comes before."""
    for command in re.findall(r"heroku run ([^`\n]*)", document.read_text(encoding="utf-8")):
        _of_heroku, dashes, _of_deploy = f" {command} ".partition(" -- ")
        assert dashes or not re.search(r"deploy.* -", command), command


def test_what_is_made_from_the_code_is_up_to_date() -> None:
    """The transcript, the numbers, the tables and the policies; `make docs` writes them."""
    ended = subprocess.run(
        [sys.executable, "docs/tables.py", "--check"],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/tests/support:{REPOSITORY}/tests/fakes"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def anchors(document: Path) -> set[str]:
    """Give the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
