"""A book of the smoke profile, built from nothing on a few drawn photographs, and shared by the tests."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from maskdet.config import ROOT, build_folder


def command(*targets, build):
    return ["make", "-C", str(ROOT), "PROFILE=smoke", f"BUILD={build}", *targets]


# These are runs of their own, not part of a `make -j` that may run the tests.
ALONE = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def make(*targets, build):
    """Run `make` on the smoke profile in a build folder of its own."""
    return subprocess.run(command(*targets, build=build), capture_output=True, text=True, env=ALONE)


def journal(folder):
    """The photographs that are searched, a line each: the content of the journal, which bears its key in its name."""
    return b"".join(path.read_bytes() for path in (folder / "smoke/crops").glob("mtcnn.*.jsonl"))


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory):
    """A build folder in which `make book` was interrupted, as by Ctrl-C, while it was detecting faces.

    It stays for those who want to look at the book, and for `make verify PROFILE=smoke BUILD=_build/tests`.
    """
    folder = build_folder() / "tests"
    shutil.rmtree(folder, ignore_errors=True)
    said = tmp_path_factory.mktemp("interrupted") / "said.txt"
    with said.open("w") as output, subprocess.Popen(
            command("book", build=folder), start_new_session=True, stdout=output, stderr=subprocess.STDOUT, env=ALONE,
            # a shell in the background ignores the signal, and so would all below it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as running:
        while running.poll() is None and not journal(folder).count(b"\n") > 3:
            time.sleep(0.05)
        assert running.poll() is None, said.read_text()[-3000:]
        os.killpg(running.pid, signal.SIGINT)
    return folder


@pytest.fixture(scope="session")
def build(interrupted):
    """A whole book of the smoke profile, made by the next `make`; the build folder."""
    finished = journal(interrupted)
    done = make("book", build=interrupted)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "01_data.ipynb" not in done.stdout, "what was finished is not run again"
    assert journal(interrupted).startswith(finished), "nor searched again"
    return interrupted
