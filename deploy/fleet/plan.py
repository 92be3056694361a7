"""What each function of a fleet needs. It decides from values alone, and touches nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deploy.artifact.limits import BY_BUCKET, DIRECT_LIMIT
from deploy.aws.codes import UNKNOWN_VERSION
from deploy.errors import DeployError, InputError
from deploy.release.naming import called, is_called
from deploy.target.record import parse_record
from deploy.target.version import VersionName
from deploy.text import megabytes, printable

if TYPE_CHECKING:
    from deploy.aws.answers import Alias, Described
    from deploy.config.bake import Bake
    from deploy.fleet.definition import Wanted
    from deploy.release.running import Running
    from deploy.target.environment import Target
    from deploy.target.record import Record
    from deploy.target.settings import Settings

Action = Literal["nothing", "move", "promote"]


@dataclass(frozen=True)
class Origin:
    """The version in the lower account that is promoted; without a record it is copied unchanged.

    `files` are the config files that it was baked with, and that it is baked with here.
    """

    name: str
    version: str
    size: int
    record: Record | None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class FunctionPlan:
    """What brings the live alias of one function to the wanted version.

    `version` is that version's number here, None if the promotion publishes it; `baked` is the config that
    it gets. One that is here already keeps its own: `keeps_config` says that another one was given for it.
    `shift` is a shift of the live alias that is under way, `shifts` says that CodeDeploy will make one.
    """

    wanted: Wanted
    action: Action
    live: Alias | None
    version: str | None = None
    origin: Origin | None = None
    baked: Bake | None = field(default=None, repr=False)
    config_from: str = ""
    shift: Running | None = None
    shifts: bool = False
    is_verified: bool = False
    keeps_config: bool = False

    @property
    def before(self) -> str:
        """The version that is live."""
        return self.live.version if self.live else "-"

    @property
    def is_as_is(self) -> bool:
        """Whether a package is copied unchanged, whatever it carries."""
        return self.origin is not None and self.origin.record is None

    def __str__(self) -> str:
        kept = ", which keeps its config" if self.keeps_config else ""
        if self.action == "nothing":
            return f"nothing to do: {self.wanted.version.text} is live{kept}"
        if self.shift and self.shift.goal == self.version:
            return f"follow the shift to {self.wanted.version.text}, version {self.version} here"
        verified = ", verified" if self.is_verified else ", not verified"
        if self.action == "move":
            verb = "shift" if self.shifts else "move"
            return f"{verb} to {self.wanted.version.text}, version {self.version} here{kept}{verified}"
        return f"promote {self.wanted.version.text}{self._how()}{verified}"

    def _how(self) -> str:
        origin = self.origin
        if origin is None:
            return ""
        place = f", version {origin.version} of {origin.name} in the lower account, {megabytes(origin.size)}"
        if origin.record is None:
            return f"{place}, AS IT IS: it may carry config of the lower account"
        return f"{place}, with the config {self.config_from}"


def decide(
    wanted: Wanted, live: Alias | None, named: Alias | None, alias: str, shift: Running | None = None
) -> FunctionPlan | None:
    """Decide from the two aliases of a function, `alias` being the live one's name.

    A `shift` of it that is under way is followed, or waited for. Return None if the version is not in this
    account. Raise DeployError if it is not for a fleet to decide.
    """
    if wanted.version.alias == alias:
        raise InputError(
            f"The version {wanted.version.text} of {wanted.name} is called like the live alias, {alias}.",
            todo="Name a version in the fleet file, or another live alias in _LAMBDA_ALIAS.",
        )
    for each in (live, named):
        if each and each.weights and (shift is None or each is not live):
            raise _weighted(wanted.name, each)
    if named is None:
        return None
    if not is_called(named, wanted.version):
        raise _other_name(wanted.name, called(named), wanted.version)
    if not named.version.isdecimal():
        raise DeployError(
            f"The alias {named.name} of {wanted.name} points at {named.version}, which is no version.",
            todo="Point it at the published version that it names, or delete it.",
        )
    if live and live.version == named.version and shift is None:
        return FunctionPlan(wanted, "nothing", live, named.version)
    return FunctionPlan(wanted, "move", live, named.version, shift=shift)


def check_here(name: str, here: Described, *, takes_signed_code_only: bool) -> None:
    """Raise DeployError if nothing can be promoted to a function."""
    if here.package_type == "Image":
        raise _can_not(name, "it is a container image, and a promotion uploads a ZIP")
    if takes_signed_code_only:
        raise _can_not(
            name,
            "it takes signed code only, and a package with this account's config can't carry a signature",
            "Set its code signing configuration to warn, or remove it from the function.",
        )
    if here.withheld:
        raise _can_not(
            name,
            f"AWS keeps its package back: {here.withheld}",
            "Allow the deployer kms:Decrypt and kms:GenerateDataKey on the key that encrypts the package.",
        )


def check_origin(
    wanted: Wanted, source: Target, here: Described, origin: Described, *, as_is: bool
) -> Record | None:
    """Return the record of a version in the lower account; None if it is copied unchanged.

    Raise DeployError if it can't be promoted.
    """
    name = wanted.name
    there = f"version {origin.configuration.version} of {source.function.name}"
    if origin.package_type == "Image":
        raise _can_not(name, f"{there} is a container image")
    if origin.withheld:
        raise _can_not(
            name,
            f"AWS keeps the package of {there} back: {origin.withheld}",
            f"Allow the role {source.role.arn if source.role else ''} kms:Decrypt on the key that encrypts "
            "the package.",
        )
    for what, ours, theirs in (
        ("architecture", here.architecture, origin.architecture),
        ("runtime", here.runtime, origin.runtime),
    ):
        if ours != theirs:
            raise _can_not(
                name,
                f"{there} has the {what} {theirs}, and the function here has {ours}",
                f"Change the {what} of one of them first.",
            )
    record = parse_record(origin.configuration.description)
    version = wanted.version
    if record and version.text != version.alias and name_of(record, version) != version:
        raise _other_name(source.function.name, printable(record.name or ""), version)
    return _check_record(name, there, record, as_is=as_is)


def name_of(record: Record, wanted: VersionName) -> VersionName:
    """Return what a version is called that has this alias: another name than is wanted may have the same.

    What is recorded with the version under another alias was its name before, and is of no interest.
    """
    recorded = VersionName(record.name or wanted.text)
    return recorded if recorded.alias == wanted.alias else wanted


def _check_record(name: str, there: str, record: Record | None, *, as_is: bool) -> Record | None:
    if record is None or record.is_copy:
        if as_is:
            return None
        whence = "was copied as it is from another account" if record else "is not of this buildpack"
        raise _can_not(
            name,
            f"{there} {whence}, so nobody knows what its package carries",
            "Deploy it there with this buildpack. Or, if it holds no config and no secret of that account: "
            "`deploy fleet apply --as-is FILE` copies it unchanged.",
        )
    if not record.is_complete:
        raise _can_not(
            name,
            f"an earlier buildpack has published {there}, and has not recorded which files hold its config",
            "Deploy it there again.",
        )
    return record


def check_size(name: str, origin: Described, settings: Settings) -> None:
    """Raise InputError if a package needs a bucket on its way, and the settings name no bucket."""
    if origin.size > DIRECT_LIMIT and settings.bucket is None:
        raise InputError(
            f"The package for {name} is {megabytes(origin.size)}, over the 50 MiB that Lambda takes in a "
            "direct upload.",
            todo=BY_BUCKET,
        )


def unknown_version(wanted: Wanted, source: Target | None) -> DeployError:
    """Return the error for a version that is nowhere."""
    where = "in this account"
    todo = "Promotion needs the lower account: set _LAMBDA_SOURCE_ROLE_ARN, or correct the fleet file."
    if source is not None:
        where = f"in this account, nor of {_place_of(source)}"
        todo = "Publish it there with _LAMBDA_VERSION, or correct the fleet file."
    error = DeployError(
        f"There is no version {wanted.version.text} of {wanted.name} {where}.",
        why=f"It would be named by the alias {wanted.version.alias}.",
        todo=todo,
    )
    error.code = UNKNOWN_VERSION
    return error


def unknown_source(wanted: Wanted, source: Target) -> DeployError:
    """Return the error for a function that is to be promoted, and does not exist in the lower account."""
    error = DeployError(
        f"{wanted.name} can't be promoted: there is no {_place_of(source)}.",
        todo="Correct the name in the fleet file, or _LAMBDA_SOURCE_REGION and _LAMBDA_SOURCE_PREFIX, which "
        "say what is different there.",
    )
    error.code = UNKNOWN_VERSION
    return error


def _place_of(source: Target) -> str:
    function = source.function
    return f"function {function.name} in the region {source.region} of the account {function.account}"


def unknown_function(target: Target) -> DeployError:
    """Return the error for a function that does not exist."""
    return DeployError(
        f"There is no function {target.function.name} in the region {target.region} of this account.",
        todo="Correct its name in the fleet file, or create it: a fleet updates functions, it creates none.",
    )


def _other_name(function: str, name: str, wanted: VersionName) -> DeployError:
    return DeployError(
        f"The alias {wanted.alias} of {function} stands for the version {name}, and not for {wanted.text}.",
        why="AWS takes no dots and no `+` in the name of an alias: each of them becomes a dash.",
        todo="Correct the version in the fleet file.",
    )


def _weighted(name: str, alias: Alias) -> DeployError:
    weights = ", ".join(f"{weight:.0%} to version {other}" for other, weight in alias.weights.items())
    return DeployError(
        f"The alias {alias.name} of {name} routes by weights.",
        why=f"It points at version {alias.version} and sends {weights}. Somebody, CodeDeploy or a person, "
        "may be in the middle of a shift.",
        todo="Wait until it is over, and run it again. Or end it: `aws lambda update-alias --function-name "
        f"{name} --name {alias.name} --routing-config AdditionalVersionWeights={{}}` leaves version "
        f"{alias.version} all traffic.",
    )


def _can_not(name: str, why: str, todo: str = "") -> DeployError:
    return DeployError(f"Nothing can be promoted to {name}.", why=f"{why[0].upper()}{why[1:]}.", todo=todo)
