import os
import signal
import subprocess
import sys

import pytest

from landed.errors import HomeBusyError
from landed.project import Home
from landed.warehouse import run_lock

HOLD = (
    "import sys; from pathlib import Path\n"
    "from landed.project import Home; from landed.warehouse import run_lock\n"
    "with run_lock(Home(Path(sys.argv[1]))): print('ready', flush=True); sys.stdin.read()"
)


def hold(root):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), "some-word"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"ready\n"
    return holder


def test_a_second_writer_is_refused_and_told_who_is_first(tmp_path):
    holder = hold(tmp_path)
    try:
        with pytest.raises(HomeBusyError) as caught, run_lock(Home(tmp_path)):
            pass
    finally:
        holder.communicate()

    assert f"pid {holder.pid}" in str(caught.value)
    assert "some-word" in str(caught.value)


def test_a_killed_holder_leaves_no_lock(tmp_path):
    holder = hold(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()

    with run_lock(Home(tmp_path)):
        assert (tmp_path / "run.lock").read_text().startswith(f"pid {os.getpid()}")


def test_the_holder_may_enter_again_and_lets_go_at_the_end(tmp_path):
    with run_lock(Home(tmp_path)), run_lock(Home(tmp_path)):
        pass

    assert (tmp_path / "run.lock").read_text() == ""
    holder = hold(tmp_path)
    holder.communicate()
    assert holder.returncode == 0
