"""JARs as others make them go through a build and a deploy, and stay what they were.

Each one goes the user's way, and is then looked at by tools that we did not write: zipfile, unzip, java
and jarsigner.
"""

import json
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from command import deploy
from paths import APPS
from read_back import JAVA, SOURCES
from tools import require
from zips import raw_data

# Each JAR is built and packaged just once, where all its tests are run by the same worker.
pytestmark = pytest.mark.xdist_group("real-jars")

CONFIG = {"GREETING": "hello from the config"}
BOOT = 'BC: "hello from the config"'
SIGNED_MAIN = "org.bouncycastle.LICENSE"
PLACES = {"header_offset", "_end_offset"}
DATA_DESCRIPTOR = 0x0008  # general purpose bit 3
MANY = 70_000

# What `java` prints that runs the package; the signed one is a library.
PRINTED = {
    "spring-boot": BOOT,
    "spring-boot-executable": BOOT,
    "multi-release": "version 11: hello from the config",
    "data-descriptors": "the base: hello from the config",
    "comment": "the base: hello from the config",
    "zip64": "the base: hello from the config",
    "signed": "Copyright (c) 2000-2023 The Legion of the Bouncy Castle Inc.",
}

each_jar = pytest.mark.parametrize("name", PRINTED)


@dataclass(frozen=True)
class Packaged:
    """A JAR as it was built, and the package that was made from it."""

    jar: Path
    package: Path


@pytest.fixture(scope="module")
def built_by_maven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with Spring Boot's JARs, and the signed one from Maven Central."""
    require("javac", "mvn")
    folder = tmp_path_factory.mktemp("maven") / "app"
    shutil.copytree(APPS / "spring-boot", folder, ignore=shutil.ignore_patterns("target"))
    subprocess.run(["mvn", "--batch-mode", "--quiet", "package"], cwd=folder, check=True)
    return folder / "target"


@pytest.fixture(scope="module")
def built_by_jdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with what `javac` and `jar` make: a plain JAR, and one with a class for Java 11."""
    require("javac", "jar")
    folder = tmp_path_factory.mktemp("jdk")
    for part in ("base", "versions"):
        sources = sorted((APPS / "multi-release" / part).rglob("*.java"))
        subprocess.run(["javac", "--release", "11", "-d", folder / part, *sources], check=True)
    plain = ("--main-class", "example.Main", "-C", str(folder / "base"), ".")
    versions = ("--release", "11", "-C", str(folder / "versions"), ".")
    _run("jar", "--create", "--file", folder / "data-descriptors.jar", *plain)
    _run("jar", "--create", "--file", folder / "multi-release.jar", *plain, *versions)
    return folder


def _run(*command: str | Path) -> str:
    """Run a program that has to succeed, and return what it prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


@pytest.fixture(scope="module")
def packaged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Packaged]:
    """Return what packages a JAR the user's way, and does so once."""
    done: dict[str, Packaged] = {}

    def package(name: str) -> Packaged:
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            jar, package = folder / "target/function.jar", folder.with_name(f"{folder.name}.zip")
            jar.parent.mkdir()
            (folder / "pom.xml").touch()
            _provide(name, jar, request)
            for arguments in (("build", folder), ("package", "-o", package)):
                result = deploy(folder, *arguments, env=CONFIG)
                assert result.returncode == 0
                is_noted = arguments[0] == "build" and name.startswith("spring-boot")
                assert ("executable JAR of Spring Boot" in result.stderr) == is_noted
            done[name] = Packaged(jar, package)
        return done[name]

    return package


