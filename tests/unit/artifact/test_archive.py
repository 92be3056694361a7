"""Reading a ZIP's directory: what is in it is found, and a file that is not a complete ZIP is refused."""

import io
import re
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
from deploy.errors import InputError
from zips import NAMES, with_zip64_field, zip_of

FILES = {"index.js": b"exports.handler = 1\n" * 50, "node_modules/a/b.js": b"b" * 3000, "empty": b""}


def read_all(file: io.BytesIO) -> list[bytes]:
    return [b"".join(read_content(file, entry)) for entry in read_directory(file)]


def refusal(base: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_directory(io.BytesIO(base))
    return f"{caught.value.what} {caught.value.why}"


@given(st.lists(NAMES, max_size=8, unique=True), st.data())
def test_entries_are_found_by_their_names(found: list[str], data: st.DataObject) -> None:
    """Whatever the names are, and whichever of them are parts of others; as a plain search finds them."""
    directory = read_directory(io.BytesIO(zip_of(dict.fromkeys(found, b""), comment=b"PK index.js")))
    asked = data.draw(st.sampled_from([*found, *(name[:2] for name in found), "index.js"]))
    assert directory.find(asked) == (found.index(asked) if asked in found else None)
    expected = [index for index, name in enumerate(found) if name.startswith(asked)]
    assert list(directory.starting_with(asked)) == expected


def test_a_comment_that_looks_like_a_zip64_locator_is_a_comment() -> None:
    """The last entry's comment may hold any bytes, also those just before the end record."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        info = zipfile.ZipInfo("index.js")
        info.comment = b"x" * 100 + b"PK\x06\x07" + bytes(16)
        file.writestr(info, "1")
    assert read_all(target) == [b"1"]


def test_a_file_that_is_cut_short_anywhere_is_refused() -> None:
    """A build or a copy that was broken off never reaches AWS, and never raises anything else."""
    base = zip_of(FILES)
    for length in range(len(base)):
        assert "not a whole ZIP" in refusal(base[:length])


def test_one_part_of_a_zip_is_refused() -> None:
    """The other parts of a ZIP that was split are somewhere else."""
    base = bytearray(zip_of(FILES))
    struct.pack_into("<H", base, len(base) - 18, 1)
    assert "one part of a ZIP that was split" in refusal(bytes(base))


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    """It says that it is; Java does not open such a JAR."""
    base = zip_of({"dätei": b""}).replace("dätei".encode(), b"d\xff\xfftei")
    with pytest.raises(InputError, match="has a name that is not the UTF-8 that it says it is"):
        list(read_directory(io.BytesIO(base)))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("value", [2**64 - 1, 2**62 + 1, 2**62, 2**40])
def test_zip64_values_beyond_every_file_are_refused(place: int, value: int) -> None:
    """Size, compressed size and offset: whatever damage made of them, it is an InputError."""
    base = bytearray(with_zip64_field(zip_of({"kept": b"data"}, method=0), "kept"))
    field = base.index(struct.pack("<2H", 1, 24)) + 4
    struct.pack_into("<Q", base, field + 8 * place, value)
    with pytest.raises(InputError) as caught:
        read_all(io.BytesIO(base))
    expected = "has a damaged ZIP64 field" if value > 2**62 else "cut short|It declares"
    assert re.search(expected, f"{caught.value.what} {caught.value.why}")
