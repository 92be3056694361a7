"""The base of a Node.js app: what goes into it; and what the build of any app leaves."""

import errno
import json
import os
import resource
import signal
import stat
import zipfile
from pathlib import Path

import pytest

from bases import fill, jar, make_base, refusal
from command import deploy
from deploy import __version__
from deploy.artifact.base import BASE_ZIP, read
from deploy.build.zip.compression import COMPRESSION
from deploy.errors import DeployError, InputError


def entries(app: Path) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        assert file.testzip() is None
        return {info.filename: info for info in file.infolist()}


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


def test_an_app_of_no_known_kind_is_an_error(app: Path) -> None:
    """bin/detect says so before; the command can be run by hand as well."""
    text = refusal(app)
    assert text.startswith("There is no Java, Node.js or Python app here, and no artifact is named.\n")
    assert "write its path into .lambda-artifact" in text


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
        "runtime": None,
        "architecture": None,
        "version": None,
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
        ("dangling link", ".lambda-deploy", ".lambda-deploy is a symbolic link."),
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


def test_a_build_with_a_wrong_setting_changes_nothing(app: Path) -> None:
    """The base of the last build can still be deployed: build.json and what it names stay together."""
    nodejs(app)
    make_base(app)
    before = {path.name: path.read_bytes() for path in (app / ".lambda-deploy").iterdir()}
    failed = deploy(app, "build", app, env={"_LAMBDA_ARCHITECTURE": "aarch64"})
    assert failed.returncode == 2
    assert {path.name: path.read_bytes() for path in (app / ".lambda-deploy").iterdir()} == before
    assert sorted(before) == ["base.zip", "build.json"]


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
    """bin/compile runs `deploy build`, shows what it prints, and stops when it fails."""
    failed = deploy(app, "build", app)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith(" !     There is no Java, Node.js or Python app here")
    nodejs(app)
    made = deploy(app, "build", app)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("-----> Making the base ZIP\n       .lambda-deploy/base.zip: ")
