"""Stores of files that are not on this machine: object stores, web servers, what fsspec knows.

S3, Google Cloud Storage and Azure are read by the clients that come with Arrow, so that they need
no further package; a web server by requests; any other scheme by fsspec. Credentials come from the
environment, as each of these clients finds them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from ..errors import Fault, LandedError, SourceError
from .addresses import WEB, shown
from .host_keys import SCHEMES, trusting_options

ARROW = {"s3": "S3", "gs": "Google Cloud Storage", "abfs": "Azure", "abfss": "Azure"}
#: Schemes of fsspec that wrap another address, or are no store of files.
WRAPPERS = frozenset(
    {"asyncwrapper", "async_wrapper", "asynclocal", "blockcache", "cached", "dask", "data", "dir",
     "filecache", "generic", "git", "jlab", "libarchive", "local", "pyscript", "reference",
     "simplecache", "tar", "zip"}
)  # fmt: skip
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0  # without a single byte
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as its store lists it.

    Args:
        url: Where it is; its name, once it is listed, without a query.
        size: Its length. Bytes; -1 where the store does not say.
        version: What the store says of its content in a listing: an entity tag or a time.
        changed_at: When it was changed, for stores that say so only to the second; else None.
        tag: What the store says of its content once it is opened; empty in a listing.
        address: Where it is, whatever its name; empty where that is the same. Never written.
    """

    url: str
    size: int
    version: str
    changed_at: float | None = None
    tag: str = ""
    address: str = field(default="", repr=False, compare=False)


class Stream(Protocol):
    """Bytes of one remote file."""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class Store(Protocol):
    """What every store offers. Errors are SourceErrors that name no credential."""

    def listing(self, base: str, *, deep: bool) -> list[RemoteFile]:
        """Files in a folder; with `deep` at any depth below it."""
        ...

    def state(self, url: str) -> RemoteFile:
        """One file as it is now, with its tag.

        Raises:
            SourceError: It is gone, or must not be read.
        """
        ...

    def open(self, url: str) -> contextlib.AbstractContextManager[Stream]:
        """Its bytes as they are stored."""
        ...


def scheme_of(url: str) -> str:
    """The scheme in front of `://`."""
    return url.partition("://")[0]


def open_store(url: str) -> Store:
    """The store that holds a URL.

    Raises:
        SourceError: It needs a package that is not installed, or settings that are missing.
    """
    scheme = scheme_of(url)
    if scheme in WEB:
        return _Web()
    return _Arrow(url) if scheme in ARROW else _Fsspec(url)


def unreadable(url: str, reason: str, fix: str, code: str = "source_unreadable") -> SourceError:
    """A store's refusal in our words; the reason must hold no credential."""
    return SourceError(Fault(f"cannot read {shown(url)}: {reason}", "", "", fix, code))


_CREDENTIALS = (
    "set the credentials that may read it in the environment, see docs/how-to/sources.md."
)
_NETWORK = "check the address and the network, then run again."


class _Arrow:
    """Object stores by Arrow's own clients."""

    def __init__(self, url: str) -> None:
        self._scheme = scheme_of(url)
        with _arrow_errors(url):
            self._files = _arrow_client(self._scheme, url)

    def listing(self, base: str, *, deep: bool) -> list[RemoteFile]:
        from pyarrow import fs

        with _arrow_errors(base):
            selector = fs.FileSelector(self._path(base), recursive=deep, allow_not_found=True)
            found = self._files.get_file_info(selector)
        return [self._listed(one) for one in found if one.type == fs.FileType.File]

    def state(self, url: str) -> RemoteFile:
        from pyarrow import fs

        with _arrow_errors(url):
            (info,) = self._files.get_file_info([self._path(url)])
            if info.type != fs.FileType.File:
                raise unreadable(url, "it is not there", "check the path.", "source_missing")
            found, tag = self._listed(info), ""
            if self._scheme == "s3":  # its times are whole seconds; the tag tells more
                with self._files.open_input_file(self._path(url)) as file:  # reads nothing yet
                    said = file.metadata() or {}
                tag = (said.get("ETag") or b"").decode("utf-8", "replace")
        return replace(found, url=url, tag=tag)

    @contextlib.contextmanager
    def open(self, url: str) -> Iterator[Stream]:
        with (
            _arrow_errors(url),
            self._files.open_input_stream(self._path(url), compression=None) as stream,
        ):
            yield stream

    def _path(self, url: str) -> str:
        """The path of Arrow: bucket and key; Azure's account is the client's."""
        rest = url.partition("://")[2]
        if self._scheme.startswith("abfs"):
            container, _, place = rest.partition("@")
            rest = f"{container}/{place.partition('/')[2]}"
        return rest.rstrip("/")

    def _listed(self, info: Any) -> RemoteFile:
        path, changed_ns = str(info.path), int(info.mtime_ns or 0)
        url = f"{self._scheme}://{path}"
        if self._scheme.startswith("abfs"):
            container, _, key = path.partition("/")
            url = f"{self._scheme}://{container}@{self._account}/{key}"
        coarse = changed_ns / 1e9 if changed_ns % 1_000_000_000 == 0 else None
        return RemoteFile(url, int(info.size), str(changed_ns), coarse)

    @property
    def _account(self) -> str:
        return f"{self._files.account_name}.dfs.core.windows.net"