def _provide(name: str, jar: Path, request: pytest.FixtureRequest) -> None:
    """Put a JAR in its place."""
    by_maven = {
        "spring-boot": "boot-*-nested.jar",
        "spring-boot-executable": "boot-*-executable.jar",
        "signed": "bcprov-*.jar",
    }
    if name in by_maven:
        (built,) = request.getfixturevalue("built_by_maven").glob(by_maven[name])
        shutil.copy(built, jar)
        return
    built = request.getfixturevalue("built_by_jdk")
    if name == "multi-release":
        shutil.copy(built / "multi-release.jar", jar)
        return
    shutil.copy(built / "data-descriptors.jar", jar)
    if name == "comment":
        with zipfile.ZipFile(jar, "a") as file:
            file.comment = "released on a Friday, \N{PARTY POPPER}".encode()
    elif name == "zip64":
        with zipfile.ZipFile(jar, "a") as file:
            with file.open("large.txt", "w", force_zip64=True) as target:
                target.write(b"this entry has room for four billion bytes and more\n")
            for number in range(MANY):
                file.writestr(zipfile.ZipInfo(f"data/{number}"), b"")


# --- what all of them keep -------------------------------------------------------------------------


@each_jar
def test_the_compressed_bytes_of_every_entry_stay(packaged: Callable[[str], Packaged], name: str) -> None:
    """In the same order, as they stand in the file; the config comes last, and nothing else is new."""
    both = packaged(name)
    before, after = raw_data(both.jar.read_bytes()), raw_data(both.package.read_bytes())
    assert after.pop("env.properties") == b"GREETING=hello from the config\n"
    assert list(after) == list(before)
    assert after == before


@each_jar
def test_what_is_said_of_every_entry_stays(packaged: Callable[[str], Packaged], name: str) -> None:
    """Times, modes, flags, sizes, comments and fields of others: all but the place in the file."""

    def described(path: Path) -> list[dict[str, object]]:
        with zipfile.ZipFile(path) as file:
            return [
                {what: getattr(each, what, None) for what in zipfile.ZipInfo.__slots__ if what not in PLACES}
                for each in file.infolist()
            ]

    both = packaged(name)
    assert described(both.package)[:-1] == described(both.jar)


@each_jar
def test_unzip_finds_nothing_wrong(packaged: Callable[[str], Packaged], name: str) -> None:
    """`unzip -t` decompresses every entry of the package, and its exit status tells of warnings too."""
    require("unzip")
    _run("unzip", "-tqq", packaged(name).package)


@each_jar
def test_java_reads_every_entry(packaged: Callable[[str], Packaged], name: str) -> None:
    """java.util.zip, which is stricter about ZIP64 fields than others, finds all of them whole."""
    require("java")
    both = packaged(name)
    listing = _run(*JAVA, SOURCES / "ReadZip.java", both.package)
    with zipfile.ZipFile(both.jar) as file:
        assert len(listing.splitlines()) == len(file.infolist()) + 1


@each_jar
def test_java_runs_the_package(packaged: Callable[[str], Packaged], name: str) -> None:
    """It does what the JAR does, and finds the config in it."""
    require("java")
    package = packaged(name).package
    how = ("-cp", package, SIGNED_MAIN) if name == "signed" else ("-jar", package)
    assert _run(*JAVA, *how).startswith(PRINTED[name])


def test_mavens_jar_without_its_libraries_is_noticed(java_app: Path, tmp_path: Path) -> None:
    """What the shade plugin leaves of it as `original-` lacks Gson; the shaded one lacks nothing."""
    (tmp_path / "pom.xml").touch()
    (tmp_path / "target").mkdir()
    (built,) = (java_app / "target").glob("original-*.jar")
    for jar, notice in (
        (built, "com.example.greeter.Handler uses com.google.gson.Gson"),
        (built.with_name(built.name.removeprefix("original-")), ""),
    ):
        shutil.copy(jar, tmp_path / "target/function.jar")
        result = deploy(tmp_path, "build", tmp_path)
        assert result.returncode == 0
        assert notice in result.stderr
        assert bool(notice) == bool(result.stderr)


# --- what makes each of them special ---------------------------------------------------------------


def test_spring_boots_jars_within_the_jar_are_stored(packaged: Callable[[str], Packaged]) -> None:
    """Its loader reads them in place, which it can't do with compressed ones."""
    with zipfile.ZipFile(packaged("spring-boot").package) as file:
        nested = [each for each in file.infolist() if each.filename.endswith(".jar")]
    assert len(nested) >= 2
    assert {each.compress_type for each in nested} == {zipfile.ZIP_STORED}


