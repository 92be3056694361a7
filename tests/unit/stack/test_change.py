"""What a change set changes: what AWS leaves open is decided by what it refers to."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.stack.change import HARMLESS, destructive, read_changes

KINDS = st.sampled_from(["AWS::Lambda::Function", "AWS::SQS::Queue", *HARMLESS])


def modified(name: str, replacement: str, *details: dict[str, Any], kind: str = "AWS::SQS::Queue") -> Any:
    return {
        "Action": "Modify",
        "LogicalResourceId": name,
        "ResourceType": kind,
        "Replacement": replacement,
        "Details": details,
    }


def cause(source: str, entity: str = "", recreation: str = "Always") -> dict[str, Any]:
    return {
        "Target": {"Attribute": "Properties", "Name": "Name", "RequiresRecreation": recreation},
        "ChangeSource": source,
        "CausingEntity": entity,
    }


def actions(*given: Any) -> dict[str, tuple[str, bool]]:
    return {each.name: (each.action, each.is_certain) for each in read_changes(given)}


def test_a_conditional_replacement_is_as_good_as_its_cause() -> None:
    """A name and an ARN stay with their resource; any other attribute may change with it."""
    stays = modified("Stays", "False")
    for detail, action in (
        (cause("ResourceReference", "Stays"), "change"),
        (cause("ResourceAttribute", "Stays.Arn"), "change"),
        (cause("ResourceAttribute", "Stays.Version"), "replace"),
        (cause("ResourceReference", "Added"), "replace"),
        (cause("ParameterReference", "Stays"), "replace"),
        (cause("DirectModification", recreation="Conditionally"), "replace"),
    ):
        assert actions(stays, modified("Open", "Conditional", detail))["Open"] == (
            action,
            action != "replace",
        )


def test_a_replacement_goes_on_through_what_refers_to_it() -> None:
    """However long the chain is, and whatever the order of the change set."""
    chain = [
        modified(f"R{number}", "Conditional", cause("ResourceReference", f"R{number - 1}"))
        for number in range(9, 0, -1)
    ]
    assert {each[0] for each in actions(*chain, modified("R0", "False")).values()} == {"change"}
    replaced = actions(*chain, modified("R0", "True", cause("DirectModification")))
    assert set(replaced.values()) == {("replace", False), ("replace", True)}


def test_what_aws_can_not_tell_may_be_a_replacement() -> None:
    """An action of a kind that is not known is no reason to think it harmless."""
    given = {"Action": "Dynamic", "LogicalResourceId": "Nested", "ResourceType": "AWS::SQS::Queue"}
    assert actions(given) == {"Nested": ("replace", False)}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Add", "Modify", "Remove"]),
            st.sampled_from(["True", "False"]),
            KINDS,
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_nothing_is_lost_unseen(given: list[tuple[str, str, str, bool]]) -> None:
    """Each change is shown once; what is replaced or removed is destructive, unless it holds nothing."""
    change_set = [
        {**modified(f"R{number}", replacement, kind=kind), "Action": action}
        | ({"PolicyAction": "Retain"} if kept else {})
        for number, (action, replacement, kind, kept) in enumerate(given)
    ]
    changes = read_changes(change_set)
    assert sorted(change.name for change in changes) == [f"R{number}" for number in range(len(given))]
    lost = {
        f"R{number}"
        for number, (action, replacement, kind, _) in enumerate(given)
        if kind not in HARMLESS and (action == "Remove" or (action, replacement) == ("Modify", "True"))
    }
    assert {change.name for change in destructive(changes)} == lost
    assert [change.is_destructive for change in changes] == sorted(
        change.is_destructive for change in changes
    )


def test_a_removal_says_what_is_lost() -> None:
    """Not what a replacement would mean; a version that is kept goes with its function."""
    removed = [
        {"Action": "Remove", "LogicalResourceId": name, "ResourceType": kind, "PolicyAction": policy}
        for name, kind, policy in (
            ("Function", "AWS::Lambda::Function", "Delete"),
            ("Logs", "AWS::Logs::LogGroup", "Delete"),
            ("Version", "AWS::Lambda::Version", "Retain"),
        )
    ]
    function, logs, version = read_changes(removed)
    assert "placeholder" not in function.meaning
    assert "routes and clients that call it fail" in function.meaning
    assert "logs in the log group are deleted" in logs.meaning
    assert str(version).endswith("which AWS keeps as long as its function is there")
