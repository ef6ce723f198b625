"""What a running server asks of Twilio: number, outbound calls, transfers; changes with those."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecli.errors import VoicecliError
from voicecli.serve.account import Account, TwilioError
from voicecli.serve.app import Switchboard
from voicecli.serve.borrowed import Webhook, borrow, give_back
from voicecli.serve.settings import Wishes

log = logging.getLogger("voicecli.serve")


@asynccontextmanager
async def outside(account: Account, wishes: Wishes, board: Switchboard) -> AsyncIterator[None]:
    """Within the block the number is ours; after it, its webhook is what it was.

    Raises:
        TwilioError: the number is not in the account, or Twilio refuses or is out of reach.
        StorageError: the old webhook cannot be noted.
    """
    public_url = board.settings.access.public_url
    board.machine_message = wishes.message
    pending: set[asyncio.Task[str]] = set()

    def pressed(call_sid: str, digit: str) -> None:
        if wishes.transfer_to and digit == wishes.transfer_key:
            task = asyncio.create_task(_transfer(account, call_sid, wishes.transfer_to))
            pending.add(task)
            task.add_done_callback(pending.discard)

    async def put_through(call_sid: str, number: str) -> str:
        return await _transfer(account, call_sid, number)

    board.on_key = pressed
    board.transfer = put_through
    if not wishes.borrows:
        yield
        return
    url = f"{public_url}/voice"
    before = await asyncio.to_thread(borrow, account, wishes.number, url)
    board.number = before.number
    log.info("answering", extra={"number": before.number, "before": before.target})
    try:
        if wishes.call:
            sid = await asyncio.to_thread(
                account.call, wishes.call, before.number, public_url,
                record=board.settings.recording.folder is not None,
            )  # fmt: skip
            log.info("calling", extra={"to": wishes.call, "call_sid": sid})
        yield
    finally:
        # Not to be cut short by a second signal: the number would be left pointing nowhere.
        await asyncio.shield(_give_back(account, before, url))


async def _give_back(account: Account, before: Webhook, url: str) -> None:
    number = before.number
    try:
        if await asyncio.to_thread(give_back, account, before, url):
            log.info("webhook put back", extra={"number": number, "to": before.target})
        else:
            log.warning("webhook left alone: it was changed meanwhile", extra={"number": number})
    except VoicecliError as error:
        text = (
            f"{number} still points at this server: {error} Put it back by hand: Twilio console, "
            f"Phone Numbers, {number}, A call comes in: {before.target}"
        )
        log.error(text)  # noqa: TRY400 - a sentence, no traceback


async def _transfer(account: Account, call_sid: str, number: str) -> str:
    """Put a call through; what went wrong, or nothing."""
    try:
        await asyncio.to_thread(account.transfer, call_sid, number)
        log.info("transferred", extra={"to": number})
    except TwilioError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, no traceback
        return str(error)
    return ""
