"""Where settings come from: variables of the environment and `config.yaml`; each refuses what it does not know."""

from __future__ import annotations

import difflib
import errno
import json
import os
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource

from nas.user_paths import expanded
from nas.yaml_files import entry_below, read_yaml

PREFIX = "SEGNAS_"
CONFIG_FILE = "config.yaml"

FILE_SUFFIX = "_FILE"
"""Of a variable that names the file in which a secret setting stands."""

OTHER_VARIABLES = {
    "SEGNAS_URL": "where the command line and the Python client find the service",
    "SEGNAS_RAY_CLUSTER": "set by a local Ray cluster for all its processes, by which they are told from others",
}
"""Variables of the environment that begin like settings and are none, and what they are."""

_SQLITE = re.compile(r"(sqlite(?:\+pysqlite)?:///)(?![/~]|:memory:|file:|$)", re.IGNORECASE)
"""The beginning of a database URL with a relative path."""


def home_folder(given: Any = None) -> Path:
    """The home folder: as given, else SEGNAS_HOME, else `~/.segnas`.

    Raises:
        ValueError: A user's home folder is not known.
    """
    return expanded(Path(given or os.environ.get("SEGNAS_HOME") or "~/.segnas"), "the home folder (SEGNAS_HOME)")


def origin(path: str, overrides: Container[str], file: Path) -> str:
    """Name the place where a setting stands, for the sentence of an error.

    Args:
        path: The dotted path of the setting.
        overrides: Names of the settings that the caller has given.
        file: The configuration file.
    """
    name = path.partition(".")[0]
    if name in overrides:
        return "the arguments"
    variable = PREFIX + name.upper()
    return next((v for v in (variable, variable + FILE_SUFFIX) if os.environ.get(v)), str(file))


class VariablesSource(EnvSettingsSource):
    """Settings from variables of the environment, and secrets from files named there; an empty variable is unset.

    Raises:
        ValueError: A variable begins with SEGNAS_ and is no setting; or a secret is given twice, or its file cannot be
            read.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        _refuse_unknown(settings_cls)
        super().__init__(settings_cls)

    def __call__(self) -> dict[str, Any]:
        try:
            here = Path.cwd()
        except FileNotFoundError:
            raise ValueError("the folder that this command runs in was removed: go to another one") from None
        return below(here, super().__call__() | secrets_from_files(self.settings_cls))

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002  its base's
        try:
            return json.loads(value, object_pairs_hook=_unique)
        except ValueError as error:
            raise ValueError(f"{PREFIX}{field_name.upper()} is not JSON: {error}") from None


def secret_names(settings_cls: type[BaseSettings]) -> list[str]:
    """Return the names of the settings that are secrets, which may stand in files of their own."""
    return [name for name, field in settings_cls.model_fields.items() if SecretStr in get_args(field.annotation)]


def secrets_from_files(settings_cls: type[BaseSettings]) -> dict[str, str]:
    """Read the secrets whose files are named by variables `SEGNAS_<NAME>_FILE`.

    Args:
        settings_cls: The settings.

    Returns:
        The secrets by the names of their settings, each without the newline at the end of its file.

    Raises:
        ValueError: A secret is given twice, or its file cannot be read or is empty.
    """
    named = {name: os.environ.get(f"{PREFIX}{name.upper()}{FILE_SUFFIX}") for name in secret_names(settings_cls)}
    return {name: _secret(PREFIX + name.upper(), Path(file)) for name, file in named.items() if file}


def _secret(variable: str, file: Path) -> str:
    if os.environ.get(variable):
        raise ValueError(f"configuration: {variable} and {variable}{FILE_SUFFIX} are both set; set one of them")
    try:
        secret = file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ValueError(f"configuration: {variable}{FILE_SUFFIX}: {file} cannot be read: {reason}") from None
    if not secret:
        raise ValueError(f"configuration: {variable}{FILE_SUFFIX}: {file} is empty")
    return secret


class FileSource(InitSettingsSource):
    """Settings from a YAML file, read as strictly as specs are; no file, or an empty one, is no setting.

    Raises:
        ValueError: The file cannot be read, or is not YAML, or names the home folder that it lies in; or that folder is
            no folder, or one that nobody may look into.
    """

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        data = read_yaml(file, empty=True) if _is_there(file) else {}
        if "home" in data:
            raise ValueError(f"{file}: home is the folder of this file, so it cannot stand here; set SEGNAS_HOME")
        self._settings = below(file.parent.absolute(), {str(name): value for name, value in data.items()})
        super().__init__(settings_cls, self._settings)

    def __call__(self) -> dict[str, Any]:
        return self._settings  # as they are written: the base class would take HOST for host


def _is_there(file: Path) -> bool:
    """Whether there is a configuration file, in a home folder that may not be there yet."""
    try:
        file.lstat()
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        home = file.parent
        wrong = next(part for part in (home, *home.parents) if part.exists())
        below = "" if wrong == home else f", so {home} cannot be the home folder"
        raise ValueError(f"{wrong} is not a folder{below}: set SEGNAS_HOME to one") from None
    except OSError as error:
        reason = "links lead in a circle" if error.errno == errno.ELOOP else error.strerror
        raise ValueError(f"the home folder (SEGNAS_HOME), {file.parent}, cannot be used: {reason}") from None
    return True


def below(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Make the relative paths of some settings absolute.

    Args:
        folder: What relative paths are below.
        settings: Settings by name, before they are validated: what is of a wrong form stays as it is.
    """
    made = dict(settings)
    for name, field in (("datasets", "root"), ("weights", "path")):
        if isinstance(made.get(name), Mapping):
            made[name] = {entry: entry_below(folder, value, field) for entry, value in made[name].items()}
    if isinstance(made.get("database_url"), str):
        quoted = str(folder).replace("%", "%25").replace("?", "%3F").replace("\\", r"\\")
        made["database_url"] = _SQLITE.sub(rf"\g<1>{quoted}/", made["database_url"], count=1)
    return made


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice!r} stands here twice")
    return made


def _refuse_unknown(settings_cls: type[BaseSettings]) -> None:
    known = [PREFIX + name.upper() for name in settings_cls.model_fields] + list(OTHER_VARIABLES)
    known += [f"{PREFIX}{name.upper()}{FILE_SUFFIX}" for name in secret_names(settings_cls)]
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name not in known)
    if unknown:
        close = difflib.get_close_matches(unknown[0].upper(), known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        raise ValueError(f"configuration: the variable {unknown[0]} of the environment is no setting; {remedy}")
