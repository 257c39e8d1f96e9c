"""The connection to one service: sends a request, and sends it again when the connection was lost."""

from __future__ import annotations

import contextlib
import errno
import logging
import re
import ssl
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from nas.client.address import is_own
from nas.client.answers import Answer, check, receive
from nas.client.errors import ClientError
from nas.client.outage import Outage
from nas.escaping import header_value, one_line
from search_spaces.validation import shorten

READ_SECONDS = 60.0
"""Timeout of a request other than a live stream."""

log = logging.getLogger("segnas.client")

_PATH = re.compile(r"(/[A-Za-z0-9_-]+)+")
_KEY = "Idempotency-Key"
_LONGEST_KEY = 255
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Connection:
    """A connection to one service.

    This machine's own addresses are never asked through a proxy; other hosts are, as the environment says.

    Args:
        url: Address of the service.
        token: Bearer token; None where the service requires none.
        patience: Seconds during which a request is sent again after the connection was lost or the service was not
            ready.

    Attributes:
        url: The service's address, without a password.
        expected: Whether a service that has never answered and refuses connections is waited for, since it may be
            restarting: one on another machine is, by default, and on this machine there may be none.
        answered: Whether anything has answered.
        moves: Says where the service is now, which is asked after a request that was not answered; None where nobody
            knows. Without it, the service is expected at its address for ever.

    Raises:
        ClientError: The address, the token or a proxy's variable is wrong.
    """

    def __init__(self, url: str, token: str | None, patience: float) -> None:
        self.patience = patience
        self.answered = False
        self.moves: Callable[[], str | None] | None = None
        self._headers = {} if token is None else {"Authorization": f"Bearer {_header(token, 'the token')}"}
        self._doubtful = False
        self._sockets = contextlib.ExitStack()
        self._open(url)
        self.expected = not self._local

    def close(self) -> None:
        """Close all sockets."""
        self._sockets.close()

    def _open(self, url: str) -> None:
        base = _base(url)
        self.url = str(base.copy_with(userinfo=b"")).rstrip("/")
        self._local = is_own(base.host)
        self._http = self._sockets.enter_context(_open(base, self.url, self._headers))

    def _follow(self) -> None:
        """Go where the service is now, if the last request was not answered where it was."""
        found = self.moves() if self.moves is not None and self._doubtful else None
        if found is not None and found.rstrip("/") != self.url:
            self._open(found)
            log.warning("the service is at %s now", self.url)

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        accept: Collection[int] = (),
        key: str | None = None,
        changes: bool = False,
        patience: float | None = None,
    ) -> Answer:
        """Send a request until it is answered.

        Args:
            method: The HTTP method.
            path: Below the service's address, of letters, digits, `-` and `_` between slashes, so that nothing in it
                means something else to a URL.
            json: The body.
            params: The query; what is None is left out, and a list is a parameter that is given several times.
            accept: Statuses of errors that are answers too.
            key: Idempotency key of a POST; None makes one, the same for every time that the request is sent.
            changes: Whether the request changes something, so that an answer that was lost must be told.
            patience: Seconds during which the request is sent again; None takes the connection's.

        Raises:
            ClientError: The service refused the request, or did not answer in time.
        """
        if not _PATH.fullmatch(path):
            raise ClientError(f"there is no {shorten(path)} at {self.url}", httpx.codes.NOT_FOUND)
        headers = {}
        if method == "POST":
            headers[_KEY] = uuid.uuid4().hex if key is None else _header(key, "the idempotency key")
            if len(headers[_KEY]) > _LONGEST_KEY:
                raise ClientError(f"the idempotency key is longer than {_LONGEST_KEY} characters")
        query = [(name, text) for name, value in (params or {}).items() for text in _texts(value)]
        outage = Outage(self, self.patience if patience is None else patience)
        sent = False
        while True:
            try:
                return self._once(method, path, accept, json=json, params=query, headers=headers)
            except ClientError as error:
                sent = sent or error.sent
                try:
                    pause = outage.pause_after(error)
                except ClientError:
                    if changes and sent and error.temporary:
                        raise _perhaps_taken(error, headers.get(_KEY)) from error
                    raise
            time.sleep(pause)

    def waits_for(self, error: ClientError) -> bool:
        """Whether it makes sense to send a request again that ended in an error."""
        return error.temporary and (self.answered or error.sent or (self.expected and error.refused))

    def _once(self, method: str, path: str, accept: Collection[int], **request: Any) -> Answer:
        with self._opened(method, path, READ_SECONDS, accept, **request) as reply:
            return receive(reply, self.url)

    @contextlib.contextmanager
    def stream(self, path: str, headers: Mapping[str, str], silence: float) -> Iterator[httpx.Response]:
        """Open an answer that is read while it arrives.

        Args:
            path: Below the service's address.
            headers: Of the request.
            silence: Seconds without a byte after which the connection counts as lost.

        Raises:
            ClientError: The service refused the request, or the connection was lost.
        """
        with self._opened("GET", path, silence, (), headers=headers) as reply:
            yield reply

    @contextlib.contextmanager
    def _opened(
        self, method: str, path: str, seconds: float, accept: Collection[int], **request: Any
    ) -> Iterator[httpx.Response]:
        self._follow()
        self._doubtful = True
        try:
            with self._http.stream(method, path, timeout=seconds, **request) as reply:
                self.answered, self._doubtful = True, False
                check(reply, self.url, accept)
                yield reply
        except _NOT_SENT as error:
            raise self._not_reached(error) from error
        except httpx.TimeoutException as error:
            message = f"{self.url} has not answered within {seconds:g} s"
            raise ClientError(message, temporary=True, sent=True) from error
        except httpx.RemoteProtocolError as error:
            raise _broken(error, self.url) from error
        except httpx.TransportError as error:
            message = f"the connection to {self.url} was lost ({one_line(str(error)) or type(error).__name__})"
            raise ClientError(message, temporary=True, sent=True) from error
        except (httpx.InvalidURL, httpx.DecodingError, UnicodeError) as error:
            raise ClientError(f"what answers at {self.url} is no Segnas service ({one_line(str(error))})") from error

    def _not_reached(self, error: httpx.TransportError) -> ClientError:
        reason = one_line(str(error))
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            remedy = "check whether the address begins with http or https, and the certificate"
            return ClientError(f"no secure connection to {self.url} ({reason}); {remedy}", temporary=True)
        remedy = "start one with: segnas serve" if self._local else f"check the address{self._proxy()}"
        nobody = any(
            isinstance(cause, ConnectionError)
            or (isinstance(cause, OSError) and cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH))
            for cause in causes
        )
        return ClientError(f"no service answers at {self.url} ({reason}); {remedy}", temporary=True, refused=nobody)

    def _proxy(self) -> str:
        used, asked = getproxies(), httpx.URL(self.url)
        found = used.get(asked.scheme) or used.get("all")
        if not found or proxy_bypass(asked.host):
            return ""
        host = found.rpartition("@")[2]  # without a password
        return f", and the proxy that the environment names ({host})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from: httpx and httpcore wrap the operating system's."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _texts(value: Any) -> list[str]:
    """Write the values of a parameter."""
    if value is None:
        return []
    return list(map(str, value)) if isinstance(value, list) else [str(value)]


