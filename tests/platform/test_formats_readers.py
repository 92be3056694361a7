"""What is baked, read back by readers that we did not write: every value arrives unharmed."""

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import documents
import nasty
from deploy.config.formats import encode
from read_back import EXACT_READERS, Readers

pytest_plugins = ["reader_fixtures"]

# One worker runs them all: they share the readers' processes.
pytestmark = pytest.mark.xdist_group("readers")


@pytest.mark.parametrize("reader", EXACT_READERS)
def test_every_value_and_name_of_the_table_arrives(readers: Readers, reader: str) -> None:
    """Nothing of the table is harmed, lost or added by the reader that the format is made for."""
    assert readers.read(reader, encode(EXACT_READERS[reader], nasty.CONFIG).content) == expected(
        reader, nasty.CONFIG
    )


@pytest.mark.parametrize("file", sorted(set(EXACT_READERS.values())))
@given(config=nasty.configs)
def test_every_config_arrives(readers: Readers, file: str, config: dict[str, str]) -> None:
    """Hypothesis finds no text that a reader gets wrong, in names or in values."""
    content = encode(file, config).content
    for reader in (reader for reader, read in EXACT_READERS.items() if read == file):
        assert readers.read(reader, content) == expected(reader, config), reader


@pytest.mark.parametrize("reader", EXACT_READERS)
def test_an_empty_config_makes_a_valid_file(readers: Readers, reader: str) -> None:
    """A function may be deployed before its first config var is set."""
    assert readers.read(reader, encode(EXACT_READERS[reader], {}).content) == {}


def expected(reader: str, config: Mapping[str, str]) -> dict[str, str]:
    """Return a config as a reader should; dot-properties loses one name, which docs/config.md says."""
    lost = {"__proto__"} if reader == "dot-properties" else set()
    return {name: value for name, value in config.items() if name not in lost}


# --- properties-reader, which is not exact --------------------------------------------------------

# What Number() of JavaScript takes: https://tc39.es/ecma262/#prod-StringNumericLiteral
JAVASCRIPT_NUMBER = re.compile(
    r"[+-]?(Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+"
)


def properties_reader_reads_value(value: str) -> bool:
    """Return whether `get` of properties-reader returns a value unchanged: what docs/config.md says."""
    return re.fullmatch(r"[\t\n\f\r -~]*", value) is not None and not (
        "\\" in value
        or value.startswith((" ", "\f"))
        or value[1:].endswith((" ", "\t", "\f"))
        or JAVASCRIPT_NUMBER.fullmatch(value)
        or value in {"true", "false", "null", "undefined"}
    )


def properties_reader_reads_name(name: str) -> bool:
    """Return whether properties-reader finds a name: what docs/config.md says."""
    return re.fullmatch(r"(?!!)[!-~]+", name) is not None and not set("#:\\") & set(name)


@given(
    value=nasty.values
    | st.floats().map(str)
    | st.from_regex(JAVASCRIPT_NUMBER, fullmatch=True)
    | st.sampled_from(["true", "false", "null", "undefined"])
)
@example(value="\t")
@example(value="\t1")
@example(value="1_000")
@example(value="-0x10")
@example(value="infinity")
def test_properties_reader_gets_all_values_but_the_documented_ones(readers: Readers, value: str) -> None:
    """Each value is read if, and only if, it is of no documented kind."""
    found = readers.read("properties-reader", encode("env.properties", {"NAME": value}).content)
    assert (found == {"NAME": value}) is properties_reader_reads_value(value)


@given(name=nasty.names)
def test_properties_reader_gets_all_names_but_the_documented_ones(readers: Readers, name: str) -> None:
    """Each name is found if, and only if, it is of no documented kind."""
    found = readers.read("properties-reader", encode("env.properties", {name: "value"}).content)
    assert (found == {name: "value"}) is properties_reader_reads_name(name)


def test_properties_reader_gets_the_ordinary_values_of_the_table(readers: Readers) -> None:
    """The plainness of the format pays: URLs, JSON and keys come through a reader that knows no escapes."""
    config = {name: value for name, value in nasty.VALUES.items() if properties_reader_reads_value(value)}
    assert {"URL", "JSON", "PEM_KEY", "EQUALS", "COLON", "HASH", "LINE_BREAKS_OF_WINDOWS"} <= set(config)
    assert readers.read("properties-reader", encode("env.properties", config).content) == config


def test_the_document_shows_what_properties_reader_makes_of_values(readers: Readers) -> None:
    """Each row of the table in docs/config.md is what really happens, and no row is of a readable value."""
    rows = documents.table(documents.CONFIG, "properties-reader fails")
    assert len(rows) > 5
    for _, example_cell, arrives_cell in rows:
        value, arrives = (json.loads(cell.strip("`")) for cell in (example_cell, arrives_cell))
        assert not properties_reader_reads_value(value)
        content = encode("env.properties", {"NAME": value}).content
        assert readers.read("properties-reader", content) == {"NAME": arrives}
