"""What .lambdaignore excludes, judged by git; set IGNORE_CASES=100000 for a long run."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bases import make_base
from deploy.artifact.base import BASE_ZIP
from deploy.build.lambdaignore.rules import read_rules
from deploy.errors import InputError
from git_ignore import ENVIRONMENT, Git, excludes
from tools import require


def spelled(pieces: list[str], most: int) -> st.SearchStrategy[str]:
    """Return texts made of pieces, each drawn as one character: ten times faster than lists."""
    alphabet = [chr(0x4E00 + number) for number in range(len(pieces))]
    text = st.text(alphabet, max_size=most)
    return text.map(lambda characters: "".join(pieces[ord(character) - 0x4E00] for character in characters))


# fmt: off
RULES = spelled([
    *(["\n", "\n", "\n!", "a", "b", "*", "**", "/", "?"] * 4), "\n*\n!*/\n", "\n/*\n!", "\n**\n!", "*/", "/*",
    "**/", "/**", "/**/", "***", "//", "a*", "*b", "*.a", "A", "B", "ab", "é", ".", "0", "!", "#", "\\",
    "\\a", "\\*", "\\/", "\\#", "\\!", "\\ ", " ", "  ", "\t", "\r", "\r\n", "\ufeff", "\x0b", "\x7f", "[",
    "]", "[a", "[ab]", "[a-c]", "[!a]", "[^b]", "[]a]", "[!]a]", "[a\\]]", "[\\-a]", "[a-\\c]", "[a-]",
    "[-a]", "[--0]", "[b-a]", "[é]", "[/a]", "[[]", "[!", "[^", "-", "^", "[[:upper:]]", "[[:alpha:]b]",
    "[![:lower:]]", "[[:punct:]]", "[[:space:]]", "[[:digit:]-a]", "[[:x:]]", "[[::]]", "[[:a]", "[[:]",
    "[a[:]", "[[:", "$", "(", "{a,b}", "|", "+", "~",
], 30)

PATHS = spelled([
    *(["\n", "\n", "/", "/", "a", "b"] * 8), "A", "B", "ab", "é", ".", ".a", "c", "0", "a ", " ", "*", "**",
    "?", "!", "#", "\\", "[", "]", "[a]", "[ab]", "-", "^", "\t", "\r", "\x0b", "\x7f", "\udcff", "$", "(",
    "{a,b}", "|", "+", "~",
], 50).map(lambda text: {
    "/".join(names) for line in text.split("\n")
    if (names := [name for name in line.split("/") if name.strip(".")])
})
# fmt: on


@settings(max_examples=int(os.environ.get("IGNORE_CASES", "1500")))
@given(lines=RULES, paths=PATHS)
def test_what_git_excludes_is_excluded(lines: str, paths: set[str], git: Git) -> None:
    """Any lines exclude exactly the files that git would exclude, whatever their names are."""
    path = git.rules(lines.encode())
    rules = read_rules(path)
    assert {path for path in paths if excludes(rules, path)} == git.excluded(path, paths)


# --- The build ---------------------------------------------------------------------------------------


def deployed(app: Path, rules: str) -> list[str]:
    (app / ".lambdaignore").write_text(rules)
    make_base(app)
    with ZipFile(app / BASE_ZIP) as base:
        return base.namelist()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Make an app with hidden folders, the platform's and others."""
    for name in (
        *("package.json", "index.js", "README.md", "data/keep.json", "data/other.json", "data/sub/x.js"),
        *("lib/a.js", "lib/a.md", "lib/.hidden/a.js", ".output/server/index.js", ".output/server/index.md"),
        *(".next/a.js", ".env", ".git/config", ".heroku/a.js", ".lambda-deploy/a.js", ".profile.d/a.sh"),
    ):
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    (tmp_path / "app/link").symlink_to("data")
    return tmp_path / "app"


