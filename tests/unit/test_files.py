"""Files are replaced as a whole or not at all."""

import stat
from pathlib import Path

import pytest

from deploy.files import replacing


def test_the_old_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    """Its permissions are those that were asked for, and nothing else is left in the folder."""
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path, 0o640) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_the_old_file_stays_after_a_failure(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever ends the writing, nothing of the new file is left."""
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error), replacing(path, 0o600):
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """Not the temporary one: in a folder that is missing, and if a folder is in the way."""
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "missing/file", 0o600):
        pass
    assert caught.value.filename == str(tmp_path / "missing/file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as in_the_way, replacing(tmp_path / "folder", 0o600):
        pass
    assert in_the_way.value.filename2 == str(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]
