"""Clients that two generators make of /openapi.json, against the service itself."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


def test_openapi_python_client(example, generate, speak, expect, tmp_path):
    content = {
        "image/svg+xml": "text/plain",
        "image/png": "application/octet-stream",
        "image/jpeg": "application/octet-stream",
    }
    (tmp_path / "client.yaml").write_text(json.dumps({"content_type_overrides": content}))
    printed = generate(
        "openapi-python-client", "generate", "--path", example.document, "--meta", "none",
        "--output-path", tmp_path / "generated" / "segnas_client", "--config", tmp_path / "client.yaml",
    )  # fmt: skip
    # It warns of every schema and operation that it leaves out.
    assert printed.split() == ["Generating", str(tmp_path / "generated" / "segnas_client")]
    expect(speak("with_openapi_python_client.py", tmp_path / "generated"))


def test_openapi_generator(example, generate, speak, expect, tmp_path):
    printed = generate(
        "openapi-generator-cli", "generate", "-g", "python", "-i", example.document, "-o", tmp_path / "generated",
        "--package-name", "segnas_client",
    )  # fmt: skip
    assert "is incorrect" not in printed  # what it says of a discriminator that is not required
    assert "ERROR" not in printed
    expect(speak("with_openapi_generator.py", tmp_path / "generated"))