def test_the_launch_script_before_an_executable_jar_is_left_out(packaged: Callable[[str], Packaged]) -> None:
    """Lambda gets a plain ZIP: its first bytes are those of an entry."""
    both = packaged("spring-boot-executable")
    assert both.jar.read_bytes().startswith(b"#!/bin/bash\n")
    assert both.package.read_bytes().startswith(b"PK\x03\x04")


def test_a_signed_jar_stays_signed(packaged: Callable[[str], Packaged], tmp_path: Path) -> None:
    """jarsigner verifies as many entries as before; the config is the only one that is not signed."""
    require("jarsigner")
    both = packaged("signed")
    before, after = _verified(both.jar), _verified(both.package)
    assert len(before) > 4000
    assert after == before
    assert "env.properties" not in after
    # And it would tell: one byte of one entry is another here.
    broken = tmp_path / "broken.jar"
    with zipfile.ZipFile(both.package) as file, zipfile.ZipFile(broken, "w") as target:
        for entry in file.infolist():
            content = file.read(entry)
            target.writestr(entry, content + b" " if entry.filename.endswith("/LICENSE.class") else content)
    refused = subprocess.run(["jarsigner", "-verify", broken], capture_output=True, text=True, check=False)
    assert "digest error for org/bouncycastle/LICENSE.class" in refused.stdout + refused.stderr


def _verified(jar: Path) -> set[str]:
    """Return the names that `jarsigner -verify` shows as signed, verified, and listed in the manifest."""
    listing = _run("jarsigner", "-verify", "-verbose", jar)
    assert "jar verified." in listing
    return {line.split()[-1] for line in listing.splitlines() if line.startswith("sm ")}


def test_a_multi_release_jar_keeps_its_versions(packaged: Callable[[str], Packaged]) -> None:
    """The manifest says so, and the class is there twice; that java picks the right one is shown above."""
    for name, twice in (("multi-release", "example/Version.class"), ("signed", None)):
        with zipfile.ZipFile(packaged(name).package) as file:
            assert b"Multi-Release: true" in file.read("META-INF/MANIFEST.MF")
            assert any(each.startswith("META-INF/versions/11/") for each in file.namelist())
            assert twice is None or {twice, f"META-INF/versions/11/{twice}"} <= set(file.namelist())


def test_data_descriptors_stay_behind_their_entries(packaged: Callable[[str], Packaged]) -> None:
    """`jar` writes sizes and CRC-32 behind the data; the local headers hold none."""
    both = packaged("data-descriptors")
    content = both.package.read_bytes()
    with zipfile.ZipFile(both.package) as file:
        entry = file.getinfo("example/Main.class")
    assert entry.flag_bits & DATA_DESCRIPTOR
    assert struct.unpack_from("<3L", content, entry.header_offset + 14) == (0, 0, 0)
    descriptor = struct.pack("<4s3L", b"PK\x07\x08", entry.CRC, entry.compress_size, entry.file_size)
    assert content.count(descriptor) == both.jar.read_bytes().count(descriptor) == 1


def test_the_comment_of_a_jar_is_dropped(packaged: Callable[[str], Packaged]) -> None:
    """What a tool wrote behind the JAR is neither config nor code, and may hold anything."""
    both = packaged("comment")
    assert "released on a Friday, \N{PARTY POPPER}".encode() in both.jar.read_bytes()
    with zipfile.ZipFile(both.package) as file:
        assert file.comment == b""
    assert b"released on" not in both.package.read_bytes()


def test_more_entries_than_the_plain_format_counts(packaged: Callable[[str], Packaged]) -> None:
    """Both the JAR and the package end with ZIP64's records, and the build counts all entries."""
    both = packaged("zip64")
    for path in (both.jar, both.package):
        assert path.read_bytes()[-42:].startswith(b"PK\x06\x07")
    build = json.loads((both.jar.parent.parent / ".lambda-deploy/build.json").read_text())
    with zipfile.ZipFile(both.package) as file:
        assert len(file.infolist()) == build["entries"] + 1 > MANY
