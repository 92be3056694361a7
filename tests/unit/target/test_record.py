"""What is recorded with a version, and what can be proved by it later."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.target.parsers import config_files
from deploy.target.provenance import Provenance
from deploy.target.record import LONGEST_DESCRIPTION, Record, parse_record

BASE, CONFIG = "b" * 64, "c" * 12
FULL = Record(BASE, ("env.properties", "env.json"), 2, CONFIG, Provenance("my-app", 42, "0123456789ab"))
NAMED = Record(BASE, ("env.properties",), 1, CONFIG, Provenance("my-app", 42), "1.1.1")

sha256s = st.binary(min_size=32, max_size=32).map(bytes.hex)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=90)


def _is_a_file(text: str) -> bool:
    try:
        return config_files(text) == (text,)
    except ValueError:
        return False


# Whatever the setting takes, and what looks like another part of the description.
names = st.one_of(
    st.sampled_from(["env.properties", "config/env.json", "files x.json", "1 file.sh", "base aa.sh"]),
    printable.map(lambda text: f"{text.strip()}.json").filter(_is_a_file),
)
files = st.lists(names, min_size=1, max_size=30, unique=True).map(tuple)
apps = st.one_of(st.none(), st.text(min_size=1, max_size=300), st.just(FULL.describe()))


def test_a_description_says_where_a_version_comes_from_and_what_proves_it() -> None:
    """App, release, commit, the base's digest in full, the beginning of the config's, and the files."""
    assert FULL.describe() == (
        f"my-app, v42, commit 0123456789ab, base {BASE}, config {CONFIG}, files env.properties, env.json"
    )
    assert (
        NAMED.describe() == f"version 1.1.1, my-app, v42, base {BASE}, config {CONFIG}, files env.properties"
    )


def test_a_reader_gets_the_digests_short() -> None:
    """A line of a log does not hold all of them."""
    assert FULL.summary() == "my-app, v42, commit 0123456789ab, base bbbbbbbbbbbb, config cccccccccccc"
    dirty = Record(BASE, provenance=Provenance("my-app", None, "0123456789abcdef-dirty"))
    assert dirty.summary() == "my-app, commit 0123456789ab-dirty, base bbbbbbbbbbbb"


@pytest.mark.parametrize(
    "record", [FULL, NAMED, Record(BASE, (), 3), Record(BASE, ("a.sh",), 1), Record(BASE, (), 0)]
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    """With all its parts, and without those that are not known."""
    assert parse_record(record.describe()) == record


@given(
    base=sha256s,
    files=files,
    app=apps,
    release=st.one_of(st.none(), st.integers(0, 999_999_999)),
    commit=st.one_of(st.none(), st.text(max_size=300)),
    name=st.one_of(st.none(), st.from_regex(r"[0-9A-Za-z.+_-]{1,128}", fullmatch=True)),
)
def test_whatever_is_recorded_fits_and_proves_the_base(
    *,
    base: str,
    files: tuple[str, ...],
    app: str | None,
    release: int | None,
    commit: str | None,
    name: str | None,
) -> None:
    """However long its parts are and whatever they look like: base and baked files are found again."""
    record = Record(base, files, len(files), CONFIG, Provenance(app, release, commit), name)
    description = record.describe()
    assert len(description) <= LONGEST_DESCRIPTION
    read = parse_record(description)
    assert read is not None
    assert read.is_complete
    assert read.base_sha256 == base
    assert read.is_of(base)
    assert read.baked_files(["index.js", "lib/a.js", *files]) == files
    assert read.files in {files, ()}
    if name and (app is None or len(app) < 30):
        assert read.name == name or len(name) > 100


def test_names_that_do_not_fit_are_counted() -> None:
    """Baked files are the last entries of a package, so their number is enough."""
    some = tuple(f"config/{number:0>24}.json" for number in range(4))
    source = Provenance("my-app", 42)
    without_digest = Record(BASE, some, 4, CONFIG, source).describe()
    assert without_digest.endswith(f"{BASE}, files {', '.join(some)}")
    many = tuple(f"config/{number:0>20}.json" for number in range(40))
    counted = Record(BASE, many, 40, CONFIG, source).describe()
    assert counted == f"my-app, v42, base {BASE}, config {CONFIG}, 40 files"
    assert parse_record(counted) == Record(BASE, (), 40, CONFIG, source)


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        (["index.js", "env.properties", "env.sh"], "other files"),
        (["index.js", "env.json", "env.properties"], "other files"),
        (["env.json"], "does not fit"),
    ],
)
def test_a_package_that_does_not_fit_its_record_is_refused(entries: list[str], wrong: str) -> None:
    """Other files, the same in another order, or fewer: nobody knows then what is config."""
    with pytest.raises(ValueError, match=wrong):
        FULL.baked_files(entries)


def test_the_record_of_an_earlier_buildpack_tells_bases_apart_and_proves_none() -> None:
    """It has the first digits of the base's digest, and no files."""
    read = parse_record("my-app, v42, commit 0123456789ab, base bbbbbbbbbbbb, config cccccccccccc")
    assert read == Record("b" * 12, (), None, CONFIG, Provenance("my-app", 42, "0123456789ab"))
    assert not read.is_complete
    assert read.is_of(BASE)
    assert not read.is_of(hashlib.sha256().hexdigest())
    with pytest.raises(ValueError, match="does not fit"):
        read.baked_files(["index.js", "env.properties"])


def test_a_copy_proves_nothing() -> None:
    """Whatever it holds is taken for its base, so nobody may bake a config into that."""
    copy = Record(BASE, (), 0)
    assert copy.describe() == f"base {BASE}, copied as it is"
    assert (copy.is_copy, copy.is_complete, FULL.is_copy) == (True, False, False)
    assert copy.summary().endswith("copied as it is")
    with pytest.raises(ValueError, match="does not fit"):
        copy.baked_files(["index.js"])


@pytest.mark.parametrize(
    "description",
    [
        "",
        "Fixed the bug, at last",
        "base jump",
        f"base {BASE[:40]}",
        f"base {BASE}",
        f"base {BASE}, 0 files",
        f"base {BASE}, files ",
        f"base {BASE}, files a.sh, , b.sh",
        f"base {BASE}, config {CONFIG}",
        f"base {BASE}, config {CONFIG}, and more",
        "base bbbbbbbbbbbb, and more, than that",
        f"data base {BASE}, 1 file",
    ],
)
def test_what_others_write_is_no_record(description: str) -> None:
    """A person's words, or a record that was cut."""
    assert parse_record(description) is None


@given(
    st.one_of(st.text(max_size=300), st.lists(st.sampled_from(FULL.describe().split(", "))).map(", ".join))
)
def test_any_description_can_be_read(description: str) -> None:
    """Whatever a person wrote, reading it raises nothing."""
    read = parse_record(description)
    assert read is None or f"base {read.base_sha256}" in description
