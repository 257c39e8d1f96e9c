"""A cluster behind HTTPS, whose certificate an authority of one's own has signed: a real server, a real handshake."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from workers.cluster.jobs import Cluster


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the authority `ca.pem`, and `server.pem` and `server.key` for 127.0.0.1, signed by it."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    authority = ("-x509", "-days", "2", "-subj", "/CN=ours", *usage, "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, *authority, folder=folder)
    openssl("req", *key, "-subj", "/CN=ray", "-keyout", "server.key", "-out", "server.csr", folder=folder)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", *by, "-days", "2", "-out", "server.pem", folder=folder)
    return folder


@pytest.fixture(scope="module")
def url(certificates: Path) -> Iterator[str]:
    """The address of a server that answers as a dashboard does when it is asked for its version."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"version": "4"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_authority_of_ones_own_is_believed_where_it_is_named(url, certificates):
    with Cluster(url, "token", certificates / "ca.pem") as cluster:
        assert cluster.unreachable() is None


def test_a_certificate_that_is_not_believed_is_told_with_the_remedy(url):
    with Cluster(url, "token") as cluster:
        why = cluster.unreachable()
        assert why is not None
        assert why.startswith(f"no answer from the Ray cluster at {url}: ")
        assert why.endswith("where an authority of your own signed the certificate, set SEGNAS_RAY_CA to its PEM file")
        assert set(cluster.problems().values()) == {why}


def test_another_authority_is_not_enough(url, certificates, tmp_path):
    other = (
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=other",
        "-keyout",
        "other.key",
        "-out",
        "other.pem",
    )
    openssl("req", *other, folder=tmp_path)
    with Cluster(url, "token", tmp_path / "other.pem") as cluster:
        assert "CERTIFICATE_VERIFY_FAILED" in str(cluster.unreachable())


@pytest.mark.parametrize("content", [None, "", "no certificate\n"])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    expected = "cannot be read: No such file" if content is None else "holds no certificate in PEM format"
    with pytest.raises(RuntimeError, match=rf"\(ray_ca\): {file} {expected}"):
        Cluster("https://127.0.0.1:9", "token", file)
