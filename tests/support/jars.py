"""Class files by their constants, and JARs of them with and without their libraries."""

import struct

from zips import zip_of


def class_file(*used: str) -> bytes:
    """Make the beginning of a class file, with the names of these classes among its constants."""
    constants = [struct.pack(">BQ", 5, 2**40), struct.pack(">BHH", 10, 1, 1)]
    for name in used:
        index = len(constants) + 3  # a long takes two places, and counting begins with 1
        text = name.encode()
        constants += [struct.pack(">BH", 7, index), struct.pack(">BH", 1, len(text)) + text]
    return struct.pack(">L3H", 0xCAFEBABE, 0, 61, len(constants) + 2) + b"".join(constants)


HANDLER = class_file(
    "com/example/Handler", "java/lang/Object", "com/google/gson/Gson", "[[Ljava/lang/String;"
)
THIN = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n", "com/example/Handler.class": HANDLER}
GSON = {
    "com/google/gson/Gson.class": class_file("com/google/gson/Gson", "sun/misc/Unsafe", "absent/Optional")
}
WHOLE = {**THIN, **GSON}
LIBRARY = {"lib/gson-2.11.0.jar": zip_of(GSON)}
