"""A base whose bytes must never change."""

import random
from pathlib import Path

from deploy.build.zip.compression import SourceFile

# The SHA-256 of a base made from `corpus`. If another version or level of the compression library changes
# it, every app is a new version of its function once: only ever change it together with the lock file.
GOLDEN = "9847ed89c5d245c9c9e4d5114d667d6e69246d918cf1e3f33305d8efd28cfe97"


def corpus(folder: Path) -> list[SourceFile]:
    """Make files of many sizes, from what compresses well to what does not, the same each time."""
    generator = random.Random(2026)  # noqa: S311 - reproducible
    words = ["".join(generator.choices("etaoinshrdlu", k=generator.randint(2, 9))) for _ in range(400)]
    files = []
    for number in range(60):
        length = int(1.25**number)
        text = " ".join(generator.choices(words, k=length // 5 + 1)).encode()
        noise = generator.randbytes(length % 5000)
        path = folder / f"{number}"
        path.write_bytes((text + noise * (number % 3) + text)[: 2 * length])
        files.append(SourceFile(f"folder/{number}.js", str(path), size=path.stat().st_size))
    return files
