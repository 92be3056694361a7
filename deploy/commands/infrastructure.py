"""`deploy infrastructure WHAT`: writes what is set up once, without AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.artifact import base as bases
from deploy.errors import DeployError, InputError
from deploy.files import replacing
from deploy.infrastructure.agreement import check_alias, notices
from deploy.infrastructure.cloudformation import template
from deploy.infrastructure.declaration import FILE
from deploy.infrastructure.defaults import defaults_of
from deploy.infrastructure.handlers import check_handlers
from deploy.infrastructure.openapi import parse_api
from deploy.infrastructure.pipeline import pipeline_template, role_template
from deploy.infrastructure.placeholder import placeholder_zip
from deploy.infrastructure.service import ApiSource, Service, default_service, parse_service, with_api
from deploy.infrastructure.terraform import configuration
from deploy.located import Place, Problems, shown
from deploy.target.arn import split_functions
from deploy.target.environment import FUNCTION, Target, read_targets
from deploy.target.source import read_env_file
from deploy.target.stage import read_stage
from deploy.text import printable

if TYPE_CHECKING:
    import argparse

    from deploy.artifact.base import Base
    from deploy.commands import Context

EXAMPLE = "infrastructure cloudformation > template.json"
LARGEST = 10 * 1024 * 1024  # bytes of a document
# Whose credentials they are does not matter for what is written, nor does the region.
NOBODY = {"_AWS_ACCESS_KEY_ID": "nobody", "_AWS_SECRET_ACCESS_KEY": "nobody"}
STAGES = ("Test", "Production")
REGION = {"_AWS_DEFAULT_REGION": "us-east-1"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is written, and where to."""
    actions = ("cloudformation", "terraform", "placeholder", "pipeline", "pipeline-role")
    parser.add_argument("action", choices=actions, help="what to write")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="placeholder: where to write the first package"
    )
    for stage in STAGES:
        parser.add_argument(
            f"--{stage.lower()}",
            metavar="FILE",
            type=Path,
            help=f"pipeline: the fleet's settings in the {stage.lower()} account, in a .env file",
        )
    parser.add_argument(
        "--file", metavar="PATH", default="fleet.json", help="pipeline: the fleet file in the repository"
    )
    parser.add_argument(
        "--payload-dir",
        metavar="PATH",
        default="",
        help="pipeline: a folder in the repository; the function NAME is verified with NAME.json in it",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Write it."""
    if (options.action == "placeholder") != (options.output is not None):
        raise InputError(
            f"{options.action} {'needs -o FILE' if options.output is None else 'has no option -o'}.",
            todo="`deploy infrastructure --help` shows what it takes.",
        )
    if options.action == "placeholder":
        return _write_placeholder(options.output, context)
    if options.action in {"pipeline", "pipeline-role"}:
        written = role_template() if options.action == "pipeline-role" else _pipeline(options)
        context.report.console.document(json.dumps(written, indent=2))
        return 0
    service, target = read_service(context)
    write = {"cloudformation": template, "terraform": configuration}[options.action]
    # YAML, too, has to be able to read a template, and it knows no pairs of escapes.
    context.report.console.document(json.dumps(write(service, target), indent=2, ensure_ascii=False))
    return 0


def _pipeline(options: argparse.Namespace) -> dict[str, Any]:
    files: dict[str, Path | None] = {stage: getattr(options, stage.lower()) for stage in STAGES}
    if missing := [f"--{stage.lower()}" for stage, path in files.items() if path is None]:
        raise InputError(
            f"pipeline needs {' and '.join(missing)}.",
            todo="Name a .env file with the fleet's settings in that account: _LAMBDA_FLEET_PREFIX, "
            "_LAMBDA_ALIAS, _AWS_DEFAULT_REGION, and _LAMBDA_SOURCE_ROLE_ARN for promotions.",
        )
    stages = [
        read_stage(stage, read_env_file(path, {}), options.file, options.payload_dir)
        for stage, path in files.items()
        if path
    ]
    return pipeline_template(stages)


def read_service(context: Context) -> tuple[Service, Target]:
    """Return the app's service, and a target with the deployer's settings.

    Raise InputError with all that is wrong in the document that is read first.
    """
    given = {name: value for name, value in context.variables.items() if value}
    names = split_functions(given.get(FUNCTION, ""))
    region = {} if any(name.startswith("arn:") for name in names) else REGION
    targets = read_targets({**NOBODY, **region, FUNCTION: "any", **given}, context.slug)
    base = _read_base(context.slug)
    defaults = defaults_of(targets[0], [each.function.name for each in targets] if names else [], base)
    path = context.slug / FILE
    service = parse_service(_read(path), FILE, defaults) if path.exists() else default_service(defaults)
    check_alias(service, defaults.alias, defaults.names)
    for notice in notices(service, defaults.alias, defaults.names):
        context.report.notice(notice)
    if base is not None:
        check_handlers(service.functions, context.slug, base)
    if source := service.api_source:
        definition = _read(_find_definition(source, context.slug))
        service = with_api(service, parse_api(definition, source.path, service))
    return service, targets[0]


def _find_definition(source: ApiSource, app: Path) -> Path:
    """Return where the API's definition is; raise InputError if that is not a file in the app."""
    path, root = app / source.path, app.resolve()
    wrong = ""
    try:
        if Path(source.path).is_absolute() or not path.resolve().is_relative_to(root):
            wrong = "is outside of the app"
        elif not path.exists():
            wrong = "is not there"
        elif not path.is_file():
            wrong = "is not a regular file"
    except (OSError, RuntimeError, ValueError):  # a circle of links, or a name that no file can have
        wrong = "can't be read"
    if wrong:
        place = source.place or Place(1, 1)
        Problems(FILE).refuse(place, f"the API's definition {shown(source.path)} {wrong}")
    return path


def _read_base(app: Path) -> Base | None:
    """Return the base; None if nothing has been built."""
    return bases.read(app) if (app / bases.BUILD_FILE).exists() else None


def _read(path: Path) -> bytes:
    name = printable(path.name)
    try:
        if not path.is_file():
            raise InputError(f"{name} is not a regular file.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{name} can't be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise InputError(f"{name} is larger than 10 MiB, which is more than API Gateway imports.")
    return content


def _write_placeholder(path: Path, context: Context) -> int:
    shown_path = printable(str(path))
    try:
        with replacing(path, 0o644) as file:
            file.write(placeholder_zip())
    except OSError as error:
        raise DeployError(f"The package can't be written to {shown_path}: {error.strerror}.") from None
    context.report.step(f"Wrote {shown_path}, the package that functions have until the first deploy")
    context.report.document({"file": str(path)})
    return 0
