"""The base: what goes into it, which JAR it is, and what can't be one."""

import errno
import io
import json
import os
import resource
import signal
import stat
import zipfile
from pathlib import Path

import pytest

from command import deploy
from deploy import __version__
from deploy.artifact.base import BASE_ZIP, Base, read
from deploy.build.base import make
from deploy.build.compression import COMPRESSION
from deploy.errors import DeployError, InputError
from deploy.output import Console, Report


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An empty folder for an app."""
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def fill(app: Path, *names: str, **contents: bytes) -> None:
    for name in (*names, *contents):
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.get(name, f"{name}\n".encode()))


def jar(app: Path, *names: str) -> None:
    for name in names:
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("example/Handler.class", name)


def make_base(app: Path, **named: str) -> tuple[Base, str]:
    """Make a base and give it with all that was printed."""
    shown = io.StringIO()
    return make(app, Report(Console(shown, shown)), **named), shown.getvalue()


def entries(app: Path) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        assert file.testzip() is None
        return {info.filename: info for info in file.infolist()}


def refusal(app: Path, **named: str) -> str:
    with pytest.raises(InputError) as caught:
        make_base(app, **named)
    return f"{caught.value.what}\n{caught.value.why}\n{caught.value.todo}"


# --- Node.js ---------------------------------------------------------------------------------------


def nodejs(app: Path) -> None:
    fill(app, "index.js")
    (app / "package.json").write_text("{}")


def test_files_lie_at_the_root_of_the_zip_sorted_by_name(app: Path) -> None:
    """A function in a folder does not start, and the order does not depend on the file system."""
    nodejs(app)
    fill(app, "z.js", "lib/b.js", "lib/a.js", "B.js")
    make_base(app)
    assert list(entries(app)) == ["B.js", "index.js", "lib/a.js", "lib/b.js", "package.json", "z.js"]


def test_what_is_hidden_at_the_top_and_the_procfile_are_left_out(app: Path) -> None:
    """Git, the platform's folders and .env stay behind; hidden files deeper down are the packages'."""
    nodejs(app)
    fill(app, ".git/HEAD", ".heroku/node/bin/node", ".profile.d/a.sh", ".env", ".npmrc", "Procfile")
    fill(app, "node_modules/.bin/tool", "node_modules/.prisma/client.js", "lib/Procfile", "lib/.hidden")
    make_base(app)
    assert list(entries(app)) == [
        "index.js",
        "lib/.hidden",
        "lib/Procfile",
        "node_modules/.bin/tool",
        "node_modules/.prisma/client.js",
        "package.json",
    ]


def test_lambdaignore_has_the_syntax_of_gitignore(app: Path) -> None:
    """Comments, folders, globs, anchors and exceptions, as git reads them."""
    nodejs(app)
    fill(
        app,
        "a.test.js",
        "lib/b.test.js",
        "lib/keep.test.js",
        "docs/x.md",
        "lib/docs/y.md",
        "lib/top.md",
        "top.md",
    )
    (app / ".lambdaignore").write_text("# tests\n*.test.js\n!keep.test.js\n\ndocs/\n/top.md\n")
    make_base(app)
    assert list(entries(app)) == ["index.js", "lib/keep.test.js", "lib/top.md", "package.json"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_are_0644_and_0755_whatever_the_umask(app: Path, umask: int) -> None:
    """Lambda runs the function as another user, who has to be able to read it."""
    old = os.umask(umask)
    try:
        nodejs(app)
        fill(app, "run.sh")
        (app / "run.sh").chmod(0o700)
        make_base(app)
    finally:
        os.umask(old)
    modes = {name: stat.S_IMODE(info.external_attr >> 16) for name, info in entries(app).items()}
    assert modes == {"index.js": 0o644, "package.json": 0o644, "run.sh": 0o755}
    assert stat.S_IMODE((app / BASE_ZIP).stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("link", "target", "expected"),
    [
        ("node_modules/.bin/tool", "../tool/cli.js", "../tool/cli.js"),
        ("link.js", "{app}/index.js", "index.js"),
        ("lib/link.js", "{app}/index.js", "../index.js"),
        ("lib/link", "../../app/node_modules", "../node_modules"),
        ("gone", "nowhere.js", "nowhere.js"),
        ("self", ".", "."),
    ],
)
def test_links_within_the_app_keep_working_elsewhere(
    app: Path, link: str, target: str, expected: str
) -> None:
    """A link is stored as one; what is absolute or leaves the app on its way becomes relative."""
    nodejs(app)
    fill(app, "node_modules/tool/cli.js", "lib/a.js")
    (app / link).parent.mkdir(exist_ok=True)
    (app / link).symlink_to(target.format(app=app))
    make_base(app)
    info = entries(app)[link]
    assert stat.S_ISLNK(info.external_attr >> 16)
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        assert file.read(link).decode() == expected


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/etc/passwd", "leads out of the app"),
        ("../outside", "leads out of the app"),
        ("hop", "leads out of the app"),
        (".heroku/node/bin/node", "is left out of the package"),
    ],
)
def test_links_that_lead_out_of_the_package_are_refused(app: Path, target: str, why: str) -> None:
    """In Lambda such a link would lead nowhere, or to a file of Lambda's."""
    nodejs(app)
    fill(app, ".heroku/node/bin/node", ".lambdaignore")
    (app / ".lambdaignore").write_text("/hop\n")
    (app / "hop").symlink_to("/etc")
    (app / "bad-link").symlink_to(target)
    text = refusal(app)
    assert "bad-link" in text
    assert why in text
    (app / ".lambdaignore").write_text("/hop\n/bad-link\n")
    make_base(app)


