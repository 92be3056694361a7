"""What an artifact says of its entries is so, and may be passed on, or the build stops and names one."""

import io
import os
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import PIECE, read_directory
from deploy.artifact.assembly import AssembledFile, assemble
from deploy.build.checks import check_contents, check_entries
from deploy.config.formats import ConfigFile
from deploy.errors import InputError
from paths import REPOSITORY
from zips import link_to, zip_of

NAME = "lib/Code.class"


def check(base: bytes) -> None:
    file = io.BytesIO(base)
    directory = read_directory(file)
    check_entries(file, directory)
    check_contents(file, directory)


def refusal(base: bytes) -> str:
    with pytest.raises(InputError) as caught:
        check(base)
    assert caught.value.exit_code == 2
    assert caught.value.todo
    return f"{caught.value.what}\n{caught.value.why}"


def declaring(content: bytes, *, size: int, method: int) -> bytes:
    """Make a ZIP whose only entry declares another size than it has; the CRC-32 is right."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        file.writestr(NAME, content)
        file.getinfo(NAME).file_size = size
    return target.getvalue()


@given(
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3000), min_size=1),
    st.sampled_from([0, 8, 12, 14]),
)
def test_what_zipfile_writes_is_whole(files: dict[str, bytes], method: int) -> None:
    """Stored and deflated entries are read; those of other methods are passed over."""
    check(zip_of(files, method=method))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_entries_of_any_size_are_read_to_their_end(method: int, size: int) -> None:
    """Random bytes and zeros around the size of a piece: whole they pass, with the last byte gone not."""
    for content in (os.urandom(size), bytes(size)):
        check(zip_of({NAME: content, "b": content}, method=method))
        assert NAME in refusal(declaring(content, size=size - 1, method=method))
        assert NAME in refusal(declaring(content, size=size + 1, method=method))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_byte_of_the_data_that_is_changed_is_found(method: int) -> None:
    """One bit anywhere in an entry, and it is named; the ones beside it are not."""
    content = b"public class Code {}\n" * 5
    base = zip_of({"a": b"a", NAME: content, "z": b"z"}, method=method)
    with zipfile.ZipFile(io.BytesIO(base)) as file:
        info = file.getinfo(NAME)
    start = info.header_offset + 30 + len(NAME)
    for position in range(start, start + info.compress_size):
        for bit in range(8):
            damaged = bytearray(base)
            damaged[position] ^= 1 << bit
            if _still_says(damaged[start : start + info.compress_size], content, method):
                continue
            assert f"The entry {NAME} of the artifact is damaged" in refusal(bytes(damaged))


def _still_says(data: bytearray, content: bytes, method: int) -> bool:
    """Tell whether deflate gives the same content all the same: the bits that fill the last byte are free."""
    try:
        return method == zipfile.ZIP_DEFLATED and zlib.decompress(bytes(data), -15) == content
    except zlib.error:
        return False


def test_the_reason_is_told() -> None:
    """A wrong size, a wrong checksum and data that is none read differently."""
    content = bytes(1000)
    assert "It declares 10 bytes, but holds more." in refusal(declaring(content, size=10, method=8))
    assert "It declares 1001 bytes, but holds 1000." in refusal(declaring(content, size=1001, method=8))
    base = zip_of({NAME: content}, method=zipfile.ZIP_STORED)
    assert "another checksum (CRC-32)" in refusal(base.replace(content, b"1" * 1000))
    compressor = zlib.compressobj(wbits=-15)
    data = compressor.compress(content) + compressor.flush()
    assert "can't be decompressed" in refusal(zip_of({NAME: content}).replace(data, b"\xff" * len(data)))


def deflated(data: bytes, content: bytes) -> bytes:
    """Make a ZIP whose only entry has this data and declares the size and CRC-32 of that content."""
    base = bytearray(zip_of({NAME: data}, method=zipfile.ZIP_STORED))
    record = base.rindex(b"PK\x01\x02")
    struct.pack_into("<H", base, 8, zipfile.ZIP_DEFLATED)
    struct.pack_into("<H", base, record + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", base, record + 16, zlib.crc32(content))
    struct.pack_into("<L", base, record + 24, len(content))
    return bytes(base)


def test_data_that_ends_too_early_is_found() -> None:
    """The end of a deflated entry is missing: nothing waits for it, and nothing passes it off as whole."""
    content = os.urandom(PIECE)
    compressor = zlib.compressobj(0, wbits=-15)
    unfinished = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
    check(deflated(unfinished + compressor.flush(), content))
    assert "can't be decompressed" in refusal(deflated(unfinished, content))


@pytest.mark.parametrize("extra", [1, 2, 5, 100, 257])
def test_what_zlib_holds_back_is_read_too(extra: int) -> None:
    """The last bytes of a content can still be in zlib when all of its data is taken."""
    check(zip_of({NAME: b"ab" * (PIECE // 2) + (b"ab" * extra)[:extra]}))


def test_what_stands_behind_the_end_of_deflated_data_is_passed_over() -> None:
    """unzip, java and zipfile do the same, whether it is a byte or more than a piece."""
    for content in (b"hello" * 100, bytes(5 * PIECE)):
        compressor = zlib.compressobj(wbits=-15)
        data = compressor.compress(content) + compressor.flush()
        for behind in (b"\0", os.urandom(2 * PIECE)):
            check(deflated(data + behind, content))


def test_progress_goes_from_entry_to_entry_up_to_the_whole() -> None:
    """Bytes done and in all, unzipped."""
    file = io.BytesIO(zip_of({"a": b"x" * 10, "empty": b"", "b": b"y" * 30}))
    told: list[tuple[int, int]] = []
    check_contents(file, read_directory(file), lambda done, total: told.append((done, total)))
    assert told == [(10, 40), (10, 40), (40, 40)]


@pytest.mark.parametrize("declared", ["truth", "lie"])
def test_memory_stays_flat_whatever_the_data_grows_to(tmp_path: Path, declared: str) -> None:
    """200 MB of zeros in 200 KB: read in pieces where they are declared, and left where they are not."""
    size = 200 * 1024 * 1024
    path = tmp_path / "bomb.jar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open(NAME, "w") as target:
            for _ in range(size // PIECE):
                target.write(bytes(PIECE))
        if declared == "lie":
            file.getinfo(NAME).file_size = 1
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (128 * 1024**2, 128 * 1024**2))
from deploy.artifact.archive import read_directory
from deploy.build.checks import check_contents
from deploy.errors import InputError
with open({str(path)!r}, "rb") as file:
    try:
        check_contents(file, read_directory(file))
        print("whole")
    except InputError as error:
        print(error.why)
"""
    expected = {"truth": "whole\n", "lie": "It declares 1 bytes, but holds more.\n"}[declared]
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert result.stdout == expected


