"""A public address for this computer through ngrok."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from voicecli.errors import UsageError, VoicecliError
from voicecli.serve.environment import hidden, is_secret

NGROK_TOKEN: Final = "NGROK_AUTHTOKEN"  # noqa: S105 - the name of a variable


class TunnelError(VoicecliError):
    """ngrok does not give us a tunnel."""

    exit_code = 9


@contextmanager
def tunnel(port: int) -> Iterator[str]:
    """Within the block a public https address leads to this port; gives the address.

    Raises:
        UsageError: NGROK_AUTHTOKEN is not set.
        TunnelError: the ngrok program cannot be had, or refuses the token.
    """
    token = os.environ.get(NGROK_TOKEN, "").strip()
    if not token:
        raise UsageError(
            f"set {NGROK_TOKEN} (ngrok dashboard, Your Authtoken), or give the address of another "
            "tunnel with --public-url."
        )
    from pyngrok import conf, ngrok  # noqa: PLC0415 - only those who want a tunnel pay for it
    from pyngrok.exception import PyngrokError, PyngrokNgrokInstallError  # noqa: PLC0415

    # One's own ngrok if there is one. In a session of its own: Ctrl-C is for us, and the tunnel
    # must stand while the last calls end. The token reaches it through the environment: on a
    # command line everybody could read it.
    settings = conf.PyngrokConfig(ngrok_path=shutil.which("ngrok"), start_new_session=True)
    settings.auth_token = None
    try:
        with hidden(_not_ngroks):
            opened = ngrok.connect(str(port), "http", pyngrok_config=settings)
    except PyngrokNgrokInstallError as error:
        raise TunnelError(
            f"the ngrok program is not installed and cannot be fetched: {error}; install it from "
            "ngrok.com/download."
        ) from None
    except (PyngrokError, OSError) as error:
        detail = (getattr(error, "ngrok_error", None) or str(error)).replace(token, "[token]")
        raise TunnelError(f"ngrok opens no tunnel: {detail.strip()}") from None
    try:
        yield str(opened.public_url).replace("http://", "https://", 1)
    finally:
        ngrok.kill(pyngrok_config=settings)


def _not_ngroks(name: str) -> bool:
    return is_secret(name) and not name.startswith("NGROK_")