def test_a_link_whose_target_is_no_utf_8_is_refused(app: Path) -> None:
    """A ZIP that we make holds names in UTF-8 alone; the message names the link and shows its target."""
    nodejs(app)
    (app / "lnk").symlink_to(os.fsdecode(b"caf\xe9"))
    text = refusal(app)
    assert "The symbolic link lnk leads to caf\\udce9, which is not valid UTF-8" in text
    assert "name the link in .lambdaignore" in text
    (app / ".lambdaignore").write_text("/lnk\n")
    make_base(app)


def test_what_is_no_file_is_refused_by_name(app: Path) -> None:
    """A pipe or a socket can't be packed, and must not hang the build."""
    nodejs(app)
    os.mkfifo(app / "pipe")
    assert "pipe is neither a file" in refusal(app)


def test_a_name_that_is_not_utf_8_is_refused(app: Path) -> None:
    """ZIP names are UTF-8; the message shows the name without breaking the terminal."""
    nodejs(app)
    (Path(os.fsdecode(bytes(app) + b"/caf\xe9.js"))).write_text("")
    assert "caf\\udce9.js is not valid UTF-8" in refusal(app)


@pytest.mark.parametrize("ignored", ["*\n", "# all of it\n/*\n!lib/\n/lib/*\n"])
def test_an_app_of_which_nothing_is_left_is_refused(app: Path, ignored: str) -> None:
    """A base without a file would be deployed as a function that holds nothing but config."""
    nodejs(app)
    fill(app, "lib/a.js")
    make_base(app)
    (app / ".lambdaignore").write_text(ignored)
    text = refusal(app)
    assert ".lambdaignore leaves out every file of the app: there is nothing to deploy." in text
    assert "bring files back behind it with lines such as `!/index.js`" in text
    with pytest.raises(InputError, match="has not been built"):
        read(app)
    (app / ".lambdaignore").write_text(f"{ignored}!/index.js\n")
    make_base(app)
    assert "index.js" in entries(app)


