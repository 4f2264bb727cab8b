"""Fetching sets, and the command that does it."""

import subprocess
import sys

import pytest

from maskdet import config, data
from maskdet.__main__ import main
from maskdet.data import download


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A stand-in for Kaggle: what a download puts into the folder, or raises."""
    kagglehub = pytest.importorskip("kagglehub")
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.delenv("MASKDET_DATA", raising=False)
    monkeypatch.setattr("kagglehub.config.get_kaggle_credentials", lambda: None)

    def install(contents, *, error=None):
        def dataset_download(handle, *, output_dir):
            part = tmp_path / "data" / output_dir
            for path in (*contents, ".complete"):
                (part / path).mkdir(parents=True)
            if error:
                raise error
            return output_dir

        monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)

    return install


def test_a_set_is_fetched_once(kaggle, tmp_path, capsys):
    kaggle(["images", "annotations"])
    assert main(["fetch", "larxel"]) == 0
    place = tmp_path / "data" / "larxel"
    assert sorted(path.name for path in place.iterdir()) == ["annotations", "images"]
    assert [path.name for path in place.parent.iterdir()] == ["larxel"]
    kaggle([], error=OSError("never asked"))
    assert data.fetch(config.PROFILES["larxel"]) == place


@pytest.mark.parametrize("contents", [[], ["images"]])
def test_an_incomplete_download_leaves_nothing(kaggle, tmp_path, contents):
    kaggle(contents)
    message = "^expected images and annotations in the download"
    with pytest.raises(download.DownloadError, match=message):
        data.fetch(config.PROFILES["larxel"])
    assert not (tmp_path / "data").exists()


def test_a_failed_download_leaves_nothing_and_says_how_to_get_a_token(kaggle, tmp_path, capsys):
    kaggle(["images"], error=RuntimeError("403 Client Error.\n\nYou don't have permission"))
    assert main(["fetch", "wobot"]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"error: expected {download.HANDLES['wobot']} from Kaggle, got 403")
    assert "403 Client Error. You don't" in message and message.count("\n") == 1
    assert "Create New Token" in message and "KAGGLE_API_TOKEN" in message
    assert not (tmp_path / "data").exists()


def test_without_a_connection_the_token_is_not_blamed(kaggle, capsys):
    requests = pytest.importorskip("requests")
    kaggle([], error=requests.ConnectionError("a long story"))
    assert main(["fetch", "larxel"]) == 1
    message = capsys.readouterr().err
    assert "got no connection to kaggle.com" in message and "token" not in message


def test_something_else_in_the_place_of_a_set_is_not_touched(kaggle, tmp_path, capsys):
    kaggle(["images", "annotations"])
    (tmp_path / "data" / "larxel" / "mine").mkdir(parents=True)
    assert main(["fetch", "larxel"]) == 1
    assert "delete it" in capsys.readouterr().err
    assert (tmp_path / "data" / "larxel" / "mine").exists()


@pytest.mark.parametrize("name", ["demo", "smoke"])
def test_drawn_profiles_need_no_download(name, capsys):
    assert main(["fetch", name]) == 0
    assert f"{name} needs no download" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["larxel", "wobot"]])
def test_a_wrong_profile_is_answered_in_one_line(arguments, capsys):
    assert main(["fetch", *arguments]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: expected") and message.count("\n") == 1


def test_the_command_line_shows_no_traceback():
    run = subprocess.run([sys.executable, "-m", "maskdet", "fetch", "nowhere"], capture_output=True,
                         text=True, check=False, cwd=config.ROOT)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("error: expected a profile") and run.stderr.count("\n") == 1


def test_reading_photographs_loads_no_tensorflow():
    code = "import sys, maskdet.data; sys.exit('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False, cwd=config.ROOT)
    assert run.returncode == 0


def test_whether_photographs_are_there_is_asked_first_unless_they_are_drawn(voc, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MASKDET_DATA", str(tmp_path / "nowhere"))
    assert main(["fetch", "--check", "demo"]) == 0 and main(["fetch", "--check", "larxel"]) == 1
    assert "fetch the photographs with `make data PROFILE=larxel`" in capsys.readouterr().err
    assert main(["fetch", "--check", "larxle"]) == 1
    assert "expected a profile, one of demo, larxel" in capsys.readouterr().err
    monkeypatch.setenv("MASKDET_DATA", str(voc.folder))
    assert main(["fetch", "--check", "larxel"]) == 0
