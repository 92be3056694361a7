"""`deploy stack plan|apply`: brings a CloudFormation stack to a template, and shows what that changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.commands.infrastructure import read_service
from deploy.commands.plan import SOMETHING_TO_DO
from deploy.infrastructure.cloudformation import template
from deploy.stack.apply import check_changes, execute
from deploy.stack.document import Document, read_parameters, read_template
from deploy.stack.plan import planned
from deploy.target.stack import read_stack

if TYPE_CHECKING:
    import argparse

    from deploy.commands import Context
    from deploy.output import Report
    from deploy.stack.apply import Applied
    from deploy.stack.plan import StackPlan


EXAMPLE = "stack plan"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is done, the template, and what may be lost."""
    parser.add_argument("action", choices=("plan", "apply"), help="what to do")
    parser.add_argument(
        "--template",
        metavar="FILE",
        type=Path,
        help="a template in JSON; by default that of `deploy infrastructure cloudformation`",
    )
    parser.add_argument(
        "--parameters",
        metavar="FILE",
        type=Path,
        help="a JSON object with values of the template's parameters; others keep theirs",
    )
    parser.add_argument(
        "--allow-replacement", action="store_true", help="apply: replace and remove resources if need be"
    )
    parser.add_argument(
        "--exit-code", action="store_true", help=f"plan: exit with {SOMETHING_TO_DO} if there are changes"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Plan or apply."""
    report, cancellation = context.report, context.cancellation
    document, name = _read_document(options, context)
    # What is among a target's variables is in no message.
    target = replace(read_stack(context.variables, name), variables=document.secrets)
    with planned(target, document, report, cancellation) as plan:
        _show(plan, report, is_plan=options.action == "plan")
        if options.action == "plan":
            report.document(_document(plan))
            return SOMETHING_TO_DO if plan.changes and options.exit_code else 0
        if not options.allow_replacement:
            check_changes(plan)
        applied = execute(plan, target, report, cancellation) if plan.changes else None
    outputs = applied.outputs if applied else plan.state.outputs if plan.state else {}
    if applied:
        report.step(f"{plan.stack.name} is {applied.status}")
    for key, value in outputs.items():
        report.detail(f"{key}: {value}")
    report.document({**_document(plan, applied), "outputs": dict(outputs)})
    return 0


def _read_document(options: argparse.Namespace, context: Context) -> tuple[Document, str]:
    """Return what the stack is brought to, and what it may be called; empty if that is not obvious."""
    parameters = read_parameters(options.parameters) if options.parameters else {}
    if options.template:
        return Document(read_template(options.template), parameters), ""
    service, target = read_service(context)
    names = [function.name for function in service.functions]
    return Document(template(service, target), parameters), names[0] if len(names) == 1 else ""


def _show(plan: StackPlan, report: Report, *, is_plan: bool) -> None:
    name = plan.stack.name
    would = "would " if is_plan else ""
    if not plan.changes:
        report.step(f"Nothing to do: {name} is as the template says")
        return
    verb = (
        ("be created" if is_plan else "is created") if plan.is_new else ("change" if is_plan else "changes")
    )
    report.step(f"The stack {name} {would}{verb}")
    for change in plan.changes:
        report.detail(str(change))
    if is_plan and (meanings := dict.fromkeys(change.meaning for change in plan.changes if change.meaning)):
        report.notice("\n".join(meanings))


def _document(plan: StackPlan, applied: Applied | None = None) -> dict[str, object]:
    status = applied.status if applied else plan.state.status if plan.state else None
    return {
        "stack": plan.stack.name,
        "exists": not plan.is_new or applied is not None,
        "status": status,
        "changed": bool(plan.changes),
        "changes": [change.to_dict() for change in plan.changes],
    }
