"""The fleet file: exactly its one form is accepted, and what is wrong is shown by line and column."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.fleet.definition import LARGEST, Definition, parse_definition, read_definition

EXAMPLE = """{"lambdas": [{"name": "team-orders", "version": "1.1.1"}, {"name": "b", "version": "0.0.1"}]}"""

function_names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
version_names = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2}(-rc\.[0-9])?", fullmatch=True)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["lambdas", "name", "version", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def pairs(definition: Definition) -> list[tuple[str, str, str]]:
    return [(each.name, each.version.text, each.version.alias) for each in definition.lambdas]


def refusal(text: str) -> str:
    with pytest.raises(InputError) as refused:
        parse_definition(text.encode(), "fleet.json")
    assert refused.value.exit_code == 2
    assert EXAMPLE[:40] in refused.value.todo
    return f"{refused.value.what}\n{refused.value.why}"


def test_the_form_of_the_documents_is_accepted() -> None:
    """Names, versions, and the alias that stands for each version."""
    parsed = parse_definition(EXAMPLE.encode(), "fleet.json")
    assert pairs(parsed) == [("team-orders", "1.1.1", "1-1-1"), ("b", "0.0.1", "0-0-1")]


@given(
    st.dictionaries(function_names, version_names, min_size=1),
    st.sampled_from([None, 2, "\t"]),
    st.booleans(),
)
def test_whatever_is_of_this_form_is_accepted(
    wanted: dict[str, str], indent: int | str | None, has_mark: bool
) -> None:
    """With any white space, keys in any order, and the mark that editors of Windows put at the start."""
    lambdas = [
        {"version": version, "name": name} if index % 2 else {"name": name, "version": version}
        for index, (name, version) in enumerate(wanted.items())
    ]
    text = json.dumps({"lambdas": lambdas}, indent=indent)
    content = text.encode("utf-8-sig" if has_mark else "utf-8")
    parsed = parse_definition(content, "fleet.json")
    assert [(each.name, each.version.text) for each in parsed.lambdas] == list(wanted.items())


@given(st.one_of(st.text(), anything.map(json.dumps)))
def test_whatever_else_is_refused_with_a_position(text: str) -> None:
    """No other JSON and no other text gets through, and none is an internal error."""
    try:
        parsed = parse_definition(text.encode("utf-8", "surrogatepass"), "fleet.json")
    except InputError as error:
        assert error.what.startswith(("fleet.json, line ", "fleet.json has ", "fleet.json is not UTF-8"))
    else:
        entries = [{"name": each.name, "version": each.version.text} for each in parsed.lambdas]
        assert json.loads(text) == {"lambdas": entries}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "line 1, column 1: this is not JSON"),
        ('{"lambdas": [],}', "line 1, column 1"),
        ("[]", "line 1, column 1: this has to be an object with `lambdas`"),
        ('{\n  "lambda": []}', "line 2, column 3: the key `lambda` is not one of a fleet file's"),
        ('{"lambdas": []}', "line 1, column 13: the list of functions is empty"),
        ('{"lambdas": {}}', "line 1, column 13: `lambdas` has to be a list"),
        ("{}", "line 1, column 1: this has no `lambdas`"),
        ('{"lambdas": [\n["a"]]}', "line 2, column 1: this has to be an object with `name` and `version`"),
        ('{"lambdas": [{"name": "a"}]}', "column 14: this has no `version`"),
        ('{"lambdas": [{"name": "a", "version": 1.1}]}', "column 39: `version` has to be a string"),
        (
            '{"lambdas": [{"name": "a b", "version": "1.1"}]}',
            "column 23: `a b` is not the name of a",
        ),
        ('{"lambdas": [{"name": "a", "version": "1"}]}', "column 39: the version `1` is a number"),
        ('{"lambdas": [{"name": "a", "version": "é"}]}', "column 39: the version `é` is not a name"),
        (
            '{"lambdas": [{"name": "a", "version": "1.1", "config": {}}]}',
            "column 46: the key `config` is not one of a fleet file's",
        ),
        (
            '{"lambdas": [{"name": "a", "name": "b", "version": "1.1"}]}',
            "column 28: the key `name` is there already",
        ),
        (
            '{"lambdas": [{"name": "a", "version": "1.1"},\n{"name": "a", "version": "1.1"}]}',
            "line 2, column 10: `a` is there already, in line 1",
        ),
        ("[" * 100_000, "line 1, column 101: this is nested more than 100 levels deep"),
        ("[" * 800 + "]" * 800, "line 1, column 101: this "),
        (
            '{"lambdas": [' + "1" * 5000 + "]}",
            "line 1, column 1: this holds a number of too many digits",
        ),
    ],
)
def test_what_is_wrong_is_shown_where_it_is(text: str, wrong: str) -> None:
    """By line and column, for a person who looks at the file in an editor."""
    assert wrong in refusal(text)


def test_all_mistakes_are_shown_at_once() -> None:
    """Each by its own position, in the file's order."""
    text = '{"lambdas": [{"name": "a b", "version": 1},\n{"name": "a"},\n"x"], "more": 1}'
    what, *lines = refusal(text).splitlines()
    assert what == "fleet.json has 5 mistakes."
    places = [line.partition(":")[0].removeprefix("fleet.json, line ") for line in lines]
    assert places == ["1, column 23", "1, column 41", "2, column 1", "3, column 1", "3, column 7"]


def test_a_name_can_not_write_to_the_terminal() -> None:
    """Control characters in a fleet file are spelled out."""
    assert "\\x1b" in refusal('{"lambdas": [{"name": "\\u001b[31m", "version": "1.1"}]}')


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """One that is missing, a folder, too large, or not text."""
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (LARGEST + 1))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe")
    for path, wrong in (
        (tmp_path / "missing.json", "No such file"),
        (tmp_path, "Is a directory"),
        (large, "larger than 1 MiB"),
        (binary, "not UTF-8"),
    ):
        with pytest.raises(InputError, match=wrong):
            read_definition(path)