def test_missing_node_modules_are_pointed_out(app: Path) -> None:
    """Without heroku/nodejs before this buildpack the function would not find its packages."""
    (app / "package.json").write_text('{"dependencies": {"lodash": "4"}}')
    assert "add heroku/nodejs before this buildpack" in make_base(app)[1]
    (app / "node_modules").mkdir()
    assert "heroku/nodejs" not in make_base(app)[1]


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("package.json", b"{", "package.json is not valid JSON"),
        (".lambdaignore", b"\xff", ".lambdaignore is not UTF-8"),
    ],
)
def test_broken_files_of_the_app_are_named(app: Path, file: str, content: bytes, expected: str) -> None:
    """The build stops with the file's name instead of a traceback."""
    nodejs(app)
    (app / file).write_bytes(content)
    assert expected in refusal(app)


# --- Java ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build_file", ["pom.xml", "build.gradle", "build.gradle.kts"])
@pytest.mark.parametrize("folder", ["target", "build/libs"])
def test_the_only_candidate_is_the_base(app: Path, build_file: str, folder: str) -> None:
    """Sources, Javadoc, tests, the original of a shaded JAR and Gradle's plain one are none."""
    fill(app, build_file, "package.json")
    jar(
        app,
        *(f"{folder}/{name}.jar" for name in ("f-1.0", "f-1.0-sources", "f-javadoc", "f-tests", "f-plain")),
    )
    jar(app, f"{folder}/original-f-1.0.jar")
    base, _ = make_base(app)
    assert (base.kind, base.base, base.entries) == ("java", f"{folder}/f-1.0.jar", 1)
    assert not (app / BASE_ZIP).exists()


@pytest.mark.parametrize("name", ["f-1.0-shaded.jar", "f-1.0-jar-with-dependencies.jar", "f-1.0-all.jar"])
def test_the_jar_with_dependencies_is_preferred(app: Path, name: str) -> None:
    """Where the build left both, the function needs the one that has its dependencies in it."""
    fill(app, "pom.xml")
    jar(app, "target/f-1.0.jar", f"target/{name}")
    assert make_base(app)[0].base == f"target/{name}"


