"""Group robots (群机器人) of WeCom, DingTalk and Feishu over httpx: one line of text to a group, signed as each wants it.

Addresses and secrets come from a file of the operator's (``ROBOTS_FILE``) and go nowhere else: no log and no
exception carries them. Only the vendors' three hosts are called, over https, without following a redirect. A
vendor answers 200 with a code in the body when it refuses; that is a failure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.adapters.trust import trust
from models.delivery import Refused

HOSTS: Mapping[str, str] = {
    "wecom": "qyapi.weixin.qq.com",
    "dingtalk": "oapi.dingtalk.com",
    "feishu": "open.feishu.cn",
}
"""The one host of each vendor."""

PATHS: Mapping[str, str] = {
    "wecom": "/cgi-bin/webhook/send",
    "dingtalk": "/robot/send",
    "feishu": "/open-apis/bot/v2/hook/",
}
"""What an address of the vendor's begins with after its host."""

SIGNED = frozenset({"dingtalk", "feishu"})
"""Who signs with a secret; WeCom's key is in its address."""

SECONDS = 10.0


class RobotsProblem(Exception):
    """The file is wrong; names the robot and never a value of it."""


@dataclass(frozen=True, slots=True)
class Robot:
    """One robot of the file."""

    vendor: str
    url: str = field(repr=False)
    secret: str = field(repr=False)


def load(path: Path | None, origins: Mapping[str, str] | None = None) -> dict[str, Robot]:
    """The robots of the file by name; none without a file. Raises RobotsProblem.

    ``origins`` are scheme and host by vendor in place of the vendors' own.
    """
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RobotsProblem(f"{path.name}: {type(error).__name__}") from None
    except tomllib.TOMLDecodeError:
        # The parser's own words may quote the line, and so a secret.
        raise RobotsProblem(f"{path.name}: not TOML") from None
    return {name: _robot(name, row, origins) for name, row in table.items()}


def _robot(name: str, row: Any, origins: Mapping[str, str] | None) -> Robot:
    if not isinstance(row, Mapping) or set(row) - {"vendor", "url", "secret"} or len(name) > 40:
        raise RobotsProblem(
            f"{name[:40]}: a name of at most 40 characters with vendor, url, secret"
        )
    vendor, url, secret = (str(row.get(key, "")) for key in ("vendor", "url", "secret"))
    if vendor not in HOSTS:
        raise RobotsProblem(f"{name}: vendor is wecom, dingtalk or feishu")
    origin = (origins or {}).get(vendor, f"https://{HOSTS[vendor]}")
    if not url.startswith(f"{origin}{PATHS[vendor]}") or urlsplit(url).username is not None:
        raise RobotsProblem(f"{name}: url is not one of this vendor's own robots")
    if vendor in SIGNED and not secret:
        raise RobotsProblem(f"{name}: secret is missing")
    return Robot(vendor, url, secret)


class HttpRobots:
    """The port :class:`bot.ports.Robots` over HTTP."""

    def __init__(
        self,
        robots: Mapping[str, Robot],
        now: Callable[[], datetime],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._robots = robots
        self._now = now
        self._client = httpx.AsyncClient(
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,
            verify=trust(),
            headers={"User-Agent": "suda"},
            transport=transport,
        )

    async def send(self, name: str, text: str) -> None:
        """One message. Raises Refused, with ``vendor: code`` as its reason."""
        robot = self._robots.get(name)
        if robot is None:
            raise Refused("not in ROBOTS_FILE", final=True)
        params, body = signed(robot, text, self._now().timestamp())
        try:
            answer = await self._client.post(
                httpx.URL(robot.url).copy_merge_params(params), json=body
            )
        except httpx.HTTPError as error:
            raise Refused(f"{robot.vendor}: {type(error).__name__}", down=True) from None
        if answer.status_code != httpx.codes.OK:
            raise Refused(f"{robot.vendor}: HTTP {answer.status_code}")
        code = _code(answer)
        if code != 0:
            raise Refused(f"{robot.vendor}: {code}")

    async def close(self) -> None:
        await self._client.aclose()


def signed(robot: Robot, text: str, now: float) -> tuple[dict[str, str], dict[str, Any]]:
    """What goes into the address's query and into the body.

    DingTalk: HMAC-SHA256 by the secret over ``milliseconds\\nsecret``. Feishu: by ``seconds\\nsecret`` over nothing.
    """
    match robot.vendor:
        case "dingtalk":
            stamp = str(round(now * 1000))
            made = _hmac(robot.secret, f"{stamp}\n{robot.secret}")
            body = {"msgtype": "text", "text": {"content": text}}
            return {"timestamp": stamp, "sign": made}, body
        case "feishu":
            stamp = str(int(now))
            made = _hmac(f"{stamp}\n{robot.secret}", "")
            return {}, {
                "timestamp": stamp,
                "sign": made,
                "msg_type": "text",
                "content": {"text": text},
            }
    return {}, {"msgtype": "text", "text": {"content": text}}


def _hmac(key: str, message: str) -> str:
    return base64.b64encode(
        hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()
    ).decode()


def _code(answer: httpx.Response) -> object:
    """0 when it was taken; WeCom and DingTalk call it ``errcode``, Feishu ``code``."""
    try:
        said = answer.json()
    except ValueError:
        return "no JSON"
    if not isinstance(said, Mapping):
        return "no JSON"
    return said.get("errcode", said.get("code", "no code"))
