"""The package of the tools: what it holds, and what it refuses to hold."""

import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from deploy.artifact.tools import write_tools
from deploy.errors import DeployError, InputError
from deploy.infrastructure.policy import services_of_tools


def test_it_holds_the_models_of_the_services_and_no_other(tmp_path: Path) -> None:
    """All models are 20 MB, and these are the newest version of each."""
    _, size = write_tools(tmp_path / "tools.zip", services_of_tools())
    assert size == (tmp_path / "tools.zip").stat().st_size < 8_000_000
    with ZipFile(tmp_path / "tools.zip") as archive:
        names = archive.namelist()
    models = {
        name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2
    }
    assert models == services_of_tools() == {"codedeploy", "codepipeline", "lambda", "s3", "ssm", "sts"}
    assert len([name for name in names if "data/lambda/" in name and "service-2" in name]) == 1
    assert {
        "deploy/hook.py",
        "deploy/step.py",
        "six.py",
        "botocore/data/endpoints.json",
        "botocore/cacert.pem",
    } <= set(names)
    assert names == sorted(names)


def test_what_is_not_here_is_named(tmp_path: Path) -> None:
    """Such as the model of a service that an older botocore does not know; nothing is written then."""
    with pytest.raises(InputError, match="no model of the service codedeploy-of-mars"):
        write_tools(tmp_path / "tools.zip", ["codedeploy-of-mars"])
    with pytest.raises(DeployError, match="can't be written"):
        write_tools(tmp_path / "nowhere/tools.zip", ["lambda"])
    assert list(tmp_path.iterdir()) == []


def test_what_is_compiled_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would run on this machine's architecture and Python alone."""
    (tmp_path / "site/jmespath").mkdir(parents=True)
    (tmp_path / "site/jmespath/__init__.py").touch()
    (tmp_path / "site/jmespath/fast.so").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    monkeypatch.delitem(sys.modules, "jmespath", raising=False)
    with pytest.raises(InputError, match="jmespath is compiled"):
        write_tools(tmp_path / "tools.zip", ["lambda"])
