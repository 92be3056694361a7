"""Wildcards: judged by git, and bounded in time; set IGNORE_CASES=100000 for the full size."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.build.lambdaignore.rules import Rules, read_rules
from git_ignore import Git, excludes

# fmt: off
KNOWN = [
    # Negations.
    "*\n!*/\n!*.js", "data/**\n!data/keep.json", "data\n!data/keep.json",
    "/*\n!/data\n/data/*\n!/data/keep.json", "data/*\n!data/sub\ndata/sub/*\n!data/sub/keep.json",
    "data/**/\n!data/sub/", "*\n!/index.js", "*\n!**/", "!data",
    # Anchors and slashes.
    "/", "//", "///", "!/", "", "!", "\n\n!\n", "/data", "data/", "/data/", "//data", "data//", "data//sub",
    "/sub", "sub", "sub/", "sub/keep.json", "keep.json/", "data/sub/", "*/", "/*/", "*/*", "/*/*/",
    "data/*\n!*.json",
    # Two stars and more.
    "**", "/**", "**/", "**/sub", "**/sub/**", "data/**/", "data/**/keep.json", "**/data/**/keep.json",
    "**/**/keep.json", "***/sub", "data/***", "data/**b", "data/b**", "**b", "**.js", "data**", "/**/*.js",
    "data/**/**/keep.json", "**\\/sub", "data/**\\/keep.json", "data\\/**/keep.json", "/**/**/", "data/*/**",
    "data/**/*",
    # Escapes and blanks.
    "\\#hash", "#hash", " #hash", "\\!bang", "!bang", "in\\dex.js", "index.js\\", "index.js\\\\", "star\\*",
    "star*", "blank\\ ", "blank ", "blank\\  ", "blank\\\\ ", "blank  \\  ", "blank\t", " index.js",
    "index.js   ", "   ", "!   ", "back\\\\slash", "data\\/sub", "\\data/sub", "\\/data", "data\\/",
    "index.js \\", "*\\", "?\\",
    # Ends of lines, and marks.
    "index.js\r\ndata/\r\n", "index.js\r", "index.js\r\r\n", "index.js \r\n", "\r\n", "\ufeffindex.js",
    "\ufeff#hash", "\ufeff\ufeffindex.js", "index.js\x0b", "index.js\x85data", "index.js\u2028data",
    "#\rindex.js",
    # Brackets.
    "[i]ndex.js", "[!i]ndex.js", "[^x]ndex.js", "[a-z]ndex.js", "[z-a]ndex.js", "[a-\\z]ndex.js",
    "[a[:upper:]-z]ndex.js", "[]", "[]]", "[!]]", "[]-a]", "[!]a-]", "[", "[a", "index.js[", "[[", "[[]",
    "[\\]]", "[\\\\]", "[a\\", "[a-", "[-", "data[/]sub", "data[!x]sub", "data/[s/]ub", "[[:upper:]]*",
    "[[:upper:]", "[[:lower:]]", "[[:lower:][:upper:]]", "[![:lower:]]", "[[:nothing:]]", "[[:lower]]",
    "[:lower:]", "[[:lower:]-z]", "[a-[:lower:]]", "[x[:y]", "[[:::]]", "[*]", "[?]", "star[*]", "[A-Z]",
    "[a-Z]", "[[:ALPHA:]]",
    # Case, and other characters.
    "INDEX.JS", "*.JS", "dätä", "d?t?", "d??t??", "d[ä]t[ä]", "d[!x]*", "d*", "star?", "i.dex.js",
    "{index,x}.js", "(a|b)", "+(a)", "i+", "^index.js$", "~", "*ä*", "$", "index.js.*",
]
FILES = [
    "index.js", "Makefile", "data/keep.json", "data/other.json", "data/sub/keep.json",
    "data/sub/deep/keep.json", "a", "b", "other/data/keep.json", "other/sub/keep.json", "sub", "lib/sub",
    "lib/a.js", "lib/deep/b.js", "keep.json", "#hash", "!bang", "star*", "starfish", "blank ", "blank",
    "blank\\", "blank \\", "blank\t", "back\\slash", "back\\", "A", "z", "index.js\r", "index.js\x0b",
    "index.js\\", "[", "]", "[]", "[[", "-", "Z", "(a|b)", "+(a)", "dätä", "dätä.d/dätä",
    os.fsdecode(b"d\xe4t\xe4"), "^index.js$", "data.b/x", "datab", "dat", "{index,x}.js", "\ufeffindex.js",
    " index.js", "$", "~", "index.js\x85data", "index.js\u2028data",
]
CLASSES = [
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
    "xdigit", "ascii", "word",
]
# fmt: on


def test_known_cases_are_as_in_git(git: Git) -> None:
    """Each rule of gitignore's manual and each pitfall once, on files of which some match."""
    for lines in KNOWN:
        path = git.rules(lines.encode())
        rules = read_rules(path)
        assert {file for file in FILES if excludes(rules, file)} == git.excluded(path, FILES), lines


