"""The checks of an artifact at the push: what Lambda could not unpack is refused, and its entry is named."""

import io
import random
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import read_directory
from deploy.artifact.assembly import AssembledFile, assemble
from deploy.build.checks import check_contents, check_entries
from deploy.config.formats import ConfigFile
from deploy.errors import InputError
from zips import zip_of


def check(names: list[str]) -> None:
    check_entries(read_directory(io.BytesIO(zip_of(dict.fromkeys(names, b"")))))


def refusal(names: list[str]) -> str:
    with pytest.raises(InputError) as caught:
        check(names)
    assert caught.value.exit_code == 2
    assert caught.value.todo
    return caught.value.what


def test_progress_goes_from_entry_to_entry_up_to_the_whole() -> None:
    """Bytes done and in all, unzipped."""
    file = io.BytesIO(zip_of({"a": b"x" * 10, "empty": b"", "b": b"y" * 30}))
    shown: list[tuple[int, int]] = []
    check_contents(file, read_directory(file), lambda done, total: shown.append((done, total)))
    assert shown == [(10, 40), (10, 40), (40, 40)]


def test_bytes_changed_at_random_are_refused_or_harmless() -> None:
    """Damage ends in InputError and in no other exception, and what passes can be made a package of."""
    generator = random.Random(1)  # noqa: S311 - a reproducible choice, not a secret
    files = {"index.js": b"exports.handler = 1\n" * 50, "node_modules/a/b.js": b"b" * 3000, "empty": b""}
    whole = zip_of(files, comment=b"x")
    passed = 0
    for _ in range(1000):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        file = io.BytesIO(damaged)
        try:
            directory = read_directory(file)
            check_entries(directory)
            check_contents(file, directory)
        except InputError as error:
            assert error.exit_code == 2
            continue
        passed += 1
        assembly = assemble(directory, [ConfigFile("env.properties", b"NAME=value\n")])
        package = AssembledFile(file, assembly.parts).read()
        assert len(read_directory(io.BytesIO(package))) == len(directory) + 1
    assert passed


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd"])
def test_names_that_lead_out_of_the_package_are_refused(name: str) -> None:
    """Lambda unpacks below /var/task and nowhere else."""
    assert "leads out of the package" in refusal(["ok", name])


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
    assert refusal(names).startswith(f"The entry {expected}")


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
    check(names)


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
    if collide:
        assert "is there twice" in (text := refusal(names)) or "is a file, and the folder of" in text
    else:
        check(names)


def test_seventy_thousand_entries_are_checked_in_a_moment() -> None:
    """Also where they lie deep, and are listed in no order."""
    names = [f"com/example/part{number % 97}/{number}/Class{number}.class" for number in range(70_000)]
    random.Random(1).shuffle(names)  # noqa: S311 - a reproducible choice, not a secret
    file = io.BytesIO(zip_of(dict.fromkeys(names, b""), method=zipfile.ZIP_STORED))
    directory = read_directory(file)
    started = time.process_time()
    check_entries(directory)
    assert time.process_time() - started < 2
