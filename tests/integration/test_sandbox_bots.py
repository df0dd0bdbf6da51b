"""Several bots on one stand-in: each has its token, its phones and its page, and none disturbs another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.sandbox.world import World
from tests.integration.sandbox_helpers import AUNT, Phone, running


async def ask(phone: Phone, token: str, method: str, **params: Any) -> Any:
    return (await phone.client.post(f"/bot{token}/{method}", json=params)).json()


async def test_two_bots_poll_side_by_side() -> None:
    async with running() as phone:
        made = await phone.post("bots", {"first_name": "另一个", "username": "other_bot"})
        token, number = made["token"], made["bot"]["id"]
        assert made["page"] == f"{phone.sandbox.url}/other/{number}/"
        assert (await ask(phone, token, "getMe"))["result"]["username"] == "other_bot"
        assert (await phone.call("getMe"))["id"] != number

        # The same person, on the phones of either bot.
        await phone.act("text", text="给第一个")
        page = f"/other/{number}"
        said = {"person": AUNT, "kind": "document", "name": "a.txt", "base64": "5pS2"}
        assert (await phone.client.post(f"{page}/control/act", json=said)).status_code == 200
        [first] = (await ask(phone, phone.world.token, "getUpdates"))["result"]
        [second] = (await ask(phone, token, "getUpdates"))["result"]
        assert first["message"]["text"] == "给第一个"

        # A file belongs to the bot that was sent it.
        file_id = second["message"]["document"]["file_id"]
        path = (await ask(phone, token, "getFile", file_id=file_id))["result"]["file_path"]
        assert (await phone.client.get(f"/file/bot{token}/{path}")).content.decode() == "收"
        assert "file_id" in await phone.refused("getFile", file_id=file_id)

        # What goes wrong for one does not for the other.
        await phone.post("faults", {"kind": "5xx"})
        sent = await ask(phone, token, "sendMessage", chat_id=AUNT, text="好")
        assert sent["result"]["from"]["id"] == number
        assert await phone.refused("getMe") == "502 Bad Gateway"
        shown = (await phone.client.get(f"{page}/control/messages", params={"chat": AUNT})).json()
        assert [post["out"] for post in shown] == [False, True]
        assert len(await phone.get("messages", chat=AUNT)) == 1


async def test_a_further_bots_page_is_as_guarded_as_the_first() -> None:
    async with running() as phone:
        made = await phone.post("bots", {})
        path = made["page"].removeprefix(phone.sandbox.url)
        for below in ("", "page/app.js", "control/state"):
            assert (await phone.client.get(path + below)).status_code == 200
            foreign = await phone.client.get(
                path + below, headers={"Origin": "http://evil.example"}
            )
            assert foreign.status_code == 403
        assert (await phone.client.get("/other/5/")).status_code == 404
        wrong = await phone.client.post("/control/bots", content="[")
        assert wrong.json()["description"] == "Bad Request: can't parse JSON"


async def test_a_second_start_knows_all_its_bots(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.db"
    async with running(World(file)) as phone:
        made = [await phone.post("bots", {}) for _ in range(2)]
        assert len({bot["bot"]["username"] for bot in made}) == 2
        await ask(phone, made[1]["token"], "setMyCommands", commands=[])
    async with running(World(file)) as phone:
        known = {bot["token"] for bot in await phone.get("bots")}
        assert known == {phone.world.token, *(bot["token"] for bot in made)}
