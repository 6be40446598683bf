"""A trial: an address that may become a camera, tried out and seen.

Promises   nobody tries without the right to configure; a picture is handed out only after a line of it is in the looks,
           under the address, as there is no camera yet.
Does not   keep anything of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from luytre.base import log
from luytre.base.errors import Error
from luytre.cameras import stills
from luytre.cameras.probing import Probed, probe
from luytre.media.rtsp.url import redact, split_credentials
from luytre.people.actor import CONFIGURE, Actor
from luytre.people.looks import Looks
from luytre.recorder.plan import Transport
from luytre.recorder.probe import ProbeResult

PICTURE_WIDTH = 640
_PICTURE_QUALITY = 75
_LOG = log.get("cameras")


@dataclass(frozen=True, slots=True)
class Trial:
    """`jpeg`: its first picture, None when it cannot be decoded."""

    probed: Probed
    jpeg: bytes | None = field(repr=False)


async def try_out(
    actor: Actor,
    looks: Looks,
    url: str,
    user: str | None = None,
    password: str | None = None,
    transport: Transport = "auto",
) -> Trial:
    """What the address sends. Credentials beside it win over those in it. Raises Error: what `probe` raises, FORBIDDEN."""
    actor.require(CONFIGURE)
    clean, url_user, url_password = split_credentials(url)
    probed = await probe(
        clean,
        url_user if user is None else user,
        url_password if password is None else password,
        transport=transport,
    )
    return Trial(probed, await asyncio.to_thread(_look, actor, looks, redact(clean), probed.result))


def _look(actor: Actor, looks: Looks, address: str, result: ProbeResult) -> bytes | None:
    try:
        jpeg = stills.picture(
            result.picture.track, result.picture.data, quality=_PICTURE_QUALITY, width=PICTURE_WIDTH
        )
    except Error as error:
        # The figures stand without it.
        _LOG.info("the picture of a trial cannot be decoded", address=address, error=error.message)
        return None
    looks.record(actor, "trial", camera="", stream="", reason=address)
    return jpeg