@pytest.mark.parametrize("negation", ["", "!"])
def test_classes_are_those_of_git(git: Git, negation: str) -> None:
    """Every class has the same bytes as in git, which differ from Python's and the C library's."""
    files = [os.fsdecode(bytes((byte,))) for byte in range(1, 256) if byte not in b"/."]
    for name in CLASSES:
        path = git.rules(f"[{negation}[:{name}:]]".encode())
        rules = read_rules(path)
        assert {file for file in files if excludes(rules, file)} == git.excluded(path, files), name


def test_two_stars_within_a_name_are_one() -> None:
    """Git's manual says so, and git does so from 2.52 on; an older one can't be the judge."""
    rules = rules_of("foo**/bar")
    assert excludes(rules, "foo/bar")
    assert excludes(rules, "foot/bar")
    assert not excludes(rules, "foobar")
    assert not excludes(rules, "foo/t/bar")


# --- Bounds ------------------------------------------------------------------------------------------

LINES, LENGTH = (1_000_000, 5_000_000) if "IGNORE_CASES" in os.environ else (50_000, 200_000)
TREE = [f"node_modules/module{number % 50}/lib/file{number}.js" for number in range(5000)]


def rules_of(lines: str) -> Rules:
    return Rules(lines.encode().split(b"\n"))


@contextmanager
def bounded_time() -> Iterator[None]:
    """Fail if the block takes longer than anything linear does."""
    start = time.process_time()
    yield
    assert time.process_time() - start < (100 if LINES == 1_000_000 else 20)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("file{}.txt", "lib/file7.txt"),
        ("/dir/sub{}/file.txt", "dir/sub7/file.txt"),
        ("name{}*", "name7"),
        ("prefix_of_all_*_{}", "lib/prefix_of_all_x_7"),
        ("dir{}/**/*.js", "dir7/a/b/c.js"),
        ("[ab]{}[cd]", "b7c"),
    ],
)
def test_there_may_be_a_million_lines(line: str, match: str) -> None:
    """Lines with and without wildcards are looked up, not tried one by one for each path."""
    with bounded_time():
        rules = rules_of("".join(line.format(number) + "\n" for number in range(LINES)))
        assert not any(rules.excludes(path, is_folder=False) for path in TREE)
        assert rules.excludes(match, is_folder=False)


def test_the_last_of_many_lines_wins() -> None:
    """Also if lines are looked up in different ways, and more match than an automaton holds."""
    lines = ["*.js", *(f"![!{chr(0x4E00 + number)}]*.js" for number in range(3000)), "/lib/xy.js"]
    rules = rules_of("\n".join(lines))
    assert excludes(rules, "lib/xy.js")
    assert not excludes(rules, "lib/yz.js")
    assert excludes(rules_of("\n".join(reversed(lines))), "lib/yz.js")


@pytest.mark.parametrize("frame", ["{}", "*{}b", "[[:{}]", "/{} \\"])
def test_a_line_may_have_millions_of_bytes(frame: str) -> None:
    """Whatever is repeated in it, it is read once."""
    pieces = ["a", "a*", "**/", "*/", "*", "?", "[", "[a", "[:", "[:a]", "\\", "\\ ", "/", "!", "]"]
    for line in (frame.format(piece * (LENGTH // len(piece))) for piece in pieces):
        with bounded_time():
            rules = rules_of(line)
            for path in ("a" * 250, "b/" * 1000 + "c"):
                rules.excludes(path, is_folder=False)


@pytest.mark.parametrize("pattern", ["*a", "a*", "**/a*/", "?*", "*[!b]", "*a/", "**/", "[a]*a*?"])
def test_no_pattern_backtracks(pattern: str) -> None:
    """Such patterns take exponential time if each star is tried at each place."""
    with bounded_time():
        rules = rules_of(f"{pattern * 100}b\n{pattern * 100}/**/b")
        for path in ("a" * 255, "a/" * 2000 + "a", ("a" * 200 + "/") * 20 + "c"):
            assert not rules.excludes(path, is_folder=False)
