"""What a running server asks of the carrier: number, outbound calls, transfers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from voicecli.carriers.errors import CarrierError
from voicecli.carriers.protocol import Account, Lease
from voicecli.errors import VoicecliError
from voicecli.serve.app import CallRoutes
from voicecli.serve.settings import CarrierOptions
from voicecli.serve.threads import Threads, threads

log = logging.getLogger("voicecli.serve")
_MOST_TRANSFERS: Final = 16
"""At once; each may wait for the carrier as long as its requests may."""


@asynccontextmanager
async def answering_number(
    account: Account, options: CarrierOptions, routes: CallRoutes
) -> AsyncIterator[None]:
    """Within the block the number is ours; after it, its webhook is what it was.

    Raises:
        CarrierError: the number is not in the account, or the carrier refuses or is out of reach.
        StorageError: the old webhook cannot be noted.
    """
    routes.machine_message = options.message
    # Each call may have one under way; the number is given back whatever becomes of them.
    most = min(routes.settings.limits.max_calls, _MOST_TRANSFERS)
    with threads(most, "transfer") as transfers, threads(1, "number") as ours:

        async def put_through(call_id: str, number: str) -> str:
            return await _transfer(transfers, account, call_id, number)

        routes.transfer = put_through
        if options.transfer_to:
            keys = {options.transfer_key: options.transfer_to}
            routes.number_for = lambda key: keys.get(key, "")
        if not options.borrows:
            yield
            return
        async with _borrowed(ours, account, options, routes):
            yield


@asynccontextmanager
async def _borrowed(
    ours: Threads, account: Account, options: CarrierOptions, routes: CallRoutes
) -> AsyncIterator[None]:
    public_url = routes.settings.access.public_url
    lease = await ours.run(account.borrow, options.number, f"{public_url}/voice")
    routes.number = lease.number
    log.info("answering", extra={"number": lease.number, "before": lease.before})
    try:
        if options.call:
            sid = await ours.run(
                account.call, options.call, lease.number, public_url,
                record=routes.settings.recording.folder is not None,
            )  # fmt: skip
            log.info("calling", extra={"to": options.call, "call_sid": sid})
        yield
    finally:
        # Not to be cut short by a second signal: the number would be left pointing nowhere.
        await asyncio.shield(_give_back(ours, lease))


async def _give_back(ours: Threads, lease: Lease) -> None:
    number = lease.number
    try:
        if await ours.run(lease.give_back):
            log.info("webhook put back", extra={"number": number, "to": lease.before})
        else:
            log.warning("webhook left alone: it was changed meanwhile", extra={"number": number})
    except VoicecliError as error:
        text = f"{number} still points at this server: {error} Put it back by hand: {lease.by_hand}"
        log.error(text)  # noqa: TRY400 - a sentence, no traceback


async def _transfer(transfers: Threads, account: Account, call_id: str, number: str) -> str:
    """Put a call through; what went wrong, or nothing."""
    try:
        await transfers.run(account.transfer, call_id, number)
        log.info("transferred", extra={"to": number})
    except CarrierError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence, no traceback
        return str(error)
    return ""
