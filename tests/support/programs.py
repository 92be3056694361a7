"""The beginnings of compiled programs."""

X86_64, ARM64 = 62, 183


def elf(machine: int = X86_64) -> bytes:
    """Make the header of a little-endian 64-bit program for Linux on a processor, by its number in elf.h."""
    return b"\x7fELF\2\1\1" + bytes(9) + b"\2\0" + machine.to_bytes(2, "little") + bytes(44)