def _arrow_client(scheme: str, url: str) -> Any:
    """A client by what the environment says."""
    import fsspec.config
    from pyarrow import fs

    given = dict(fsspec.config.conf.get(scheme, {}))  # FSSPEC_S3_ANON and the like
    place = url.partition("://")[2].partition("/")[0]
    if scheme == "s3":
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region and not endpoint:
            with contextlib.suppress(OSError):  # then the client's own default holds
                region = fs.resolve_s3_region(place)
        return fs.S3FileSystem(
            anonymous=_is_true(given.get("anon")),
            region=region,
            endpoint_override=endpoint,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=READ_SECONDS,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        )
    if scheme == "gs":
        from datetime import timedelta

        emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
        transport, _, host = emulator.rpartition("://")
        return fs.GcsFileSystem(
            anonymous=bool(emulator) or given.get("token") == "anon",
            endpoint_override=host or None,
            scheme=transport or ("http" if host else None),
            retry_time_limit=timedelta(seconds=READ_SECONDS),
        )
    return fs.AzureFileSystem(account_name=place.partition("@")[2].partition(".")[0])


def _is_true(value: object) -> bool:
    return str(value).lower() in ("1", "true", "yes", "on")


@contextlib.contextmanager
def _arrow_errors(url: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise unreadable(url, "it is not there", "check the path.", "source_missing") from None
    except (OSError, ValueError, NotImplementedError) as error:
        text = " ".join(str(error).split())
        denied = isinstance(error, PermissionError) or any(
            word in text
            for word in ("ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE", "403", "401",
                         "AccessDenied", "credential", "Credential", "PERMISSION_DENIED")
        )  # fmt: skip
        if "NO_SUCH_BUCKET" in text or "BUCKET_NOT_FOUND" in text:
            raise unreadable(
                url, "there is no such bucket", "check its name.", "source_missing"
            ) from None
        code = "source_denied" if denied else "source_unreadable"
        reason = "access is denied" if denied else text[:200]
        raise unreadable(url, reason, _CREDENTIALS if denied else _NETWORK, code) from None


class _Web:
    """One file on a web server. A password comes from netrc only."""

    def __init__(self) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util.retry import Retry

        retry = Retry(
            total=_ATTEMPTS - 1,
            backoff_factor=0.2,
            status_forcelist=(429, 500, 502, 503, 504),
            raise_on_status=False,
        )
        self._session = requests.Session()
        # bytes as they are stored: a .csv.gz that a server offers as an encoding stays a .gz
        self._session.headers["Accept-Encoding"] = "identity"
        for scheme in WEB:
            self._session.mount(f"{scheme}://", HTTPAdapter(max_retries=retry))

    def listing(self, base: str, *, deep: bool) -> list[RemoteFile]:
        raise unreadable(base, "a web server lists no files", "name one file.")

    def state(self, url: str) -> RemoteFile:
        with self._answer("HEAD", url) as head:
            found = None if head.status_code in (403, 405, 501) else self._described(url, head)
        if found is None:  # some servers answer GET only
            with self._answer("GET", url) as answer:
                found = self._described(url, answer)
        return found

    @contextlib.contextmanager
    def open(self, url: str) -> Iterator[Stream]:
        import urllib3.exceptions

        with self._answer("GET", url) as answer:
            self._described(url, answer)
            answer.raw.decode_content = False
            try:
                yield answer.raw
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise unreadable(
                    url, f"the transfer broke off ({type(error).__name__})", _NETWORK
                ) from None

    @contextlib.contextmanager
    def _answer(self, method: str, url: str) -> Iterator[Any]:
        import requests

        try:
            answer = self._session.request(
                method, url, stream=True, allow_redirects=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )  # fmt: skip
        except requests.RequestException as error:
            # its text may hold the address of a redirect, and that a signature
            raise unreadable(
                url, f"the server does not answer ({type(error).__name__})", _NETWORK
            ) from None
        with answer:
            yield answer

    @staticmethod
    def _described(url: str, answer: Any) -> RemoteFile:
        status = int(answer.status_code)
        if status in (401, 403):
            fix = "put the server's name and password into the file that NETRC names."
            raise unreadable(url, f"access is denied (HTTP {status})", fix, "source_denied")
        if status in (404, 410):
            raise unreadable(
                url, f"it is not there (HTTP {status})", "check the address.", "source_missing"
            )
        if status != 200:
            raise unreadable(url, f"the server says HTTP {status}", _NETWORK)
        headers: Mapping[str, str] = answer.headers
        tag, changed = headers.get("ETag", ""), headers.get("Last-Modified", "")
        if not tag and not changed:
            raise unreadable(
                url,
                "the server gives neither ETag nor Last-Modified, so that a change could not be"
                " seen",
                "fetch it into the landing folder.",
            )
        length = headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else -1
        return RemoteFile(url, size, tag or changed, None if tag else _instant(changed), tag)


def _instant(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


class _Fsspec:
    """Any other store, by the packages that are installed."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        scheme = scheme_of(url)
        try:
            self._files, path = url_to_fs(url, **trusting_options(scheme))
        except (ImportError, ValueError) as error:
            raise SourceError(
                f"{scheme}:// needs a package that is not installed: {error}",
                fix="install it beside landed, or fetch the files into the landing folder.",
                code="source_package",
            ) from None
        except Exception as error:
            if not isinstance(error, TypeError | OSError) and not _is_of_package(error):
                raise
            raise unreadable(
                url, f"the store cannot be reached ({type(error).__name__})", _CREDENTIALS
            ) from None
        # a path lacks the host, or has one slash more: addresses are told as they were written
        self._prefix = url[: -len(path)] if path and url.endswith(path) else f"{scheme}://"
        self._root = ""
        if scheme in SCHEMES and not path:  # else it is the folder that a person begins in
            self._prefix, self._root = url, "/"

    def listing(self, base: str, *, deep: bool) -> list[RemoteFile]:
        with self._errors(base):
            self._files.invalidate_cache()
            folder = self._files._strip_protocol(base) or self._root
            found = self._files.find(folder, maxdepth=None if deep else 1, detail=True)
            return [self._listed(base, info) for info in found.values() if info["type"] == "file"]

    def state(self, url: str) -> RemoteFile:
        with self._errors(url):
            self._files.invalidate_cache()
            return self._listed(url, self._files.info(self._files._strip_protocol(url)))

    @contextlib.contextmanager
    def open(self, url: str) -> Iterator[Stream]:
        with self._errors(url), self._files.open(self._files._strip_protocol(url), "rb") as stream:
            yield stream

    def _listed(self, near: str, info: Mapping[str, Any]) -> RemoteFile:
        name = f"{self._prefix}{info['name']}"
        for key in ("ETag", "etag", "e_tag", "md5Hash", "generation", "mtime", "LastModified",
                    "last_modified", "updated", "modified", "created"):  # fmt: skip
            if info.get(key) is not None:
                return RemoteFile(name, int(info.get("size") or 0), _text(info[key]))
        raise unreadable(
            near,
            "the store says neither what its files hold nor when they changed",
            "fetch them into the landing folder.",
        )

    @contextlib.contextmanager
    def _errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise unreadable(url, "it is not there", "check the path.", "source_missing") from None
        except PermissionError:
            raise unreadable(url, "access is denied", _CREDENTIALS, "source_denied") from None
        except (OSError, EOFError, ValueError) as error:
            raise unreadable(url, f"the store fails ({type(error).__name__})", _NETWORK) from None
        except Exception as error:
            if not _is_of_package(error):
                raise
            raise unreadable(url, f"the store fails ({type(error).__name__})", _NETWORK) from None


def _is_of_package(error: Exception) -> bool:
    """Whether an error is of a tree that a store's package brings, as paramiko's are."""
    return type(error).__module__ != "builtins" and not isinstance(error, LandedError)


def _text(version: object) -> str:
    """One text for one instant: some stores list a number and describe a datetime."""
    if isinstance(version, datetime):
        zoned = version if version.tzinfo else version.replace(tzinfo=UTC)
        return repr(zoned.timestamp())
    return repr(version) if isinstance(version, float) else str(version)


def known_schemes() -> frozenset[str]:
    """Schemes that a path may have."""
    from fsspec.registry import known_implementations

    others = set(known_implementations) - WRAPPERS - {"gcs", "az", "s3a", "adl"}
    return frozenset({*ARROW, *WEB, *others})
