"""What `station settings` prints: every setting with its value, source and help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from station.base.logging import mask_text
from station.base.settings import Settings


def describe_settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """Two lines a setting: its variable with value and source, then its help. Secrets are not shown."""
    file = settings.model_config.get("env_file")
    from_file = dotenv_values(file) if isinstance(file, str) and Path(file).is_file() else {}
    for name, field in type(settings).model_fields.items():
        variable = f"STATION_{name.upper()}"
        source = "default"
        if variable in environment:
            source = "environment"
        elif variable in from_file:
            source = str(file)
        yield f"{variable} = {_shown(getattr(settings, name))}   [{source}]"
        yield f"    {field.description}"


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(set, not shown)" if value.get_secret_value() else "(empty)"
    if value is None or value == "":
        return "(empty)"
    return mask_text(str(value))
