"""What a running server asks of Twilio: number, outbound calls, transfers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from voicecli.errors import VoicecliError
from voicecli.serve.account import Account, TwilioError
from voicecli.serve.app import Switchboard
from voicecli.serve.borrowed import Webhook, borrow, give_back
from voicecli.serve.settings import Wishes
from voicecli.serve.threads import Threads, threads

log = logging.getLogger("voicecli.serve")
_MOST_TRANSFERS: Final = 16
"""At once; each may wait for Twilio as long as its requests may."""


@asynccontextmanager
async def outside(account: Account, wishes: Wishes, board: Switchboard) -> AsyncIterator[None]:
    """Within the block the number is ours; after it, its webhook is what it was.

    Raises:
        TwilioError: the number is not in the account, or Twilio refuses or is out of reach.
        StorageError: the old webhook cannot be noted.
    """
    board.machine_message = wishes.message
    # Each call may have one under way; the number is given back whatever becomes of them.
    most = min(board.settings.limits.max_calls, _MOST_TRANSFERS)
    with threads(most, "transfer") as transfers, threads(1, "number") as ours:

        async def put_through(call_id: str, number: str) -> str:
            return await _transfer(transfers, account, call_id, number)

        board.transfer = put_through
        if wishes.transfer_to:
            keys = {wishes.transfer_key: wishes.transfer_to}
            board.number_for = lambda key: keys.get(key, "")
        if not wishes.borrows:
            yield
            return
        async with _borrowed(ours, account, wishes, board):
            yield


@asynccontextmanager
async def _borrowed(
    ours: Threads, account: Account, wishes: Wishes, board: Switchboard
) -> AsyncIterator[None]:
    public_url = board.settings.access.public_url
    url = f"{public_url}/voice"
    before = await ours.run(borrow, account, wishes.number, url)
    board.number = before.number
    log.info("answering", extra={"number": before.number, "before": before.target})
    try:
        if wishes.call:
            sid = await ours.run(
                account.call, wishes.call, before.number, public_url,
                record=board.settings.recording.folder is not None,
            )  # fmt: skip
            log.info("calling", extra={"to": wishes.call, "call_sid": sid})
        yield
    finally:
        # Not to be cut short by a second signal: the number would be left pointing nowhere.
        await asyncio.shield(_give_back(ours, account, before, url))


async def _give_back(ours: Threads, account: Account, before: Webhook, url: str) -> None:
    number = before.number
    try:
        if await ours.run(give_back, account, before, url):
            log.info("webhook put back", extra={"number": number, "to": before.target})
        else:
            log.warning("webhook left alone: it was changed meanwhile", extra={"number": number})
    except VoicecliError as error:
        text = (
            f"{number} still points at this server: {error} Put it back by hand: Twilio console, "
            f"Phone Numbers, {number}, A call comes in: {before.target}"
        )
        log.error(text)  # noqa: TRY400 - a sentence, no traceback


async def _transfer(transfers: Threads, account: Account, call_id: str, number: str) -> str:
    """Put a call through; what went wrong, or nothing."""
    try:
        await transfers.run(account.transfer, call_id, number)
        log.info("transferred", extra={"to": number})
    except TwilioError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, no traceback
        return str(error)
    return ""
