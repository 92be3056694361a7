"""Copies the interpreter that runs this file, with what a deploy needs of its standard library.

interpreter.py identity | copy <folder> | check <folder> <runtime>, started with -I -S. The copy may be moved,
and runs where there is nothing but the libraries of a run image:

    <folder>/bin/python3                 the executable
    <folder>/lib/python3.X/              modules as bytecode, without their sources
    <folder>/lib/python3.X/lib-dynload/  modules in machine code
    <folder>/libraries/                  shared libraries that run images may lack; most often there are none
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STDLIB = Path(os.__file__).parent
STDLIB_IN_COPY = f"{sys.platlibdir}/{STDLIB.name}"
EXTENSIONS = "lib-dynload"

# Bulk that no deploy loads. What is small stays, whether it is needed or not: an error may need it.
FOLDERS = frozenset(
    """
    __phello__ __pycache__ _pyrepl asyncio curses dbm dist-packages distutils ensurepip idlelib lib-dynload
    lib2to3 msilib profiling pydoc_data site-packages sqlite3 test tkinter turtledemo unittest venv wsgiref
    xmlrpc
    """.split()
)
FOLDER_PREFIXES = ("config-",)
MODULES = frozenset(
    """
    __hello__ _aix_support _android_support _apple_support _ios_support _osx_support _pydecimal _pyio
    aifc antigravity bdb cProfile cgi cgitb chunk code codeop doctest imaplib imghdr mailbox mailcap nntplib
    nturl2path optparse pdb pickletools poplib profile pstats pyclbr pydoc rlcompleter smtpd smtplib sndhdr
    sunau tabnanny telnetlib this trace turtle uu wave webbrowser xdrlib
    """.split()
)
PARTS = re.compile(
    r"xml/(dom|sax)/|encodings/(?!cp437|cp1252)"
    r"(big5|cp\d|euc|gb|hp_|hz|iso2022|iso8859_([2-9]|1\d)|johab|koi8|kz|mac_|palmos|ptcp|shift_|tis_)"
)
# Of these, too, nothing is loaded; most need libraries that not every run image has.
EXTENSION_MODULES = re.compile(
    r"_asyncio|_codecs_(cn|hk|iso2022|jp|kr|tw)|_crypt|_ctypes_test|_curses(_panel)?|_dbm|_gdbm|_lsprof|_multibytecodec"
    r"|_remote_debugging|_sqlite3|_test\w*|_tkinter|_xx\w+|audioop|nis|ossaudiodev|readline|spwd|xx\w+"
)

# The libraries of every run image: those of libc6, and of libexpat1, libffi8, libssl3, zlib1g, libbz2-1.0,
# liblzma5, libuuid1 and libzstd1.
LIBRARIES = re.compile(
    r"(linux-vdso|ld-linux.*|ld64|libanl|libc|libdl|libm|libmvec|libpthread|libresolv|librt|libutil"
    r"|libexpat|libffi|libssl|libcrypto|libz|libbz2|liblzma|libuuid|libzstd|libgcc_s)\.so(\.|$)"
    r"|ld-\d[\d.]*\.so|lib(c|dl|m|pthread|rt|util)-\d[\d.]*\.so"
)

# What is loaded late: by errors, by names in other scripts, by large numbers, by another process.
LATE = """
ctypes decimal email.message encodings.ascii encodings.idna encodings.latin_1 encodings.unicode_escape
encodings.utf_8 getpass hashlib hmac http.client importlib.resources inspect json linecache logging
mmap multiprocessing.managers resource select socket ssl stringprep subprocess tempfile traceback
unicodedata urllib.request uuid xml.etree.ElementTree zipfile zlib
""".split()


def identity() -> None:
    """Print a sum of all that a copy would hold: an update of the image changes it."""
    total = hashlib.sha256()
    for path, name in [(Path(os.path.realpath(sys.executable)), "bin/python3"), *_sources()]:
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    print(total.hexdigest())


def copy(target: str) -> None:
    """Make the copy in a folder that is not there yet."""
    import py_compile

    folder = Path(target)
    for path, name in [(Path(os.path.realpath(sys.executable)), "bin/python3"), *_sources()]:
        copied = folder / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".py":
            shutil.copyfile(path, copied)
            continue
        # Without documentation, and never compared with a source, which is not there.
        py_compile.compile(
            str(path),
            cfile=f"{copied}c",
            doraise=True,
            optimize=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    (folder / "bin/python3").chmod(0o755)
    # Python looks for this folder to find itself, even if every module is built in.
    (folder / STDLIB_IN_COPY / EXTENSIONS).mkdir(exist_ok=True)
    for extension in sorted((folder / STDLIB_IN_COPY / EXTENSIONS).iterdir()):
        try:
            importlib.import_module(extension.name.split(".")[0])
        except ImportError:  # it has never worked, in this image
            extension.unlink()
    for library in sorted(_mapped_files()):
        if not library.is_relative_to(STDLIB) and ".so" in library.name and not LIBRARIES.match(library.name):
            (folder / "libraries").mkdir(exist_ok=True)
            shutil.copyfile(library, folder / "libraries" / _soname(library))


def check(target: str, runtime: str) -> None:
    """Print the version, if the copy that runs this can load all that a deploy loads, from nowhere else."""
    import pkgutil

    folder, runtime = Path(target).resolve(), os.path.realpath(runtime)
    sys.path.append(runtime)
    package = importlib.import_module("deploy")
    names = [
        found.name
        for found in pkgutil.walk_packages(package.__path__, "deploy.")
        if not found.name.startswith("deploy.build") and not found.name.endswith(".__main__")
    ]
    for name in (*LATE, *names):
        importlib.import_module(name)
    for extension in sorted((folder / STDLIB_IN_COPY / EXTENSIONS).iterdir()):
        importlib.import_module(extension.name.split(".")[0])
    for library in _mapped_files():
        inside = library.is_relative_to(folder) or library.is_relative_to(runtime)
        if ".so" in library.name and not inside and not LIBRARIES.match(library.name):
            _stop(f"It needs {library}, which a run image may lack.")
    for name, module in sys.modules.items():
        origin = getattr(module, "__file__", None)
        known = origin in {None, __file__} or os.path.realpath(str(origin)).startswith(
            (f"{folder}/", f"{runtime}/")
        )
        if not known:
            _stop(f"It takes {name} from {origin}.")
    print("{}.{}.{}".format(*sys.version_info))


def _sources() -> Iterator[tuple[Path, str]]:
    """Find the files of the standard library to copy, and what they are called in the copy."""
    for parent, folders, files in os.walk(STDLIB):
        folders[:] = sorted(
            name for name in folders if name not in FOLDERS and not name.startswith(FOLDER_PREFIXES)
        )
        for name in sorted(files):
            path = Path(parent, name)
            module = str(path.relative_to(STDLIB))
            if name.endswith(".py") and module.removesuffix(".py") not in MODULES and not PARTS.match(module):
                yield path, f"{STDLIB_IN_COPY}/{module}"
    for path in sorted((STDLIB / EXTENSIONS).glob("*.so")):
        if not EXTENSION_MODULES.fullmatch(path.name.split(".")[0]):
            yield path, f"{STDLIB_IN_COPY}/{EXTENSIONS}/{path.name}"


def _mapped_files() -> set[Path]:
    """Return the files in this process's memory: the executable, its libraries and the modules."""
    # The path is all that follows the fifth field.
    lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return {Path(fields[5]) for line in lines if len(fields := line.split(maxsplit=5)) > 5}  # noqa: PLR2004


def _soname(library: Path) -> str:
    """Return the name that programs ask for: what is mapped may be libx.so.1.2.3 behind a link libx.so.1."""
    links = (each for each in library.parent.iterdir() if each.is_symlink() and each.resolve() == library)
    numbered = sorted((each.name for each in links if ".so." in each.name), key=len)
    return numbered[0] if numbered else library.name


def _stop(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(1)


COMMANDS: dict[str, Callable[..., None]] = {"identity": identity, "copy": copy, "check": check}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
