"""Configuration of a server, a worker or a command line: environment `SEGNAS_*` over `config.yaml` in the home folder.

A request can only *name* a data set or weights; the settings map the names to paths. The files below `datasets/` and
`weights/` of the home folder do so too, and are read anew at each use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from nas.data.entry import DatasetEntry, Layout, Registration
from nas.data.registrations import Registered, registered_datasets, registered_weights
from nas.escaping import header_value
from nas.logs import LogFormat
from nas.setting_sources import CONFIG_FILE, PREFIX, FileSource, VariablesSource, home_folder, origin
from nas.specs import Name
from nas.storage import StorageUrl
from nas.user_paths import absolute
from nas.weights.entry import WeightsEntry
from search_spaces.validation import InputError, field_problems

__all__ = ["DatasetEntry", "Layout", "Settings", "read_settings"]


class Settings(BaseSettings):
    """All settings; every field is `SEGNAS_<NAME>` in the environment (mappings as JSON).

    Secrets may stand in files of their own instead, which `SEGNAS_<NAME>_FILE` names.

    A value comes from the arguments, else from the environment, else from `config.yaml` in the home folder. An empty
    variable counts as unset. A relative path is below the folder of `config.yaml` where it stands there, and below the
    current folder where it stands in a variable.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid")

    home: Path = Field(
        Path("~/.segnas"),
        description="Holds config.yaml, segnas.db, datasets/, weights/, cache/, artifacts/, logs/, ray/.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="sqlite:///FILE or postgresql://USER@HOST/NAME; without it, an SQLite file in the home folder.",
    )
    database_password: SecretStr | None = Field(
        None,
        description="Password for a database_url without one; it is taken as it is, whatever characters it has.",
    )
    datasets: dict[Name, Registration] = Field(
        {},
        description="`name: {layout: cityscapes, root: DIR}`, or voc2012, ade20k. Beside those of `segnas data add`, "
        "which win.",
    )
    weights: dict[Name, WeightsEntry] = Field(
        {},
        description="`name: path`, or `name: {path: ..., mean: ..., std: ...}` with a preprocessing. Beside those of "
        "`segnas weights add`, which win.",
    )
    hub: bool = Field(False, description="Whether backbones `hf:organisation/name` may be fetched from the hub.")
    storage: StorageUrl | None = Field(
        None,
        description="`s3://bucket/prefix` behind the caches of all nodes: what one makes is fetched by the others.",
    )
    native: bool = Field(
        True,
        description="Whether processes that train on a CPU compile and use native kernels; false: torch's operators.",
    )
    host: str = Field("127.0.0.1", description="Address to bind; beyond this machine a token is needed.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port of the service; 0: any free port.")
    token: SecretStr | None = Field(None, description="Bearer token of the API; needed to bind beyond loopback.")
    metrics_token: SecretStr | None = Field(
        None, description="A bearer token that opens /metrics and nothing else, for Prometheus; beside `token`."
    )
    log_format: LogFormat = Field(
        "text", description="Log lines of the service and its drivers: text, or json for one object with ids a line."
    )
    public_url: str | None = Field(
        None, description="Address at which people reach the service, where it is not the one that is bound."
    )
    root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*/?$")] = Field(
        "",
        description="Path below which a proxy shows the service, such as /segnas, whether it passes it on or not.",
    )
    cors_origins: tuple[Annotated[str, Field(pattern=r"^https?://[^/\s*]+$")], ...] = Field(
        (),
        description="Sites whose pages may use the service from a browser, such as [https://tools.example]; none by "
        "default. They need a token as everybody does.",
    )
    ray_dashboard: str | None = Field(None, description="http://host:8265 of a cluster; None starts a local Ray.")
    ray_ca: Path | None = Field(
        None, description="PEM file of the authority that signed the certificate of an https:// ray_dashboard."
    )
    ray_dashboard_public: str | None = Field(None, description="Public address of the dashboard, for links.")
    dashboard_sign_in: bool = Field(
        True,
        description="Whether those who show the service's token also get Ray's, for the dashboard; with it one can "
        "start programs on the cluster.",
    )
    dashboard_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8265, description="Of the local Ray; 0: any free port."
    )
    max_driver_attempts: Annotated[int, Field(ge=1)] = Field(
        5, description="A search fails after so many drivers in a row that died by themselves and made no progress."
    )
    reconcile_seconds: Annotated[float, Field(gt=0)] = Field(
        2.0, description="Seconds between two looks of the service at its searches."
    )

    @field_validator("token", "metrics_token")
    @classmethod
    def _fits_in_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        return None if token is None else SecretStr(header_value(token.get_secret_value(), "the token"))

    @field_validator("root_path")
    @classmethod
    def _is_no_path_of_ours(cls, path: str) -> str:
        if path.startswith("/v1"):
            raise ValueError("a path that begins with /v1 cannot be told from the paths of the API")
        return path.rstrip("/")

    @field_validator("metrics_token")
    @classmethod
    def _is_beside_a_token(cls, metrics_token: SecretStr | None, given: ValidationInfo) -> SecretStr | None:
        if metrics_token is not None and "token" in given.data and given.data["token"] is None:
            raise ValueError("it goes beside a token, and there is none: without one, this machine may read /metrics")
        return metrics_token

    @field_validator("database_password")
    @classmethod
    def _is_the_urls_only_password(cls, password: SecretStr | None, given: ValidationInfo) -> SecretStr | None:
        if password is not None and "database_url" in given.data:  # else the URL is wrong itself
            url = given.data["database_url"]
            parts = urlsplit("" if url is None else url.get_secret_value())
            if not parts.scheme.startswith("postgres"):
                raise ValueError("it goes with the database_url of a PostgreSQL server, and there is none")
            if ":" in parts.netloc.rpartition("@")[0]:
                raise ValueError("database_url has a password already; leave one of the two out")
        return password

    @field_validator(
        "host", "public_url", "ray_dashboard", "ray_dashboard_public", "database_url", "storage", mode="before"
    )
    @classmethod
    def _without_white_space(cls, text: Any) -> Any:
        return text.strip() if isinstance(text, str) else text  # a file ends in a newline

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic passes all four by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = home_folder(init_settings().get("home")) / CONFIG_FILE
        return init_settings, VariablesSource(settings_cls), FileSource(settings_cls, file)

    @property
    def folder(self) -> Path:
        """The home folder, absolute.

        Raises:
            ValueError: It has no place; the sentence says why.
        """
        return absolute(self.home, "the home folder (SEGNAS_HOME)")

    @property
    def registered_datasets(self) -> Registered[Registration]:
        """Data sets by name: of the configuration, and of the registration files as they are now."""
        return registered_datasets(self.folder, self.datasets)

    @property
    def registered_weights(self) -> Registered[WeightsEntry]:
        """Weights by name: of the configuration, and of the registration files as they are now."""
        return registered_weights(self.folder, self.weights)

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store: `database_url` with the password, or the SQLite file in the home folder."""
        if self.database_url is not None:
            return _with_password(self.database_url.get_secret_value(), self.database_password)
        path = str(self.folder / "segnas.db").replace("%", "%25").replace("?", "%3F")  # as SQLAlchemy reads it back
        return f"sqlite:///{path}"

    @property
    def cache(self) -> Path:
        """Folder of content-addressed backbones and feature banks; safe to delete when nothing runs."""
        return self.folder / "cache"

    @property
    def artifacts(self) -> Path:
        """Folder of the trials' checkpoints, by search and trial number."""
        return self.folder / "artifacts"

    @property
    def logs(self) -> Path:
        """Folder of copies of the drivers' logs, by search and driver."""
        return self.folder / "logs"


def _with_password(url: str, password: SecretStr | None) -> str:
    if password is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password.get_secret_value(), safe='')}@{host}").geturl()


def read_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Args:
        **overrides: Fields that override the environment and `config.yaml`.

    Raises:
        ValueError: A setting is wrong; the message names the field, and the variable or file where the field stands.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        found = field_problems(error.errors(include_url=False, include_input=False), model=Settings)
        file = home_folder(overrides.get("home")) / CONFIG_FILE
        places = dict.fromkeys(origin(problem.path, overrides, file) for problem in found)
        raise ValueError(f"configuration: {InputError(found)} (in {', '.join(places)})") from None
    except SettingsError as error:
        raise ValueError(f"configuration: {error.__cause__}") from None
