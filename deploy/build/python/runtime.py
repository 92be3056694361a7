"""The Python that a function runs on: what pip has to know to install for it on another machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_RUNTIME = "python3.13"
DEFAULT_ARCHITECTURE = "x86_64"

# The minor versions of glibc 2: Amazon Linux 2 has 2.26; Amazon Linux 2023, from python3.12 on, has 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
LAST_ON_AMAZON_LINUX_2 = 11
GLIBC_OF_AMAZON_LINUX_2 = 26
GLIBC_OF_AMAZON_LINUX_2023 = 34

# The first minor version of glibc 2 that wheels are made for, by the architecture's name on Linux, and the
# older names of such wheels:
# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
FIRST_GLIBC = {"x86_64": 5, "aarch64": 17}
OLDER_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True)
class LambdaPython:
    """A Python runtime of Lambda's, such as python3.13, on an architecture of Lambda's."""

    runtime: str
    architecture: str

    def __str__(self) -> str:
        """Describe it for people."""
        return f"{self.runtime} on {self.architecture}"

    @property
    def version(self) -> str:
        """The version of Python, such as 3.13."""
        return self.runtime.removeprefix("python")

    @property
    def machine(self) -> str:
        """The architecture's name on Linux."""
        return "aarch64" if self.architecture == "arm64" else self.architecture

    @property
    def platforms(self) -> Iterator[str]:
        """The platforms whose wheels run there, the best first. pip does not know which include others."""
        minor = int(self.version.split(".")[1])
        glibc = GLIBC_OF_AMAZON_LINUX_2 if minor <= LAST_ON_AMAZON_LINUX_2 else GLIBC_OF_AMAZON_LINUX_2023
        for number in range(glibc, FIRST_GLIBC[self.machine] - 1, -1):
            yield f"manylinux_2_{number}_{self.machine}"
            if number in OLDER_NAMES:
                yield f"{OLDER_NAMES[number]}_{self.machine}"

    @property
    def pip_options(self) -> list[str]:
        """The options that make pip choose wheels for it."""
        abi = f"cp{self.version.replace('.', '')}"
        options = ["--implementation", "cp", "--python-version", self.version]
        for name in (abi, "abi3", "none"):
            options += ["--abi", name]
        for platform in self.platforms:
            options += ["--platform", platform]
        return options

    @property
    def markers(self) -> dict[str, str]:
        """The environment markers there, https://peps.python.org/pep-0508/#environment-markers.

        The patch version is not known, so it is 0, as pip and uv assume it of a version without one.
        """
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.version}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.version}.0",
            "python_version": self.version,
            "sys_platform": "linux",
        }