def _broken(error: httpx.RemoteProtocolError, url: str) -> ClientError:
    # The same exception tells of a connection that was closed too early and of one that does not speak HTTP.
    text = one_line(str(error))
    if "disconnected" in text or "closed" in text:
        return ClientError(f"the connection to {url} was lost ({text})", temporary=True, sent=True)
    return ClientError(f"what answers at {url} is no Segnas service ({text}): check the address (SEGNAS_URL)")


def _perhaps_taken(error: ClientError, key: str | None) -> ClientError:
    again = f" with the same idempotency key (--key {key})" if key else ""
    return ClientError(
        f"{error}: the request may have been taken; ask again{again}, or see whether it was: segnas searches",
        error.status,
        temporary=True,
        sent=True,
    )


def _header(text: str, what: str) -> str:
    try:
        return header_value(text, what)
    except ValueError as error:
        raise ClientError(str(error)) from None


def _base(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise ClientError(f"{url!r} is not an address: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ClientError(f"{url!r} is not an address: it must be of the form {'http://HOST:PORT'!r}")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise ClientError(f"{url!r} is not an address: there is no port {parsed.port}")
    if parsed.query or parsed.fragment:
        raise ClientError(f"{url!r} is not the address of a service: leave out what follows `?` or `#`")
    return parsed


def _open(base: httpx.URL, shown: str, headers: Mapping[str, str]) -> httpx.Client:
    options: dict[str, Any] = {"base_url": base, "headers": headers, "timeout": READ_SECONDS}
    if is_own(base.host):
        return httpx.Client(transport=httpx.HTTPTransport(), **options)  # a transport of its own: no proxy
    try:
        return httpx.Client(**options)
    except ImportError:
        if proxy_bypass(base.host):
            return httpx.Client(transport=httpx.HTTPTransport(), **options)
        raise ClientError(
            f"the environment names a SOCKS proxy, which {shown} would be asked through: pip install 'httpx[socks]', "
            "or name the host in NO_PROXY"
        ) from None
    except (ValueError, httpx.InvalidURL) as error:
        raise ClientError(
            f"a variable of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) names no proxy: {error}"
        ) from None