def test_two_candidates_are_listed(app: Path) -> None:
    """Nobody guesses which of two JARs is the function."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar", "target/b.jar", "target/b-sources.jar")
    text = refusal(app)
    assert "  target/a.jar\n  target/b.jar\n" in text
    assert "sources" not in text
    assert "heroku config:set _LAMBDA_JAR_FILE=target/a.jar" in text


def test_the_setting_names_the_jar_or_zip(app: Path) -> None:
    """_LAMBDA_JAR_FILE decides, also for a ZIP in a folder where none is looked for."""
    fill(app, "build.gradle")
    jar(app, "build/libs/a.jar", "build/libs/b.jar", "build/distributions/f.zip")
    assert make_base(app, jar_file="build/libs/b.jar")[0].base == "build/libs/b.jar"
    assert make_base(app, jar_file="build/distributions/f.zip")[0].base == "build/distributions/f.zip"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("target/c.jar", "The file that _LAMBDA_JAR_FILE names is not there: target/c.jar.\n"),
        ("../other.jar", "../other.jar leads out of the app"),
        ("/etc/passwd", "is not there: /etc/passwd.\n"),
        ("/etc", "is not there: /etc.\n"),
        ("loop", "is not there: loop.\n"),
        ("x" * 5000, f"is not there: {'x' * 5000}.\n"),
        ("a\nb\udcff", "is not there: a\\nb\\udcff.\n"),
        ("target", "is not there: target is a folder.\n"),
    ],
)
def test_a_wrong_setting_is_explained(app: Path, named: str, expected: str) -> None:
    """The message repeats it, and lists what the build left."""
    fill(app, "pom.xml", "target/a.zip")
    jar(app, "target/a.jar", "../other.jar", "module/target/b.jar")
    (app / "loop").symlink_to("loop")
    text = refusal(app, jar_file=named)
    assert expected in text
    if "leads out" not in expected:
        assert "The build left:\n  target/a.jar\n  module/target/b.jar\n  target/a.zip\n" in text


def test_a_jar_behind_an_absolute_link_is_found_after_the_move(app: Path, tmp_path: Path) -> None:
    """The link would lead to the build folder, which is gone in the dyno; build.json names the JAR itself."""
    fill(app, "pom.xml")
    jar(app, "out/real.jar")
    (app / "target").mkdir()
    (app / "target/f.jar").symlink_to(app / "out/real.jar")
    assert make_base(app)[0].base == "out/real.jar"
    assert read(app.rename(tmp_path / "moved")).base == "out/real.jar"


def test_no_jar_at_all_is_explained(app: Path) -> None:
    """The usual reason is a missing heroku/java."""
    fill(app, "pom.xml")
    text = refusal(app)
    assert "There is no JAR to deploy" in text
    assert "Looked in target and build/libs, which hold:\n  no JAR at all\n" in text
    assert "heroku/java or heroku/gradle before this buildpack" in text


@pytest.mark.parametrize(
    ("found", "shown", "suggested"),
    [
        (["module/target/f.jar"], ["module/target/f.jar"], "module/target/f.jar"),
        (["a/build/libs/a.jar", "b/build/libs/b-all.jar"], None, "b/build/libs/b-all.jar"),
        (
            ["m/target/f-sources.jar", "m/target/original-f.jar", "m/target/f.jar"],
            ["m/target/f.jar"],
            "m/target/f.jar",
        ),
        (["target/f.zip", "target/f.war"], ["target/f.zip", "target/f.war"], "target/f.zip"),
        (["build/libs/f.zip", "m/target/f.jar"], ["m/target/f.jar", "build/libs/f.zip"], "m/target/f.jar"),
    ],
)
def test_what_else_may_be_the_function_is_listed(
    app: Path, found: list[str], shown: list[str] | None, suggested: str
) -> None:
    """Modules leave their JARs elsewhere: the page names them, and the setting that takes one."""
    fill(app, "pom.xml")
    jar(app, *found, ".cache/target/x.jar")
    text = refusal(app)
    listed = "".join(f"  {name}\n" for name in shown or found)
    assert f"  no JAR at all\nThe build left as well:\n{listed}" in text
    assert f"`heroku config:set _LAMBDA_JAR_FILE={suggested}`" in text
    assert ("Lambda can't run a WAR." in text) == ("target/f.war" in found)
    assert "heroku/java" not in text
    assert make_base(app, jar_file=suggested)[0].base == suggested


def test_a_war_is_no_jar(app: Path) -> None:
    """Lambda can't run one, so nobody is told to name it."""
    fill(app, "pom.xml")
    jar(app, "target/f.war", "target/f-sources.jar")
    text = refusal(app)
    assert "which hold:\n  target/f-sources.jar\nThe build left as well:\n  target/f.war\n" in text
    assert "Lambda can't run a WAR: have the build make a JAR" in text
    assert "_LAMBDA_JAR_FILE" not in text


def test_a_damaged_jar_is_refused_when_it_is_built(app: Path) -> None:
    """Not months later, in a release phase; the page says which JAR it is."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar")
    (app / "target/a.jar").write_bytes((app / "target/a.jar").read_bytes()[:-30])
    text = refusal(app)
    assert "not a whole ZIP or JAR file" in text
    assert "\nThe artifact is target/a.jar. Reading it, " in text
    assert "_LAMBDA_JAR_FILE" not in text


def test_a_file_that_is_named_and_is_no_jar_is_refused_with_the_setting(app: Path) -> None:
    """It may be the setting that is wrong, not the build."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar")
    text = refusal(app, jar_file="pom.xml")
    assert "The artifact is not a whole ZIP or JAR file" in text
    assert "\nThe artifact is pom.xml, which _LAMBDA_JAR_FILE names. Reading it, " in text
    todo = (
        "If that is the wrong file, correct _LAMBDA_JAR_FILE, and push again. If not, build the app again: "
    )
    assert f"\n{todo}" in text


