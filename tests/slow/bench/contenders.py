"""The ways to do the work, each as one command in a clean environment.

A contender's scratch folder is its TMPDIR and all that it may write to; it is empty at the start.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.inputs import App
from bench.measuring import Command
from bench.server import ACCESS_KEY, REGION, SECRET_KEY, Server
from simulated import BUILDPACK

OURS = "ours"
ORIGINAL = "the original's way"
PATH = "/usr/local/bin:/usr/bin:/bin"

_WAYS = Path(__file__).resolve().parent / "ways"
# What pip may need to reach its package index.
_NETWORK = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Job:
    """A deploy that is to be done: of what, to which function, with which config, over which line."""

    app: App
    slug: Path
    server: Server
    function: str
    config: Mapping[str, str]
    bucket: str | None = None
    line: str = ""  # where the server is found, if not at its own address

    @property
    def url(self) -> str:
        """Return where AWS is."""
        return self.line or self.server.url


Deploy = Callable[[Job, Path], Command]


def ours(*arguments: str) -> Deploy:
    """Return how to run `deploy ARGUMENTS` in the slug."""

    def deploy(job: Job, scratch: Path) -> Command:
        settings = {
            "_LAMBDA_FUNCTION_ARN": job.function,
            "_AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "_AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "_AWS_DEFAULT_REGION": REGION,
            "_AWS_ENDPOINT_URL": job.url,
            **({"_LAMBDA_S3_BUCKET": job.bucket} if job.bucket else {}),
        }
        return _run_slug(job.slug, scratch, {**job.config, **settings}, *arguments)

    return deploy


def directly(deploy: Deploy) -> Deploy:
    """Return how to do it without the bucket."""
    return lambda job, scratch: deploy(replace(job, bucket=None), scratch)


def original(programs: Path) -> Deploy:
    """Return how the original deployed, with the AWS CLI in `programs`."""

    def deploy(job: Job, scratch: Path) -> Command:
        environment = {
            **_of_other_ways(job, scratch, str(programs)),
            "_BUCKET": job.bucket or "",
            "AWS_ENDPOINT_URL": job.url,
        }
        return Command((str(_WAYS / "original.sh"),), scratch, environment)

    return deploy


def lambroll(program: str) -> Deploy:
    """Return how to deploy with lambroll."""

    def deploy(job: Job, scratch: Path) -> Command:
        environment = {
            **_of_other_ways(job, scratch, str(Path(program).parent)),
            "_ROLE": job.server.role,
            "_RUNTIME": job.app.runtime,
            "_URL": job.url,
        }
        return Command((str(_WAYS / "lambroll.sh"),), scratch, environment)

    return deploy


def write_package(slug: Path, config: Mapping[str, str], scratch: Path) -> Command:
    """Make the package as our deploy does."""
    return _run_slug(slug, scratch, config, "package", "-o", str(scratch / "package.zip"))


def append_to_zip(base: Path, config: Mapping[str, str], scratch: Path) -> Command:
    """Copy a base and append the config with zip."""
    script = f'cp -- "$0" package.zip; {_WRITE_CONFIG}; zip -q package.zip env.properties'
    return Command(("bash", "-ec", script, str(base)), scratch, {**_plain(scratch), **config})


def update_jar(jar: Path, config: Mapping[str, str], scratch: Path) -> Command:
    """Copy a JAR and put the config into it with jar."""
    script = f'cp -- "$0" package.jar; {_WRITE_CONFIG}; jar uf package.jar env.properties'
    return Command(("bash", "-ec", script, str(jar)), scratch, {**_plain(scratch), **config})


def compile_app(build: Path, cache: Path, scratch: Path) -> Command:
    """Compile an app with the buildpack, as a platform does."""
    environment = {
        **{name: value for name, value in os.environ.items() if name.upper().startswith(_NETWORK)},
        **_plain(scratch),
        "STACK": "heroku-24",
        "SOURCE_VERSION": "0123456789abcdef0123456789abcdef01234567",
    }
    words = (str(BUILDPACK / "bin" / "compile"), str(build), str(cache), str(scratch))
    return Command(words, scratch, environment)


def make_base(slug: Path, cache: Path, scratch: Path) -> Command:
    """Make the base alone, as bin/compile does."""
    words = (str(_WAYS / "make-base.sh"), str(BUILDPACK), str(cache), str(slug))
    return Command(words, scratch, _plain(scratch))


def zip_folder(folder: Path, scratch: Path) -> Command:
    """Zip a folder with zip."""
    return Command(("zip", "-q", "-r", str(scratch / "base.zip"), "."), folder, _plain(scratch))


def zip_by_python(python: Path, folder: Path, scratch: Path) -> Command:
    """Zip a folder with Python's zipfile."""
    words = (str(python), str(_WAYS / "zip_folder.py"), str(folder), str(scratch / "base.zip"))
    return Command(words, scratch, _plain(scratch))


def start_python(python: Path, scratch: Path) -> Command:
    """Start Python and have it do nothing."""
    return Command((str(python), "-c", "pass"), scratch, _plain(scratch))


_WRITE_CONFIG = "env | grep ^CONFIG_ >env.properties"


def _run_slug(slug: Path, scratch: Path, environment: Mapping[str, str], *arguments: str) -> Command:
    words = (str(slug / ".lambda-deploy" / "bin" / "deploy"), *arguments)
    dyno = {**_plain(scratch), "HOME": str(slug), "DYNO": "run.1234", "PORT": "5000"}
    return Command(words, slug, {**dyno, **environment})


def _of_other_ways(job: Job, scratch: Path, programs: str) -> dict[str, str]:
    return {
        **_plain(scratch),
        "PATH": f"{programs}:{_path()}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        **job.config,
        "_APP": str(job.app.folder),
        "_JAR": str(job.app.jar or ""),
        "_SCRATCH": str(scratch),
        "_FUNCTION": job.function,
    }


def _plain(scratch: Path) -> dict[str, str]:
    # The home has neither an AWS profile nor a cache of pip's.
    return {"PATH": _path(), "HOME": str(scratch), "TMPDIR": str(scratch), "LANG": "C.UTF-8"}


def _path() -> str:
    """Return where programs are: the system's, and a JDK that is elsewhere."""
    jar = shutil.which("jar")
    return f"{PATH}:{Path(jar).parent}" if jar else PATH
