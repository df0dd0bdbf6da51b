"""A second person for a notice (双人复核): another admin sees it as readers will and says yes or no.

While there is one admin only, it waits instead, and she can stop it. It is decided once, whoever presses
how often, and each step is a line of the audit chain.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming
from bot.services.outreach import notice_board, release, when
from bot.services.outreach.readers import Audience, size
from bot.services.outreach.second_person import back, name, others_of, record, told, wait_for
from bot.services.outreach.states import moved, too_late
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice, NoticeState
from models.party import Account


async def ask(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """The author's 发送: other admins are asked, or, while there are none, it waits a while."""
    if not await size(session, Audience.from_json(notice.audience)):
        return say("notice.nobody_toast")
    if notice.media and not notice.media["fit"]:
        return say("notice.checking_toast")
    others = await others_of(session, account)
    if not others and not account.is_admin:
        return say("notice.no_admin")
    if not await moved(session, notice, NoticeState.WAITING, NoticeState.DRAFT):
        return await too_late(session, tables, notice, answer)
    words = await wait_for(session, tables, notice, account, account)
    await answer(
        words,
        buttons=[[notice_board.about(notice.id, "back")]],
        slot=notice_board.slot(notice.id),
    )
    return say("notice.toast.asked" if others else "notice.toast.alone")


async def take_back(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say | None:
    """Nobody gets it: the author's stop, as long as nothing was sent."""
    before = NoticeState.WAITING, NoticeState.SCHEDULED
    if not await moved(session, notice, NoticeState.DROPPED, *before):
        return await too_late(session, tables, notice, answer)
    await record(session, tables.clock.now(), notice, account, "back")
    await answer(say("notice.dropped"), slot=notice_board.slot(notice.id))
    await told(session, tables, notice, account, say("notice.taken_back"))
    return None


async def approve(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """Another admin's yes: it goes out now or when it is due."""
    return await _approve(session, tables, notice, account, answer, urgent=False)


async def urgent(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """Another admin's yes, and that it may go out at night too."""
    return await _approve(session, tables, notice, account, answer, urgent=True)


async def _approve(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    account: Account,
    answer: Answer,
    *,
    urgent: bool,
) -> Say:
    if notice.author_id == account.id:
        return say("notice.own")
    if not await size(session, Audience.from_json(notice.audience)):
        return say("notice.nobody_toast")
    if not await moved(session, notice, NoticeState.SENDING, NoticeState.WAITING):
        return await too_late(session, tables, notice, answer)
    notice.reviewer_id, notice.urgent = account.id, urgent
    what = "send_urgent" if urgent else "send"
    await record(session, tables.clock.now(), notice, account, what)
    due = await release.release(session, tables, notice)
    author = await session.get_one(Account, notice.author_id)
    if due is not None:
        said = say("notice.approved_due", who=name(account), when=when.moment(due))
        await answer(said, buttons=back(notice), slot=notice_board.slot(notice.id))
        await tell(
            session,
            tables,
            author.address,
            said,
            buttons=back(notice) if author.is_admin else (),
            slot=notice_board.slot(notice.id),
        )
    else:
        said = say("notice.approved", who=name(account))
        await notice_board.result(session, tables, notice, answer)
        await release.show(session, tables, notice, author)
        await tell(session, tables, author.address, said)
    await told(session, tables, notice, account, said)
    return say("notice.toast.approved_due" if due is not None else "notice.toast.approved")


async def refuse(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say | None:
    """Another admin's no: why, is asked first."""
    if notice.author_id == account.id:
        return say("notice.own")
    await session.refresh(notice)
    if notice.state is not NoticeState.WAITING:
        return await too_late(session, tables, notice, answer)
    account.awaiting = {"verb": notice_board.VERB, "step": "why", "notice": notice.id.hex}
    await answer(say("notice.why", most=tables.policy.notice_reason_characters), buttons=_STOP)
    return None


async def reason(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    notice: Notice | None,
    account: Account,
    answer: Answer,
) -> None:
    """The words of a no: the author gets them, and nobody the notice."""
    most = tables.policy.notice_reason_characters
    words = heard.text.strip()
    if heard.files or not words:
        await answer(say("notice.why", most=most), buttons=_STOP)
        return
    if len(words) > most:
        await answer(say("notice.too_long", count=len(words), most=most), buttons=_STOP)
        return
    account.awaiting = None
    if notice is None or notice.author_id == account.id:
        await answer(say("notice.gone"))
        return
    if not await moved(session, notice, NoticeState.REFUSED, NoticeState.WAITING):
        toast = await too_late(session, tables, notice, answer)
        await answer(say("notice.no_too_late", state=toast))
        return
    notice.reviewer_id = account.id
    await record(session, tables.clock.now(), notice, account, "refuse")
    await answer(say("notice.refused"), slot=notice_board.slot(notice.id))
    author = await session.get_one(Account, notice.author_id)
    await tell(
        session,
        tables,
        author.address,
        say("notice.state.refused"),
        slot=notice_board.slot(notice.id),
    )
    await tell(
        session,
        tables,
        author.address,
        say("notice.refused_why", who=name(account), reason=words),
        buttons=[[notice_board.about(notice.id, "again")]] if author.is_admin else (),
    )
    await told(session, tables, notice, account, say("notice.refused_by", who=name(account)))


_STOP = [[button("admin.button.stop", "m", value="stop")]]
