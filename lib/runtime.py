"""What bin/compile asks of a Python interpreter, and does with it: runtime.py <command> [<argument>...].

It is started with -I -S: a function that needs the installed packages calls site.main(). The interpreter may
be too old, which `check` finds out, so there is no syntax here that is newer than Python 3.5.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = "service-2.json.gz"
EXAMPLES = ("examples-1.json", "examples-1.json.gz")


# --- the interpreter ------------------------------------------------------------------------------


def executable() -> None:
    """Print the path of the interpreter that will still be there when the app runs.

    A version manager's shim and a virtual environment's link are there for the build only.
    """
    import site

    site.main()
    in_virtual_environment = sys.prefix != sys.base_prefix
    print(os.path.realpath(sys.executable) if in_virtual_environment else sys.executable)


def check() -> None:
    """Print the version. Raise ImportError if a module is missing that every deploy needs."""
    print("{}.{}.{}".format(*sys.version_info), flush=True)
    import ssl  # noqa: F401
    import zlib  # noqa: F401


def find_pip() -> None:
    """Print the arguments that start pip, one a line: the installed one, or else a wheel of ensurepip."""
    import site
    from pathlib import Path

    site.main()
    bundled = (Path(os.__file__).parent / "ensurepip/_bundled", Path("/usr/share/python-wheels"))
    for wheel in (None, *(wheel for folder in bundled for wheel in folder.glob("pip-*.whl"))):
        if wheel:
            sys.path.insert(0, str(wheel))
        try:
            import pip  # noqa: F401
        except Exception:  # noqa: BLE001, S112 - it may be broken in any way
            continue
        print(*([wheel / "pip"] if wheel else ["-m", "pip"]), sep="\n")
        break


def abi() -> None:
    """Print version, processor and C library, which decide about bytecode and wheels.

    They are like cpython-313-x86_64-linux-gnu. Odd builds have no such name.
    """
    print(_soabi() or "-".join((str(sys.implementation.cache_tag), os.uname().machine)))


def pip_options() -> None:
    """Print the options that make pip choose what this interpreter can load, one a line."""
    name, threads = sys.implementation.name, _free_threaded()
    libc = "musllinux_1_2_" if "musl" in _soabi() else "manylinux2014_"
    options = ["--python-version", _version(), "--platform", libc + _machine(), "--abi", "none"]
    if name == "cpython":
        options += ["--implementation", "cp", "--abi", "cp" + _version().replace(".", "") + threads]
        options += [] if threads else ["--abi", "abi3"]
    else:
        # No other can load what was made for CPython.
        options += ["--implementation", "pp" if name == "pypy" else name]
    print(*options, sep="\n")


def description() -> None:
    """Print the interpreter's name, version and processor for people."""
    name = {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name)
    print(name, _version() + _free_threaded(), "on", _machine())


def _version() -> str:
    return "{}.{}".format(*sys.version_info)


def _soabi() -> str:
    return str(_config_var("SOABI") or "")


def _free_threaded() -> str:
    return "t" if _config_var("Py_GIL_DISABLED") else ""


def _config_var(name: str) -> object:
    import sysconfig

    return sysconfig.get_config_var(name)


def _machine() -> str:
    """Return the processor. The kernel names the 64-bit one even if the interpreter has 32 bits."""
    machine = os.uname().machine
    if sys.maxsize < 2**32:
        machine = {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
    return machine


# --- botocore's data ------------------------------------------------------------------------------


def prune(folder: str, *services: str) -> None:
    """Cut botocore's data down to what a deploy loads: the newest model of each service, and its endpoints.

    The data of all services are three quarters of botocore, and most of what is left is documentation. The
    endpoints of all services take longer to read than the rest of a client. If a service has no data, print
    which, and exit with 1.
    """
    import shutil
    from pathlib import Path

    data = Path(folder)
    newest_versions = [_newest_version(data, service) for service in sorted(services)]
    for each in data.iterdir():
        if each.is_dir() and each.name not in services:
            shutil.rmtree(str(each))
    for newest in newest_versions:
        for version in newest.parent.iterdir():
            if version.is_dir() and version != newest:
                shutil.rmtree(str(version))
        for name in EXAMPLES:
            (newest / name).unlink(missing_ok=True)
        _rewrite(newest / MODEL, _without_documentation)
    _rewrite(data / "endpoints.json", lambda endpoints: _only(endpoints, services))


def _newest_version(data: "Path", service: str) -> "Path":
    """Return the folder of the newest version of a service's model."""
    folder, shown = data / service, 'service "' + service + '" in it.'
    if not folder.is_dir():
        _stop("There is no " + shown)
    versions = [version for version in folder.iterdir() if version.is_dir()]
    if not versions:
        _stop("There is no version of the " + shown)
    newest = max(versions)
    if not (newest / MODEL).is_file():
        _stop("There is no " + MODEL + " of the " + shown)
    return newest


def _stop(why: str) -> None:
    print(why)
    sys.exit(1)


def _rewrite(path: "Path", change: "Callable[[Any], Any]") -> None:
    """Change a file of JSON, compressed or not, to the same bytes each time."""
    import gzip
    import json

    packed = path.suffix == ".gz"
    content = path.read_bytes()
    content = gzip.decompress(content) if packed else content
    content = json.dumps(change(json.loads(content.decode())), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)


def _without_documentation(model: Any) -> Any:  # noqa: ANN401 - any JSON
    """Empty the texts. A member of a shape may have this name too, and is not a text."""
    if isinstance(model, dict):
        return {
            name: "" if name == "documentation" and isinstance(value, str) else _without_documentation(value)
            for name, value in model.items()
        }
    if isinstance(model, list):
        return [_without_documentation(value) for value in model]
    return model


def _only(endpoints: Any, services: "tuple[str, ...]") -> Any:  # noqa: ANN401 - any JSON
    """Leave out the endpoints of the other services, in each partition."""
    for partition in endpoints["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in known if name in services}
    return endpoints


COMMANDS = (executable, check, find_pip, abi, pip_options, description, prune)

if __name__ == "__main__":
    {command.__name__: command for command in COMMANDS}[sys.argv[1]](*sys.argv[2:])