@pytest.mark.parametrize(
    "rules",
    [
        "*\n!*/\n!*.js\n",
        "data/**\n!data/keep.json\n",
        "data/\n!data/keep.json\n",
        "data/*\n!data/sub\n",
        "link/\n*.md\n",
        "link\n.hidden\n",
        "[[:upper:]]*\nlib/**/\n",
    ],
)
def test_what_git_would_add_is_deployed(app: Path, rules: str) -> None:
    """The files in the base are those that `git ls-files` lists, but for what is hidden at the top."""
    require("git")
    names = deployed(app, rules)
    (app / ".git/config").unlink()
    subprocess.run(["git", "init", "--quiet", app], env=ENVIRONMENT, check=True)
    command = ["git", "ls-files", "-z", "--others", "--exclude-from=.lambdaignore"]
    listed = subprocess.run(
        command, cwd=app, env=ENVIRONMENT, check=True, capture_output=True, text=True
    ).stdout
    assert names == sorted(name for name in listed.split("\0") if name and not name.startswith("."))


@pytest.mark.parametrize(
    ("rules", "is_deployed"),
    [
        ("!/.output/", True),
        ("!.output", True),
        ("!.output/\r\n", True),
        ("!/.output", True),
        ("*\n!/.output/\n!*/\n!*.js", True),
        ("!/.output/\n*\n!*/\n!*.js", True),
        ("", False),
        ("/.output/", False),
        ("!/.output/\n/.output/", False),
        ("!/.output/\n.*", False),
        ("!.*", False),
        ("!/.outpu[t]/", False),
        ("!/.output/server", False),
        ("!/.output/**", False),
        ("!/lib/.output/", False),
    ],
)
def test_a_hidden_folder_is_deployed_if_a_line_re_includes_it_by_name(
    app: Path, rules: str, is_deployed: bool
) -> None:
    """The build output of some frameworks is hidden; a wildcard alone must not bring .env's neighbours."""
    assert (".output/server/index.js" in deployed(app, rules)) is is_deployed
    assert ".next/a.js" not in deployed(app, rules)


def test_rules_apply_within_a_re_included_folder(app: Path) -> None:
    """It is a folder like any other then, and links may lead there."""
    (app / "start.js").symlink_to(".output/server/index.js")
    names = deployed(app, "!/.output/\n*.md\n")
    assert [name for name in names if name.startswith((".", "start"))] == [
        ".output/server/index.js",
        "start.js",
    ]
    with pytest.raises(InputError, match=r"leads to \.output, which is left out"):
        deployed(app, "")


@pytest.mark.parametrize("name", [".git", ".heroku", ".lambda-deploy", ".profile.d", ".env"])
def test_what_is_the_platforms_and_hidden_files_are_never_deployed(app: Path, name: str) -> None:
    """No line brings them back: the history of the app, the platform's files, secrets."""
    assert not [entry for entry in deployed(app, f"!/{name}\n!/{name}/\n") if entry.startswith(".")]


# --- The file ----------------------------------------------------------------------------------------


def test_without_a_file_nothing_is_excluded(tmp_path: Path) -> None:
    """Most apps have none."""
    rules = read_rules(tmp_path / ".lambdaignore")
    assert not rules.excludes("index.js", is_folder=False)
    assert not rules.includes_by_name(".output")


@pytest.mark.parametrize(
    "place", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")], ids=["folder", "pipe", "link"]
)
def test_what_is_not_a_file_is_refused(tmp_path: Path, place: Callable[[Path], None]) -> None:
    """What it was to exclude, secrets perhaps, must not be deployed because it can't be read."""
    place(tmp_path / ".lambdaignore")
    with pytest.raises(InputError, match=r"^\.lambdaignore is not a regular file\.$"):
        read_rules(tmp_path / ".lambdaignore")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_another_encoding_than_utf_8_is_refused(tmp_path: Path, encoding: str) -> None:
    """Its rules would silently exclude nothing."""
    path = tmp_path / ".lambdaignore"
    path.write_text("geheim/\nschlüssel.pem\n", encoding=encoding)
    with pytest.raises(InputError, match=r"^\.lambdaignore is not UTF-8 text\.$"):
        read_rules(path)
