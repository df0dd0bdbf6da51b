"""Geocoders over HTTP: Amap (高德) and Nominatim. An address in words becomes WGS-84 degrees, or nothing.

Off unless GEOCODER names one. Only the place that a person gave for the merchant is sent out, from an
errand, never inside a transaction. What fails is logged by its kind and counts as nothing found.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import httpx
import structlog

from bot.adapters.trust import trust
from bot.facts.datum import to_wgs84
from bot.ports import Geocoder
from bot.settings import Settings

log = structlog.get_logger(__name__)

KEPT = 10_000
"""Addresses whose answers are remembered, the found and the unknown ones."""

Degrees = tuple[float, float]


class _Cached:
    """Asks once for each address; a failure is not remembered."""

    def __init__(self, base_url: str, seconds: float, agent: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=seconds,
            headers={"User-Agent": agent},
            trust_env=False,
            verify=trust(),
        )
        self._known: OrderedDict[str, Degrees | None] = OrderedDict()

    async def find(self, address: str) -> Degrees | None:
        """WGS-84 degrees, or None when it is not found or the service does not answer."""
        if address in self._known:
            self._known.move_to_end(address)
            return self._known[address]
        try:
            path, params = self._question(address)
            answer = await self._client.get(path, params=params)
            answer.raise_for_status()
            found = self._read(answer.json())
        except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError) as error:
            log.warning("geocoder gave no answer", error=type(error).__name__)
            return None
        self._known[address] = found
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return found

    async def close(self) -> None:
        await self._client.aclose()

    def _question(self, address: str) -> tuple[str, Mapping[str, str]]:
        raise NotImplementedError

    def _read(self, answer: Any) -> Degrees | None:
        raise NotImplementedError


class Amap(_Cached):
    """高德地图 Web 服务 v3/geocode/geo; answers in GCJ-02."""

    def __init__(self, base_url: str, key: str, city: str, seconds: float) -> None:
        super().__init__(base_url or "https://restapi.amap.com", seconds, "suda")
        self._key, self._city = key, city

    def _question(self, address: str) -> tuple[str, Mapping[str, str]]:
        return "/v3/geocode/geo", {"address": address, "city": self._city, "key": self._key}

    def _read(self, answer: Any) -> Degrees | None:
        if answer["status"] != "1":
            raise ValueError("refused")
        if not answer["geocodes"]:
            return None
        lon, lat = map(float, answer["geocodes"][0]["location"].split(","))
        return to_wgs84(lat, lon, "gcj02")


class Nominatim(_Cached):
    """OpenStreetMap's search; answers in WGS-84. A public server allows one question a second."""

    def __init__(self, base_url: str, seconds: float) -> None:
        super().__init__(base_url or "https://nominatim.openstreetmap.org", seconds, "suda")

    def _question(self, address: str) -> tuple[str, Mapping[str, str]]:
        return "/search", {"q": address, "format": "jsonv2", "limit": "1", "countrycodes": "cn"}

    def _read(self, answer: Any) -> Degrees | None:
        return (float(answer[0]["lat"]), float(answer[0]["lon"])) if answer else None


def build(settings: Settings) -> Geocoder | None:
    """The geocoder that the settings name, None when they name none."""
    match settings.geocoder:
        case "amap":
            return Amap(
                settings.geocoder_url,
                settings.geocoder_key.get_secret_value(),
                settings.geocoder_city,
                settings.geocoder_seconds,
            )
        case "nominatim":
            return Nominatim(settings.geocoder_url, settings.geocoder_seconds)
    return None