# --- names and places -----------------------------------------------------------------------------


def test_bytes_changed_at_random_are_refused_or_harmless() -> None:
    """Damage ends in InputError and in no other exception, and what passes can be made a package of."""
    generator = random.Random(1)  # noqa: S311 - a reproducible choice, not a secret
    files = {"index.js": b"exports.handler = 1\n" * 50, "node_modules/a/b.js": b"b" * 3000, "empty": b""}
    whole = zip_of(files, comment=b"x")
    passed = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        file = io.BytesIO(damaged)
        try:
            directory = read_directory(file)
            check_entries(file, directory)
        except InputError as error:
            assert error.exit_code == 2
            continue
        passed += 1
        assembly = assemble(directory, [ConfigFile("env.properties", b"NAME=value\n")])
        package = AssembledFile(file, assembly.parts).read()
        assert len(read_directory(io.BytesIO(package))) == len(directory) + 1
    assert passed


def empty_archives() -> dict[str, bytes]:
    """Give ZIPs without an entry: made so, with a prefix, and made so out of a good one."""
    empty, good = zip_of({}), zip_of({NAME: b"x"})
    assert len(empty) == 22
    return {
        "bare": empty,
        "with a comment": zip_of({}, comment=b"nothing"),
        "behind junk": b"\x7fELF and so on" * 1000 + empty,
        "counts, size and offset gone": good[:-22] + empty,
    }


