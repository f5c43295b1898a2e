"""All settings, read once from `STATION_*` in the environment or from `station.env`; each has help and a default."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Frozen; made once at the start of a role and handed down."""

    model_config = SettingsConfigDict(env_prefix="STATION_", env_file="station.env", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address the web role listens on; anything but loopback turns HTTPS on.")
    http_port: int = Field(8080, ge=0, le=65535, description="Port of pages and API.")
    media_port: int = Field(8189, ge=0, le=65535, description="The one port of the media role, UDP and TCP.")
    media_http_port: int = Field(8190, ge=0, le=65535, description="Loopback port of media's signalling and control.")
    live_http_port: int = Field(8191, ge=0, le=65535, description="Loopback port of the live role.")
    public_host: str = Field("", description="Address put into ICE candidates; empty: found from the interfaces.")
    data: Path = Field(Path("var"), description="Folder of everything the station keeps.")
    database_url: str = Field("", description="PostgreSQL URL; empty: SQLite in the data folder.")
    redis_url: str = Field("", description="Redis URL for the bus and rate limits; empty: in process.")
    demo: bool = Field(
        False, description="Demo data, and a page that shows logins and the outbox. Never in production."
    )
    district: str = Field("清和区", description="Name of the district shown in the page head.")
    help_phone: str = Field("(0000) 880 0123", description="Telephone number at the foot of each page.")
    trusted_proxies: str = Field("", description="Comma-separated addresses whose X-Forwarded-For is believed.")
    tls_cert: Path | None = Field(None, description="Certificate (PEM); made on the spot where HTTPS needs one.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate.")
    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://user:password@host:port for mail; empty: no mail.")
    max_upload_bytes: int = Field(10 * 2**20, description="Largest photo taken, in bytes.")
    turn_url: str = Field("", description="turn:host:port of a coturn; empty: none.")
    turn_secret: SecretStr = Field(SecretStr(""), description="Shared secret for short-lived TURN credentials.")
    log_level: str = Field("info", description="debug, info, warning or error.")

    @property
    def keys(self) -> Path:
        """Folder of the signing keys."""
        return self.data / "keys"

    @property
    def resolved_database_url(self) -> str:
        """The URL with its async driver named."""
        url = self.database_url
        if not url:
            return f"sqlite+aiosqlite:///{(self.data / 'station.db').resolve()}"
        return url.replace("postgresql://", "postgresql+asyncpg://", 1)

    @property
    def media_url(self) -> str:
        """Where web and live reach media."""
        return f"http://127.0.0.1:{self.media_http_port}"

    @property
    def live_url(self) -> str:
        """Where web reaches live."""
        return f"http://127.0.0.1:{self.live_http_port}"
