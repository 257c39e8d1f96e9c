"""Settings from arguments, variables and config.yaml: what wins, what is refused, what a path is relative to."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import make_url

from nas.setting_sources import OTHER_VARIABLES, below
from nas.settings import Settings, read_settings
from nas.store import Store


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Write config.yaml into the home folder."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("SEGNAS_HOME", str(home))

    def write(text: str) -> Path:
        file = home / "config.yaml"
        file.write_text(text)
        return file

    return write


def refused(**overrides: object) -> str:
    with pytest.raises(ValueError, match=r"\S") as error:
        read_settings(**overrides)
    return str(error.value)


def test_arguments_win_over_variables_and_variables_over_the_file(config, monkeypatch):
    config("port: 1\nhost: file\nreconcile_seconds: 3")
    monkeypatch.setenv("SEGNAS_PORT", "2")
    monkeypatch.setenv("SEGNAS_HOST", "variable")
    settings = read_settings(port=4)
    assert (settings.port, settings.host, settings.reconcile_seconds) == (4, "variable", 3.0)


def test_the_file_is_that_of_the_home_folder_in_use(config, tmp_path):
    config("port: 1")
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.yaml").write_text("port: 2")
    assert read_settings().port == 1
    assert read_settings(home=other).port == 2


def test_an_empty_variable_is_unset(config, monkeypatch):
    config("port: 1\ntoken: a-token-in-the-file")
    for name in Settings.model_fields:
        if name != "home":
            monkeypatch.setenv(f"SEGNAS_{name.upper()}", "")
    assert read_settings().port == 1
    assert read_settings().token == SecretStr("a-token-in-the-file")
    monkeypatch.setenv("SEGNAS_HOME", "")
    assert read_settings().home == Path("~/.segnas")


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("SEGNAS_TOKN", "SEGNAS_TOKN of the environment is no setting; did you mean SEGNAS_TOKEN?"),
        ("SEGNAS_RAY_DASHBORD", "did you mean SEGNAS_RAY_DASHBOARD?"),
        ("SEGNAS_ULR", "did you mean SEGNAS_URL?"),
        ("segnas_port", "did you mean SEGNAS_PORT?"),
        ("SEGNAS_", "did you mean"),
        ("SEGNAS_QQQQQQQQQQQQQQQ", "known are SEGNAS_HOME, "),
    ],
)
def test_a_misspelt_variable_is_refused(config, monkeypatch, variable, sentence):
    monkeypatch.setenv(variable, "")  # also an empty one: somebody meant something
    assert sentence in refused()


def test_variables_that_are_no_settings_are_known(config, monkeypatch):
    assert set(OTHER_VARIABLES) == {"SEGNAS_URL", "SEGNAS_RAY_CLUSTER"}
    for name in OTHER_VARIABLES:
        monkeypatch.setenv(name, "something")
    read_settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hots: x", "hots: unknown field; did you mean host?"),
        ("HOST: x", "HOST: unknown field; known here: home"),
        ("port: 1\nport: 2", "line 2, column 1: the key 'port' stands here twice"),
        ("datasets:\n  a: {layout: voc2012, root: /a}\n  a: {layout: voc2012, root: /b}", "the key 'a' stands here"),
        ("datasets: {a: {layout: voc2012, rot: /a}}", "datasets.a.voc2012.rot: unknown field"),
        ("- port", "must hold a mapping"),
        ("port: [", "is not YAML, line 1"),
        ("port: 70000", "port: Input should be less than"),
        ("home: /elsewhere", "home is the folder of this file"),
        ("token: ' '", "the token is empty"),
        ("token: grüße-an-die-welt", "has a character that no HTTP header can carry"),
        ('token: "sixteen-letters\\nand-more"', "has a character that no HTTP header can carry"),
    ],
)
def test_a_wrong_file_is_refused_by_name(config, text, sentence):
    file = config(text)
    message = refused()
    assert sentence in message
    assert str(file) in message
    assert "grüße" not in message


@pytest.mark.parametrize(
    ("home", "sentence"),
    [
        ("file", "{folder}/file is not a folder: set SEGNAS_HOME to one"),
        (
            "file/a/b",
            "{folder}/file is not a folder, so {folder}/file/a/b cannot be the home folder: set SEGNAS_HOME to one",
        ),
        ("loop", "the home folder (SEGNAS_HOME), {folder}/loop, cannot be used: links lead in a circle"),
        ("a" * 300, "the home folder (SEGNAS_HOME), {folder}/" + "a" * 300 + ", cannot be used: File name too long"),
    ],
)
def test_a_home_that_is_no_folder_is_refused(tmp_path, home, sentence):
    (tmp_path / "file").write_text("of somebody else")
    (tmp_path / "loop").symlink_to("loop")
    assert refused(home=tmp_path / home) == sentence.format(folder=tmp_path)


def test_a_home_that_nobody_may_look_into_is_refused(tmp_path, monkeypatch):
    """Told by a file system that refuses: root, as whom tests may run, may look into everything."""

    def closed(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", closed)
    assert refused(home=tmp_path) == f"the home folder (SEGNAS_HOME), {tmp_path}, cannot be used: Permission denied"


def test_a_home_that_is_not_there_yet_is_fine(tmp_path):
    (tmp_path / "link").symlink_to("later")
    for name in ("new", "new/below", "link"):
        assert read_settings(home=tmp_path / name).port == 8000


def test_a_file_of_comments_sets_nothing(config):
    config("# port: 1\n")
    assert read_settings().port == 8000


def test_an_error_names_where_the_setting_stands(config, monkeypatch):
    file = config("reconcile_seconds: 0")
    monkeypatch.setenv("SEGNAS_PORT", "many")
    assert refused().endswith(f"(in SEGNAS_PORT, {file})")
    monkeypatch.setenv("SEGNAS_PORT", "1")
    assert refused(reconcile_seconds=-1).endswith("(in the arguments)")


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}', "nonsense"])
def test_a_mapping_in_a_variable_is_strict_json(config, monkeypatch, text):
    monkeypatch.setenv("SEGNAS_WEIGHTS", text)
    assert "SEGNAS_WEIGHTS is not JSON" in refused()


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\n\n"])
def test_a_token_from_a_file_ends_in_a_newline(config, monkeypatch, end):
    monkeypatch.setenv("SEGNAS_TOKEN", f"a-token-from-a-file{end}")
    monkeypatch.setenv("SEGNAS_HOST", f"127.0.0.1{end}")
    monkeypatch.setenv("SEGNAS_DATABASE_URL", f"postgresql://u@h/d{end}")
    settings = read_settings()
    assert settings.token == SecretStr("a-token-from-a-file")
    assert settings.host == "127.0.0.1"
    assert settings.store_url == "postgresql://u@h/d"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_stand_in_a_file_of_its_own(config, tmp_path, monkeypatch, end):
    config("token: that-of-the-configuration")
    for name, secret in (("TOKEN", "a-token-of-its-own"), ("DATABASE_URL", "postgresql://u@h/d")):
        file = tmp_path / name
        file.write_bytes(f"{secret}{end}".encode())
        monkeypatch.setenv(f"SEGNAS_{name}_FILE", str(file))
    settings = read_settings()
    assert settings.token == SecretStr("a-token-of-its-own")
    assert settings.store_url == "postgresql://u@h/d"


def test_a_secret_in_two_places_or_in_a_file_that_is_not_there_is_refused(config, tmp_path, monkeypatch):
    file = tmp_path / "token"
    monkeypatch.setenv("SEGNAS_TOKEN_FILE", str(file))
    assert f"SEGNAS_TOKEN_FILE: {file} cannot be read: No such file or directory" in refused()
    file.write_text("\n")
    assert f"SEGNAS_TOKEN_FILE: {file} is empty" in refused()
    file.write_bytes(b"\xff")
    assert f"{file} cannot be read: it is no UTF-8 text" in refused()
    file.write_text("short")
    monkeypatch.setenv("SEGNAS_PORT", "many")
    assert refused().endswith("(in SEGNAS_PORT)")
    file.write_text("grüße-an-die-welt")
    assert refused().endswith("(in SEGNAS_PORT, SEGNAS_TOKEN_FILE)")
    monkeypatch.setenv("SEGNAS_TOKEN", "a-token-in-the-variable")
    assert "SEGNAS_TOKEN and SEGNAS_TOKEN_FILE are both set" in refused()
    monkeypatch.delenv("SEGNAS_TOKEN")
    monkeypatch.setenv("SEGNAS_TOKEN_FILE", "")
    monkeypatch.setenv("SEGNAS_PORT", "1")
    assert read_settings().token is None


def test_only_secrets_may_stand_in_files_of_their_own(config, monkeypatch):
    monkeypatch.setenv("SEGNAS_HOST_FILE", "/run/secrets/host")
    assert "SEGNAS_HOST_FILE of the environment is no setting" in refused()


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
def test_a_database_password_may_have_any_characters(password):
    url = "postgresql://segnas@db:5432/segnas?sslmode=require"
    parsed = make_url(Settings(database_url=SecretStr(url), database_password=SecretStr(password)).store_url)
    assert (parsed.password, parsed.username, parsed.host, parsed.port) == (password, "segnas", "db", 5432)
    assert (parsed.database, dict(parsed.query)) == ("segnas", {"sslmode": "require"})


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "it goes with the database_url of a PostgreSQL server"),
        ("sqlite:///file.db", "it goes with the database_url of a PostgreSQL server"),
        ("postgresql://u:p@h/d", "database_url has a password already"),
    ],
)
def test_a_database_password_without_its_place_is_refused(config, monkeypatch, url, sentence):
    monkeypatch.setenv("SEGNAS_DATABASE_URL", url)
    monkeypatch.setenv("SEGNAS_DATABASE_PASSWORD", "p@s/s#")
    assert sentence in refused()
    assert refused().endswith("(in SEGNAS_DATABASE_PASSWORD)")
    assert "p@s/s#" not in refused()


def test_a_token_for_metrics_goes_beside_a_token(config, monkeypatch):
    monkeypatch.setenv("SEGNAS_METRICS_TOKEN", "the-secret-of-prometheus")
    assert "it goes beside a token, and there is none" in refused()
    assert refused().endswith("(in SEGNAS_METRICS_TOKEN)")
    monkeypatch.setenv("SEGNAS_TOKEN", "a-secret-of-enough-length")
    token = read_settings().metrics_token
    assert token is not None
    assert token.get_secret_value() == "the-secret-of-prometheus"


def test_relative_paths_mean_the_files_folder_or_the_current_one(config, tmp_path, monkeypatch):
    file = config(
        yaml.safe_dump(
            {
                "datasets": {
                    "here": {"layout": "voc2012", "root": "data/voc"},
                    "far": {"layout": "voc2012", "root": "/v"},
                },
                "weights": {"plain": "w.pth", "long": {"path": "../w"}, "own": "~/w.pth"},
                "database_url": "sqlite:///records.db",
            }
        )
    )
    monkeypatch.chdir(tmp_path)
    settings = read_settings()
    home = file.parent
    assert settings.datasets["here"].root == home / "data/voc"
    assert settings.datasets["far"].root == Path("/v")
    assert settings.weights["plain"].path == home / "w.pth"
    assert settings.weights["long"].path == home / "../w"
    assert settings.weights["own"].path == Path("~/w.pth")
    assert settings.store_url == f"sqlite:///{home}/records.db"

    monkeypatch.setenv("SEGNAS_WEIGHTS", json.dumps({"plain": "w.pth"}))
    monkeypatch.setenv("SEGNAS_DATABASE_URL", "sqlite:///records.db")
    elsewhere = read_settings()
    assert elsewhere.weights["plain"].path == tmp_path / "w.pth"
    assert elsewhere.weights["long"].path == home / "../w"
    assert elsewhere.store_url == f"sqlite:///{tmp_path}/records.db"


@pytest.mark.parametrize("url", ["sqlite:////a/b.db", "sqlite://", "sqlite:///:memory:", "postgresql://u@h/d", "junk"])
def test_other_database_urls_stay_as_they_are(url):
    assert below(Path("/f"), {"database_url": url}) == {"database_url": url}


@given(st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda x: st.dictionaries(st.text(max_size=5), x)))
def test_what_is_of_a_wrong_form_is_left_to_validation(value):
    for name in ("datasets", "weights", "database_url"):
        made = below(Path("/f"), {name: value})[name]
        assert isinstance(made, type(value))


@pytest.mark.parametrize("folder", ["a?b", "100%25", "a b", "ü", "a#b"])
def test_a_home_folder_of_any_name_holds_the_database(tmp_path, folder):
    settings = Settings(home=tmp_path / folder)
    with Store.open(settings.store_url) as store:
        store.migrate()
    assert (tmp_path / folder / "segnas.db").is_file()