@pytest.mark.parametrize("base", empty_archives().values(), ids=empty_archives().keys())
def test_an_artifact_without_entries_is_refused(base: bytes) -> None:
    """A function of nothing but config can't be what anybody wants."""
    assert "The artifact holds no entry: there is nothing in it to deploy." in refusal(base)


@pytest.mark.parametrize("bit", [0, 6, 13])
@pytest.mark.parametrize("where", ["the directory", "the local header"])
def test_an_encrypted_entry_is_refused_by_name(where: str, bit: int) -> None:
    """Lambda has no password, also where strong encryption or the entry itself alone says so."""
    base = bytearray(zip_of({"first.js": b"x", "secret.js": b"x"}))
    start = base.rindex(b"PK\x01\x02") + 8 if where == "the directory" else base.rindex(b"PK\x03\x04") + 6
    base[start + bit // 8] |= 1 << bit % 8
    expected = "The entry secret.js of the artifact is encrypted, and Lambda can't decrypt it."
    assert refusal(bytes(base)).startswith(expected)


def test_another_compression_where_the_data_is_is_refused() -> None:
    """Who reads the ZIP as a stream would get other bytes than those that were checked."""
    base = bytearray(zip_of({"index.js": b"1" * 50}))
    struct.pack_into("<H", base, 8, zipfile.ZIP_STORED)
    assert "index.js of the artifact has another compression method where its data is" in refusal(bytes(base))


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "a\\..\\evil"])
def test_names_that_lead_out_of_the_package_are_refused(name: str) -> None:
    """Nothing is unpacked anywhere but below /var/task."""
    assert "leads out of the package" in refusal(zip_of({"ok": b"", name: b""}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused() -> None:
    """Which of the two is unpacked would be chance."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("twice.js", "1")
        file.writestr("twice.js", "2")
    assert "twice.js" in refusal(target.getvalue())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x", "./x"], "./x of the artifact is there twice, also as x."),
        (["a/b", "a//b"], "a//b of the artifact is there twice, also as a/b."),
        (["a/./b", "a/b/."], "a/b/. of the artifact is there twice, also as a/./b."),
        (["x", "other", "x/"], "x/ of the artifact is there twice, also as x."),
        (["./x/", "x/"], "x/ of the artifact is there twice, also as ./x/."),
        (["x", "x/y"], "x of the artifact is a file, and the folder of x/y too."),
        (["x/y/z/deep", "x!", "x.js", "x"], "x of the artifact is a file, and the folder of x/y/z/deep too."),
        (["./x//y", "x"], "x of the artifact is a file, and the folder of ./x//y too."),
        (["x/.", "x/y"], "x/. of the artifact is a file, and the folder of x/y too."),
    ],
)
def test_names_that_collide_when_they_are_unpacked_are_refused(names: list[str], expected: str) -> None:
    """Which of the two there is in the end, or whether Lambda unpacks it at all, would be chance."""
    assert refusal(zip_of(dict.fromkeys(names, b""))).startswith(f"The entry {expected}")


@pytest.mark.parametrize(
    "names",
    [
        [".", "./", "x"],
        ["x/", "x/y", "x!/y", "x.js", "x-y/z"],
        ["./x/", "x/y", "./x//z"],
        ["META-INF/", "META-INF/MANIFEST.MF", "META-INF/versions/11/a.class", "a.class", "A.class"],
        [".hidden", "..a", "a../b", ".../c"],
    ],
)
def test_names_that_only_look_alike_are_not_refused(names: list[str]) -> None:
    """Folders and what is in them, names that begin alike, and the root itself."""
    check(zip_of(dict.fromkeys(names, b"")))


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", ".", "", "a!"]), min_size=1, max_size=4).map("/".join),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_collisions_are_those_that_a_plain_search_finds(names: list[str]) -> None:
    """Whatever the names are: each compared with each other one."""
    names = [name for name in names if name and not name.startswith("/")]
    places = {name: tuple(part for part in name.split("/") if part not in {"", "."}) for name in names}
    collide = any(
        places[first]
        and (
            places[first] == places[second]
            or (places[second][: len(places[first])] == places[first] and not first.endswith("/"))
        )
        for first in names
        for second in names
        if first != second
    )
    if not names:
        return
    base = zip_of(dict.fromkeys(names, b""))
    if collide:
        assert "is there twice" in (text := refusal(base)) or "is a file, and the folder of" in text
    else:
        check(base)


def test_seventy_thousand_entries_are_checked_in_a_moment() -> None:
    """Also where they lie deep, and are listed in no order."""
    names = [f"com/example/part{number % 97}/{number}/Class{number}.class" for number in range(70_000)]
    random.Random(1).shuffle(names)  # noqa: S311 - a reproducible choice, not a secret
    file = io.BytesIO(zip_of(dict.fromkeys(names, b""), method=zipfile.ZIP_STORED))
    directory = read_directory(file)
    started = time.process_time()
    check_entries(file, directory)
    assert time.process_time() - started < 2


UNICODE_PATH = b"\x75\x70"


def second_name(name: str, second: bytes) -> bytes:
    """Give Info-ZIP's Unicode Path field, behind one of another kind."""
    field = b"\x01" + struct.pack("<L", zlib.crc32(name.encode())) + second
    return b"\x55\x54\x01\x00\x00" + UNICODE_PATH + struct.pack("<H", len(field)) + field


def with_second_name(name: str, second: bytes, *, local: bool = True, central: bool = True) -> bytes:
    """Make a ZIP whose last entry has a second name, where its data is, in the directory, or in both."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("first", "1")
        info = zipfile.ZipInfo(name)
        info.extra = second_name(name, second)
        file.writestr(info, "1")
    base = target.getvalue()
    # A kind that nobody knows takes the place of the one that is not wanted.
    directory = base.index(b"PK\x01\x02")
    before, after = base[:directory], base[directory:]
    before = before if local else before.replace(UNICODE_PATH, b"\x75\x71")
    after = after if central else after.replace(UNICODE_PATH, b"\x75\x71")
    return before + after


@pytest.mark.parametrize("where", ["both", "local", "central"])
@pytest.mark.parametrize("second", [b"../../evil", b"env.properties", b"\xff"])
def test_a_second_name_is_refused(second: bytes, where: str) -> None:
    """unzip unpacks by it, so it could lead out of the package, or take the place of the config."""
    local, central = where != "central", where != "local"
    text = refusal(with_second_name("index.js", second, local=local, central=central))
    assert text.startswith("The entry index.js of the artifact has a second name, ")
    check(with_second_name("index.js", b"index.js", local=local, central=central))


def test_a_name_that_is_no_utf_8_is_refused() -> None:
    """It says that it is; Java does not open such a JAR."""
    base = zip_of({"dätei": b""}).replace("dätei".encode(), b"d\xff\xfftei")
    assert "has a name that is not the UTF-8 that it says it is" in refusal(base)


def test_overlapping_entries_are_refused() -> None:
    """A ZIP bomb lets many entries share the same data."""
    base = bytearray(zip_of({"first": b"x" * 100, "second": b"y" * 100}, method=0))
    first = base.index(b"PK\x01\x02")
    struct.pack_into("<L", base, first + 20, 101)
    assert "is not where the central directory says" in refusal(bytes(base))


def test_another_name_where_the_data_is_is_refused() -> None:
    """Who reads the ZIP as a stream would unpack it there; the message shows both names."""
    base = zip_of({"lib/a.js": b"x"}).replace(b"lib/a.js", b"../../a\n", 1)
    text = refusal(base)
    assert text.startswith(
        "The entry lib/a.js of the artifact has another name, ../../a\\n, where its data is"
    )


# --- symbolic links -------------------------------------------------------------------------------


@pytest.mark.parametrize("made_by", [3, 19])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("links", "shown"),
    [
        ({"link": "/etc/passwd"}, "link"),
        ({"link": ".."}, "link"),
        ({"lib/link": "../../etc/passwd"}, "lib/link"),
        ({"lib/link": "../lib/../../lib"}, "lib/link"),
        ({"./lib//link": "../../etc/passwd"}, "./lib//link"),
        ({"here": ".", "link": "here/.."}, "link"),
        ({"deep/here": "..", "link": "deep/here/../x"}, "link"),
    ],
)
def test_links_that_lead_out_of_the_package_are_refused(
    links: dict[str, str], shown: str, method: int, made_by: int
) -> None:
    """By their target, also by way of other links, and with the name of the link."""
    files = {"lib/a.class": b"a", **{name: link_to(target) for name, target in links.items()}}
    text = refusal(zip_of(files, method=method, made_by=made_by))
    expected = f"The entry {shown} of the artifact is a symbolic link that leads out of the package, to "
    assert text.startswith(f"{expected}{links[shown]}.")


def test_links_within_the_package_are_not_refused() -> None:
    """To a file, to a folder, to nothing, in circles, and by way of the root."""
    links: dict[str, str | bytes] = {
        "link.js": "lib/a.js",
        "lib/up": "..",
        "lib/back": "../lib/a.js",
        "node_modules/.bin/tool": "../tool/cli.js",
        "gone": "nowhere",
        "self": "self",
        "one": "two",
        "two": "one/x",
        "here": "./lib/../lib//.",
        "through": "here/../lib",
        "no-utf-8": b"caf\xe9",
    }
    check(zip_of({"lib/a.js": b"a", **{name: link_to(target) for name, target in links.items()}}))


def test_what_no_unix_made_has_no_mode() -> None:
    """What another system keeps in the external attributes means something else."""
    check(zip_of({"file": link_to("/etc/passwd")}, made_by=0))


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("folder/", b"lib", "folder/ of the artifact is a symbolic link and a folder at once"),
        (".", b"lib", ". of the artifact is a symbolic link and a folder at once"),
        ("link", b"", "link of the artifact is a symbolic link whose target is no path"),
        ("link", b"..\0/lib", "link of the artifact is a symbolic link whose target is no path"),
        ("link", b"a/" * 2049, "link of the artifact is a symbolic link whose target is longer than"),
        ("link", os.urandom(5000), "link of the artifact is a symbolic link whose target is longer than"),
    ],
)
def test_links_that_can_not_be_made_are_refused(name: str, target: bytes, expected: str) -> None:
    """A folder, no target, one that ends early, and one that is longer than Linux takes."""
    base = zip_of({"lib/a.js": b"a", name: link_to(target)})
    assert refusal(base).startswith(f"The entry {expected}")


def test_a_link_is_not_unpacked_beyond_what_a_path_can_be() -> None:
    """It declares three bytes and would grow to 4 MB: a few KB are held, and then it is refused."""
    compressor = zlib.compressobj(9, wbits=-15)
    data = compressor.compress(b"a" * 4_000_000) + compressor.flush()
    assert len(data) < 4096
    target = bytearray(zip_of({NAME: link_to(data)}, method=zipfile.ZIP_STORED))
    record = target.rindex(b"PK\x01\x02")
    for place in (8, record + 10):
        struct.pack_into("<H", target, place, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", target, record + 24, 3)
    file = io.BytesIO(target)
    directory = read_directory(file)
    tracemalloc.start()
    check_entries(file, directory)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000
    assert "It declares 3 bytes, but holds more." in refusal(bytes(target))


def test_a_link_that_can_not_be_read_is_refused() -> None:
    """Its data is damaged, or compressed in a way that nobody here knows."""
    good = zip_of({NAME: link_to("lib/a.js" * 20)})
    start = 30 + len(NAME)
    damaged = good[:start] + b"\xff\xff\xff" + good[start + 3 :]
    assert refusal(damaged).startswith(f"The entry {NAME} of the artifact is damaged.")
    unknown = refusal(zip_of({NAME: link_to("lib/a.js")}, method=zipfile.ZIP_LZMA))
    assert "is a symbolic link whose target is neither stored nor deflated" in unknown
