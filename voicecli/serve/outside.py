"""What a running server asks of Twilio: number, outbound calls, transfers; changes with those."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from voicecli.errors import UsageError
from voicecli.serve.account import Account, TwilioError
from voicecli.serve.app import Switchboard

log = logging.getLogger("voicecli.serve")
API_VARIABLE: Final = "VOICECLI_TWILIO_API"
"""Another address of the REST API: a region's, or a stand-in's."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line; numbers like +15551234567."""

    number: str | None
    call: str | None
    message: str
    transfer_to: str | None
    transfer_key: str

    @property
    def any(self) -> bool:
        """Whether Twilio is needed for any of it."""
        return bool(self.number or self.call or self.transfer_to)


def check_wishes(wishes: Wishes, *, public: bool) -> Account | None:
    """The account that can fulfil them; None if there is nothing to ask.

    Raises:
        UsageError: something is missing.
    """
    if not wishes.any:
        return None
    if wishes.call and not wishes.number:
        raise UsageError("--call needs --number, one of your own, to call from.")
    if wishes.number and not public:
        raise UsageError(
            "--number needs an address that Twilio can reach: --ngrok or --public-url."
        )
    return Account.from_environment(os.environ.get(API_VARIABLE))


@asynccontextmanager
async def outside(account: Account, wishes: Wishes, board: Switchboard) -> AsyncIterator[None]:
    """Within the block the number is ours; after it, its webhook is what it was.

    Raises:
        TwilioError: the number is not in the account, or Twilio refuses or is out of reach.
    """
    public_url = board.settings.access.public_url
    board.machine_message = wishes.message
    pending: set[asyncio.Task[None]] = set()

    def pressed(call_sid: str, digit: str) -> None:
        if wishes.transfer_to and digit == wishes.transfer_key:
            task = asyncio.create_task(_transfer(account, call_sid, wishes.transfer_to))
            pending.add(task)
            task.add_done_callback(pending.discard)

    board.on_key = pressed
    before = None
    if wishes.number:
        before = await asyncio.to_thread(account.point, wishes.number, f"{public_url}/voice")
        log.info("answering", extra={"number": wishes.number, "before": before.url})
    try:
        if wishes.call and wishes.number:
            await asyncio.to_thread(
                account.call, wishes.call, wishes.number, public_url,
                record=board.settings.recording.folder is not None,
            )  # fmt: skip
        yield
    finally:
        if before is not None and wishes.number:
            try:
                await asyncio.to_thread(account.restore, wishes.number, before)
                log.info("webhook put back", extra={"number": wishes.number})
            except TwilioError as error:
                log.error("%s", error)  # noqa: TRY400 - a sentence, no traceback


async def _transfer(account: Account, call_sid: str, number: str) -> None:
    try:
        await asyncio.to_thread(account.transfer, call_sid, number)
        log.info("transferred", extra={"to": number})
    except TwilioError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, no traceback