EXECUTABLE = (
    "is an executable JAR of Spring Boot, with the app in its BOOT-INF/, where Lambda's Java runtimes "
    "don't look.\n !     Deploy a JAR that holds the classes of the app and of its dependencies themselves: "
    "maven-shade-plugin makes one, or Gradle's shadow.\n"
)
NO_CLASS = (
    "holds no class, and no JAR in lib/: there is nothing for Lambda to run.\n"
    " !     Look at what the build puts into it, or name another file: "
    "`heroku config:set _LAMBDA_JAR_FILE=path/in/the/app.jar`.\n"
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["BOOT-INF/classes/a.class", "org/springframework/boot/loader/Launcher.class"], EXECUTABLE),
        (["META-INF/MANIFEST.MF", "a.txt"], NO_CLASS),
        (["other/a.jar"], NO_CLASS),
        (["example/Handler.class"], None),
        (["META-INF/MANIFEST.MF", "lib/a.jar"], None),
    ],
)
def test_a_jar_that_lambda_would_not_run_is_pointed_out(
    app: Path, names: list[str], expected: str | None
) -> None:
    """It is whole, so it is the base all the same; its owner learns of it before the function fails."""
    fill(app, "pom.xml")
    (app / "target").mkdir()
    for name in ("f.jar", "f.zip"):
        with zipfile.ZipFile(app / "target" / name, "w") as file:
            for entry in names:
                file.writestr(entry, "")
    shown = make_base(app)[1]
    notice = f" !     target/f.jar {expected}" if expected else ""
    first, _, rest = shown.partition("\n")
    assert first == "-----> Finding the JAR to deploy"
    assert rest.startswith(f"{notice}       target/f.jar: ")
    # A ZIP may be for any runtime.
    assert " !" not in make_base(app, jar_file="target/f.zip")[1]


def test_neither_java_nor_nodejs_is_an_error(app: Path) -> None:
    """bin/detect says so before; the command can be run by hand as well."""
    assert "neither a Java nor a Node.js app" in refusal(app)


# --- build.json ------------------------------------------------------------------------------------


def test_build_json_says_what_was_built(app: Path) -> None:
    """Kind, path, digest, sizes, and where it comes from; `read` gives back what `make` gave."""
    nodejs(app)
    base, shown = make_base(app, source_version="abc123", stack="heroku-24")
    content = json.loads((app / ".lambda-deploy/build.json").read_text())
    assert content == {
        "kind": "nodejs",
        "base": ".lambda-deploy/base.zip",
        "sha256": base.sha256,
        "size": (app / BASE_ZIP).stat().st_size,
        "unzipped_size": len(b"index.js\n{}"),
        "entries": 2,
        "compression": COMPRESSION,
        "buildpack_version": __version__,
        "source_version": "abc123",
        "stack": "heroku-24",
    }
    assert read(app) == base
    assert ".lambda-deploy/base.zip: " in shown


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "has not been built by the buildpack"),
        ("{", "another version"),
        ('{"kind": 1}', "another version"),
    ],
)
def test_a_slug_without_a_usable_build_json_is_explained(
    app: Path, content: str | None, expected: str
) -> None:
    """The runtime may be run where nothing was built, or where an older buildpack built."""
    if content is not None:
        fill(app, ".lambda-deploy/build.json")
        (app / ".lambda-deploy/build.json").write_text(content)
    with pytest.raises(InputError, match=expected):
        read(app)


def test_what_is_left_out_may_have_any_name(app: Path) -> None:
    """The advice for a name that is no UTF-8, to name it in .lambdaignore, works."""
    nodejs(app)
    for name in (b"caf\xe9.txt", b"caf\xe9s/a"):
        path = Path(os.fsdecode(os.path.join(os.fsencode(app), name)))  # noqa: PTH118
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert "is not valid UTF-8" in refusal(app)
    (app / ".lambdaignore").write_text("caf*\n")
    make_base(app)
    assert not [name for name in entries(app) if name.startswith("caf")]


def test_a_full_disk_is_told_with_the_base(app: Path) -> None:
    """Writing fails, not reading; what there was of it goes away."""
    nodejs(app)
    fill(app, "noise.bin")
    (app / "noise.bin").write_bytes(os.urandom(100_000))
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
        with pytest.raises(DeployError, match=r"^\.lambda-deploy/base\.zip: File too large\.$"):
            make_base(app)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert list((app / ".lambda-deploy").iterdir()) == []


