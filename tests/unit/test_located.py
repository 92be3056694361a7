"""Documents whose values know their place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.errors import InputError
from deploy.located import Node, Place, parse_json

VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@settings(max_examples=40)
@given(VALUES, st.sampled_from([None, 1, "\t"]))
def test_a_document_is_what_json_reads(value: Any, indent: Any) -> None:
    """However it is written, nothing but the places is added."""
    assert parse_json(json.dumps(value, indent=indent).encode(), "a.json").plain() == value


@settings(max_examples=40)
@given(VALUES)
def test_each_value_begins_at_its_place(value: Any) -> None:
    """The text from there on is that value's JSON, and the one from a key's place on is that key."""
    text = json.dumps(value, indent=1)
    lines = text.split("\n")
    decoder = json.JSONDecoder()

    def at(place: Place) -> Any:
        return decoder.raw_decode(
            "\n".join([lines[place.line - 1][place.column - 1 :], *lines[place.line :]])
        )[0]

    def check(node: Node) -> None:
        assert at(node.place) == node.plain()
        for key, member in node.members.items():
            assert member.key_place is not None
            assert at(member.key_place) == key
        for child in (*node.members.values(), *node.items):
            check(child)

    check(parse_json(text.encode(), "a.json"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n "a": 2}', "a.json, line 2, column 2: the key `a` is there already, in line 1."),
        ('{"a": }', "a.json, line 1, column 7: this is not JSON (Expecting value)."),
        ('{"a": NaN}', "a.json, line 1, column 7: this is not a number that JSON has."),
        ("[" * 200 + "]" * 200, "a.json, line 1, column 101: this is nested more than 100 levels deep."),
        ('["\\ud800"]', "a.json, line 1, column 2: this text holds half of a character"),
        ("[" * 100_000, "a.json, line 1, column 101: this is nested more than 100 levels deep"),
        ("\udcff", "a.json is not UTF-8 text."),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text: str, said: str) -> None:
    """A reader finds it without a search."""
    with pytest.raises(InputError) as refused:
        parse_json(text.encode("utf-8", "surrogateescape"), "a.json")
    assert said in refused.value.what


def test_a_secret_document_is_not_repeated() -> None:
    """Its places are enough to find what is wrong."""
    with pytest.raises(InputError) as refused:
        parse_json(b'{"canary": 1,\n "canary": 2}', "PAYLOAD", is_secret=True)
    assert refused.value.what == "PAYLOAD, line 2, column 2: this key is there already, in line 1."


def test_brackets_in_texts_are_not_levels() -> None:
    """However they are written there."""
    text = json.dumps(["[" * 500, '"\\[' * 500, {"{" * 500: 1}])
    assert parse_json(text.encode(), "a.json").plain() == json.loads(text)
