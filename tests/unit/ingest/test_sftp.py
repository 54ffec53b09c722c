"""Files on an SFTP server: taken once, and only from the server that is known."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import paramiko
import pytest

from landed.errors import SourceError
from landed.ingest import host_keys, pending
from landed.ingest.remote import remote_files


class Access(paramiko.ServerInterface):
    """One user with one password."""

    def check_auth_password(self, username: str, password: str) -> int:
        is_right = (username, password) == ("jo", "right")
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Files(paramiko.SFTPServerInterface):
    """Files of one folder, to read."""

    root: Path

    def _place(self, path: str) -> Path:
        return Path(f"{self.root}{self.canonicalize(path)}")

    def list_folder(self, path):
        try:
            found = sorted(self._place(path).iterdir())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return [paramiko.SFTPAttributes.from_stat(one.stat(), one.name) for one in found]

    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(self._place(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path, flags, attr):
        try:
            file = self._place(path).open("rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile, handle.filename = file, str(self._place(path))
        return handle


class Sftp:
    """A server on this machine, until it is closed."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root = root
        self.key = paramiko.ECDSAKey.generate()
        self._files = type("OfRoot", (Files,), {"root": root})
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._port = self._socket.getsockname()[1]
        self._open: list[paramiko.Transport] = []
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    @property
    def host(self) -> str:
        """As a file of known hosts names it."""
        return f"[127.0.0.1]:{self._port}"

    def url(self, path: str) -> str:
        return f"sftp://jo@127.0.0.1:{self._port}/{path}"

    def close(self) -> None:
        if self._serving.is_alive():
            self._socket.shutdown(socket.SHUT_RDWR)  # closed alone, it takes one more that waits
            self._serving.join()
        self._socket.close()
        for one in self._open:
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            self._open.append(transport)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, self._files)
            transport.start_server(event=threading.Event(), server=Access())


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sftp]:
    """A server that this machine knows, and the password that lets in."""
    server = Sftp(tmp_path / "served")
    known = paramiko.HostKeys()
    known.add(server.host, server.key.get_name(), server.key)
    known.save(str(tmp_path / "known_hosts"))
    monkeypatch.setattr(host_keys, "KNOWN_HOSTS", (tmp_path / "known_hosts",))
    monkeypatch.setitem(fsspec.config.conf, "sftp", {"password": "right"})
    yield server
    server.close()


def test_files_of_a_server_are_taken_once_and_taken_again_when_they_change(world, event, sftp):
    world.source("app", f"kind: events\nformat: jsonl\npath: {sftp.url('in/*.jsonl')}\n")
    (sftp.root / "in").mkdir()
    (sftp.root / "in" / "a.jsonl").write_text(event(1) + event(2))
    (sftp.root / "in" / "b.jsonl").write_text(event(3))
    (sftp.root / "in" / "c.csv").write_text("no\n")

    account = world.one()

    assert (account.files_new, account.accepted) == (2, 3)
    assert pending(world.project, world.home) == []
    assert world.one().files_new == 0
    path = sftp.root / "in" / "b.jsonl"
    path.write_text(event(3) + event(4))
    os.utime(path, (2_000_000_000, 2_000_000_000))
    assert [file.name for file in pending(world.project, world.home)] == [sftp.url("in/b.jsonl")]
    account = world.one()
    assert (account.accepted, account.duplicate) == (1, 1)


def test_a_server_that_is_not_known_is_not_asked_for_anything(sftp, tmp_path):
    (tmp_path / "known_hosts").write_text("")

    with pytest.raises(
        SourceError, match=r"the key of the server .* is not known: ecdsa.* SHA256:"
    ):
        remote_files(sftp.url("in/*.jsonl"))


def test_another_server_at_a_known_address_is_refused(sftp):
    sftp.key = paramiko.ECDSAKey.generate()

    with pytest.raises(SourceError, match="is not known"):
        remote_files(sftp.url("in/*.jsonl"))


def test_who_says_so_trusts_whoever_answers(sftp, tmp_path, monkeypatch):
    (tmp_path / "known_hosts").write_text("")
    options = {"password": "right", "host_key_policy": "auto_add"}
    monkeypatch.setitem(fsspec.config.conf, "sftp", options)
    (sftp.root / "a.jsonl").write_text("{}\n")

    assert [file.url for file in remote_files(sftp.url("*.jsonl"))] == [sftp.url("a.jsonl")]


def test_a_wrong_password_is_an_error_of_the_source_that_shows_no_secret(sftp, monkeypatch):
    monkeypatch.setitem(fsspec.config.conf, "sftp", {"password": "wrong-pa55"})

    with pytest.raises(SourceError, match=r"cannot be reached .Authentication") as caught:
        remote_files(sftp.url("in/*.jsonl"))

    assert "pa55" not in str(caught.value)


def test_a_server_that_goes_away_is_an_error_of_the_source(sftp):
    remote_files(sftp.url("in/*.jsonl"))
    sftp.close()

    with pytest.raises(SourceError, match=r"the store fails|cannot be reached"):
        remote_files(sftp.url("in/*.jsonl"))
