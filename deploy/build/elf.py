"""Programs for Linux, whose format is ELF: what the first bytes of a file say about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact.kind import BOOTSTRAP

if TYPE_CHECKING:
    from deploy.output import Report

# What programs of other systems begin with: Mach-O of 64 and 32 bits, in both orders of bytes, and PE.
FOREIGN = {
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xce\xfa\xed\xfe": "macOS",
    b"\xfe\xed\xfa\xcf": "macOS",
    b"\xfe\xed\xfa\xce": "macOS",
    b"MZ": "Windows",
}
HEAD = 64  # bytes of a file's beginning that show what it is

# e_machine of an ELF file, as in elf.h, by Lambda's names.
MACHINES = {62: "x86_64", 183: "arm64"}


def is_binary(head: bytes) -> bool:
    """Whether a file is a compiled program for Linux."""
    return head.startswith(b"\x7fELF")


def foreign_system(head: bytes) -> str | None:
    """Return the system, other than Linux, that a file is a program for; None if it is no such program."""
    return next((system for start, system in FOREIGN.items() if head.startswith(start)), None)


def is_script(head: bytes) -> bool:
    """Whether a file is a script that Linux can start."""
    return head.startswith(b"#!")


def architecture_of(head: bytes) -> str | None:
    """Return the architecture that a compiled program runs on; None if any will do, or Lambda has none."""
    if not is_binary(head) or head[5:6] != b"\1":  # little-endian, as both are
        return None
    return MACHINES.get(int.from_bytes(head[18:20], "little"))


def note_bootstrap(head: bytes, output: Report, *, is_executable: bool) -> None:
    """Point out a `bootstrap` that Lambda could not start."""
    if is_binary(head) and architecture_of(head) is None:
        what = "is a program for a processor that Lambda does not have"
        todo = "Build it for x86-64 or ARM64 Linux."
    elif not is_binary(head) and not is_script(head):
        what = "is neither a program for Linux nor a script that begins with #!"
        todo = "Build it for Linux (Go: GOOS=linux), or give the script a first line such as #!/bin/sh."
    elif not is_executable:
        what = "is not executable"
        todo = "Have the build give it the mode 0755."
    else:
        return
    output.notice(f"{BOOTSTRAP} {what}: an OS-only runtime (provided.al2023) can't start it.\n{todo}")
