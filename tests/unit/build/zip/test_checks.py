"""The checks of an artifact at the push: what Lambda could not unpack is refused, and its entry is named."""

import io
import random
import time
import zipfile
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.archive import Directory, read_directory
from deploy.artifact.assembly import AssembledFile, assemble
from deploy.build.zip.checks import check_contents, check_entries, note_modes, note_names
from deploy.config.formats import ConfigFile
from deploy.errors import InputError
from deploy.output import Report
from deploy.terminal import Console
from zips import zip_of


def directory_of(names: Iterable[str], *, mode: int = 0o100644) -> Directory:
    return read_directory(io.BytesIO(zip_of([(name, b"") for name in names], mode=mode)))


def check(names: list[str]) -> None:
    check_entries(directory_of(names))


def shown_by(note: Callable[[Report], None]) -> str:
    """Return a notice as it is printed, without its indentation."""
    shown = io.StringIO()
    note(Report(Console(shown, shown)))
    return shown.getvalue().replace(" !     ", "")


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
        (["x", "x/y"], "x of the artifact is a file, and the folder of x/y too."),
        (["x/y/z/deep", "x!", "x.js", "x"], "x of the artifact is a file, and the folder of x/y/z/deep too."),
        (["./x//y", "x"], "x of the artifact is a file, and the folder of ./x//y too."),
        (["x/.", "x/y"], "x/. of the artifact is a file, and the folder of x/y too."),
        (["x", "x"], "x of the artifact is there twice."),
        (["x/", "x/", "x"], "x of the artifact is there twice, also as x/."),
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
        ["./x/", "x/"],
        ["META-INF/", "META-INF/MANIFEST.MF", "META-INF/", "META-INF/services/", "META-INF/services/"],
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
        and not (first.endswith("/") and second.endswith("/"))
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


def test_a_file_that_is_there_twice_is_explained_for_each_build_tool() -> None:
    """Ant adds it twice by default, Gradle's own tasks may, and the shade plugin has its filters."""
    with pytest.raises(InputError) as caught:
        check(["META-INF/LICENSE", "META-INF/LICENSE"])
    assert caught.value.what.startswith("The entry META-INF/LICENSE of the artifact is there twice.")
    for told in ('duplicate="preserve"', "duplicatesStrategy = DuplicatesStrategy.EXCLUDE", "<exclude>"):
        assert told in caught.value.todo


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a/" + "x" * 256, "has a name of more than 255 bytes between slashes"),
        ("é" * 128 + "/a", "has a name of more than 255 bytes between slashes"),
        ("x" * 40_000, "has a name of more than 255 bytes between slashes"),
        ("/".join(["folder"] * 600), "has a path of more than 4085 bytes"),
    ],
)
def test_names_that_linux_has_no_room_for_are_refused(name: str, why: str) -> None:
    """No file can be unpacked to them; the error shows the beginning of the name, not all of it."""
    text = refusal([name])
    assert f" of the artifact {why}." in text
    assert len(text) < 350
    check(["x" * 255, "é" * 127 + "/" + "é" * 127, "/".join(["folder"] * 500)])


def test_a_nul_in_a_name_is_refused() -> None:
    """Whoever unpacks it cuts the name there, or stops."""
    with_nul = zip_of({"evilX.class": b""}).replace(b"evilX", b"evil\0")
    with pytest.raises(InputError, match=r"The entry evil\\x00\.class of the artifact has a NUL in its name"):
        check_entries(read_directory(io.BytesIO(with_nul)))


def test_control_characters_in_names_are_pointed_out_and_not_printed() -> None:
    """A file can have such a name, so it is deployed; no more than three are shown."""
    names = ["Icon\r", "\x1b[31m.txt", "a\x9bb", "é\u200b\u00a0.txt", "d\nd", "plain"]
    shown = shown_by(lambda report: note_names(names, report))
    assert shown.startswith(
        "There are control characters or backslashes in the name of:\n"
        "  Icon\\r\n  \\x1b[31m.txt\n  a\\x9bb\n  and 1 more\n"
    )
    assert shown_by(lambda report: note_names(["é\u200b\u00a0.txt", "plain"], report)) == ""
    assert "  lib\\a.jar\n" in shown_by(lambda report: note_names(["lib\\a.jar"], report))


@pytest.mark.parametrize(
    ("mode", "names", "expected"),
    [
        (0o100600, ["a.class"], ["a.class"]),
        (0o100640, ["a.class", "b\x1b", "c", "d"], ["a.class", "b\\x1b", "c", "and 1 more"]),
        (0o040700, ["lib/", "lib/a.jar"], ["lib/", "lib/a.jar"]),
        (0o040744, ["lib/", "lib/a.jar"], ["lib/"]),
        (0o100644, ["a.class"], []),
        (0o040755, ["lib/"], []),
    ],
)
def test_what_lambdas_user_could_not_read_is_pointed_out(
    mode: int, names: list[str], expected: list[str]
) -> None:
    """Lambda keeps the modes and runs the function as another user; a folder has to be entered, too."""
    shown = shown_by(lambda report: note_modes(directory_of(names, mode=mode), report))
    listed = "".join(f"  {name}\n" for name in expected)
    assert shown.startswith(f"The function can't read:\n{listed}Others than the owner" if expected else "")
    assert bool(shown) == bool(expected)


def test_modes_that_are_not_recorded_are_no_reason_for_a_notice() -> None:
    """The JDK's `jar` writes none, and other tools write them with a zero for the mode."""
    without = bytearray(zip_of({"a.class": b""}, mode=0o100600))
    made_by = without.index(b"PK\x01\x02") + 5
    assert without[made_by] == 3
    without[made_by] = 0
    directory = read_directory(io.BytesIO(without))
    assert [entry.mode for entry in directory] == [0]
    assert shown_by(lambda report: note_modes(directory, report)) == ""


def test_seventy_thousand_entries_are_checked_in_a_moment() -> None:
    """Also where they lie deep, and are listed in no order."""
    names = [f"com/example/part{number % 97}/{number}/Class{number}.class" for number in range(70_000)]
    random.Random(1).shuffle(names)  # noqa: S311 - a reproducible choice, not a secret
    file = io.BytesIO(zip_of(dict.fromkeys(names, b""), method=zipfile.ZIP_STORED))
    directory = read_directory(file)
    started = time.process_time()
    check_entries(directory)
    note_modes(directory, Report(Console(None, None)))
    note_names(names, Report(Console(None, None)))
    assert time.process_time() - started < 2