def test_a_full_disk_is_told_with_build_json(app: Path) -> None:
    """It is the last that is written; without it nothing is deployed, and no half of it stays."""
    fill(app, "pom.xml")
    jar(app, "target/a.jar")
    make_base(app)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, old[1]))
        with pytest.raises(DeployError, match=r"^\.lambda-deploy/build\.json: File too large\.$") as caught:
            make_base(app)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert caught.value.exit_code == 1
    assert "See that the disk has room" in caught.value.todo
    assert list((app / ".lambda-deploy").iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_folder_that_can_not_be_made_is_told(
    app: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A full disk, a permission that is missing, and a disk that is not written to."""

    def refuse(path: Path, **_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    nodejs(app)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DeployError) as caught:
        make_base(app)
    assert caught.value.exit_code == 1
    assert caught.value.what == f".lambda-deploy: {os.strerror(number)}."
    assert "See that the disk has room and that the build may write there" in caught.value.todo


@pytest.mark.parametrize(
    ("thing", "path", "expected"),
    [
        ("file", ".lambda-deploy", ".lambda-deploy: File exists."),
        ("dangling link", ".lambda-deploy", ".lambda-deploy: File exists."),
        ("folder", ".lambda-deploy/build.json", ".lambda-deploy/build.json: Is a directory."),
        ("folder", ".lambda-deploy/base.zip", ".lambda-deploy/base.zip: Is a directory."),
    ],
)
def test_what_lies_in_the_place_of_the_build_is_told(app: Path, thing: str, path: str, expected: str) -> None:
    """The app brings it along, so its owner has to remove it."""
    nodejs(app)
    (app / path).parent.mkdir(exist_ok=True)
    if thing == "folder":
        (app / path).mkdir()
    elif thing == "file":
        (app / path).touch()
    else:
        (app / path).symlink_to("nowhere")
    text = refusal(app)
    assert text.startswith(f"{expected}\n")
    assert f"Remove {path} from the app, and push again." in text


def test_a_build_that_fails_leaves_nothing_of_the_one_before(app: Path) -> None:
    """What is deployed is the last build, or nothing."""
    nodejs(app)
    make_base(app)
    os.mkfifo(app / "pipe")
    assert "pipe is neither a file" in refusal(app)
    with pytest.raises(InputError, match="has not been built"):
        read(app)


def test_a_build_json_that_leads_out_of_the_slug_is_refused(app: Path) -> None:
    """What is deployed lies in the slug."""
    nodejs(app)
    make_base(app)
    build_file = app / ".lambda-deploy/build.json"
    content = json.loads(build_file.read_text())
    build_file.write_text(json.dumps({**content, "base": "../elsewhere.zip"}))
    (app / "../elsewhere.zip").write_bytes((app / BASE_ZIP).read_bytes())
    with pytest.raises(InputError, match="is not what the buildpack writes"):
        read(app)


def test_deep_folders_and_marks_at_the_start_of_files_do_not_matter(app: Path) -> None:
    """A thousand folders deep, and the byte order mark that editors on Windows write."""
    nodejs(app)
    (app / "package.json").write_bytes(b"\xef\xbb\xbf{}")
    (app / ".lambdaignore").write_bytes(b"\xef\xbb\xbfsecret.txt\n")
    fill(app, "secret.txt", "/".join("d" * 900) + "/deep.js")
    make_base(app)
    names = list(entries(app))
    assert "secret.txt" not in names
    assert any(name.endswith("/deep.js") for name in names)


def test_the_command_makes_the_base_and_reports_errors_with_status_2(app: Path) -> None:
    """bin/compile runs `deploy base`, shows what it prints, and stops when it fails."""
    failed = deploy(app, "base", app)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith(" !     There is neither a Java nor a Node.js app here.")
    nodejs(app)
    made = deploy(app, "base", app)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("-----> Making the base ZIP\n       .lambda-deploy/base.zip: ")
