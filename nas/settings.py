"""Configuration of a server, a worker or a command line: environment `SEGNAS_*` over `config.yaml` in the home folder.

A request can only *name* a data set or weights; the settings map the names to paths. The files below `datasets/` and
`weights/` of the home folder do so too, and are read anew at each use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from nas.data.entry import DatasetEntry, Layout, Registration
from nas.data.registrations import Registered, registered_datasets, registered_weights
from nas.specs import Name
from nas.weights.entry import WeightsEntry
from search_spaces.validation import explain

__all__ = ["DatasetEntry", "Layout", "Settings", "read_settings"]


class Settings(BaseSettings):
    """All settings; every field is `SEGNAS_<NAME>` in the environment (mappings as JSON).

    A value comes from the arguments, else from the environment, else from `config.yaml` in the home folder.
    """

    model_config = SettingsConfigDict(env_prefix="SEGNAS_", extra="forbid")

    home: Path = Field(
        Path("~/.segnas"),
        description="Holds config.yaml, segnas.db, datasets/, weights/, cache/, artifacts/, logs/, ray/.",
    )
    database_url: SecretStr | None = Field(None, description="None: SQLite file in the home folder.")
    datasets: dict[Name, Registration] = Field({}, description="Beside those of `segnas data add`, which win.")
    weights: dict[Name, WeightsEntry] = Field(
        {},
        description="`name: path`, or `name: {path: ..., mean: ..., std: ...}` with a preprocessing. Beside those of "
        "`segnas weights add`, which win.",
    )
    hub: bool = Field(False, description="Whether backbones `hf:organisation/name` may be fetched from the hub.")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    token: SecretStr | None = Field(None, description="Bearer token of the API; needed to bind beyond loopback.")
    ray_dashboard: str | None = Field(None, description="http://host:8265 of a cluster; None starts a local Ray.")
    ray_dashboard_public: str | None = Field(None, description="Public address of the dashboard, for links.")
    dashboard_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8265, description="Of the local Ray; 0: any free port."
    )
    max_driver_attempts: Annotated[int, Field(ge=1)] = Field(
        5, description="A search fails after so many drivers in a row that died by themselves and made no progress."
    )
    reconcile_seconds: Annotated[float, Field(gt=0)] = 2.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic passes all four by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        home = TypeAdapter(Path).validate_python(os.environ.get("SEGNAS_HOME", "~/.segnas")).expanduser()
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, home / "config.yaml")

    @property
    def folder(self) -> Path:
        """The home folder, absolute."""
        return self.home.expanduser().resolve()

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
        """SQLAlchemy URL of the store: `database_url`, or the SQLite file in the home folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.folder / 'segnas.db'}"

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


def read_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Args:
        **overrides: Fields that override the environment and `config.yaml`.

    Raises:
        ValueError: A setting is wrong; the message names the field.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise ValueError(f"configuration: {explain(error, model=Settings)}") from None
    except SettingsError as error:
        raise ValueError(f"configuration: {error} ({error.__cause__})") from None
    except yaml.YAMLError as error:
        raise ValueError(f"configuration: config.yaml is not YAML: {' '.join(str(error).split())}") from None
