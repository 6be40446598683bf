"""Logging in while one conversation goes on: challenges, and what is answered to them (RFC 2617, RFC 7616).

Promises   each challenge is answered once; a second refusal in a row is final unless only the nonce was stale; the nonce
           count rises with each request.
Does not   know RTSP from HTTP: both are asked in the same words.
"""

from __future__ import annotations

from luytre.media.rtsp.answers import auth_failed
from luytre.media.rtsp.auth import Challenge, Credentials, authorization, choose, parse_challenges
from luytre.media.rtsp.messages import Headers, Response

# One per request would already be odd; a camera whose every nonce is stale must not keep us here.
MAX_CHALLENGES = 12


class Login:
    def __init__(self, who: Credentials) -> None:
        self._who = who
        self._challenge: Challenge | None = None
        self._count = 0
        self._challenges = 0
        self._tried = False

    def __bool__(self) -> bool:
        """Whether there is anything to log in with."""
        return bool(self._who)

    def headers(self, method: str, url: str) -> Headers:
        """What a request carries; nothing before the first challenge."""
        if self._challenge is None:
            return ()
        self._count += 1
        return (("Authorization", authorization(self._challenge, self._who, method, url, count=self._count)),)

    def challenged(self, response: Response) -> None:
        """A 401 came: the request is to be sent again. Raises Error(auth_failed) when that would be in vain."""
        chosen = choose(parse_challenges(response.get_all("www-authenticate")))
        stale = chosen is not None and chosen.stale
        self._challenges += 1
        if (
            chosen is None
            or not self._who
            or (self._tried and not stale)
            or self._challenges > MAX_CHALLENGES
        ):
            raise auth_failed(bool(self._who), chosen is not None)
        self._tried = True
        self._challenge, self._count = chosen, 0

    def accepted(self) -> None:
        """A request was not refused: the next challenge is a new one."""
        self._tried = False

    def renewed(self, response: Response) -> bool:
        """The nonce grew old in a session that plays: whether asking again with a new one makes sense."""
        chosen = choose(parse_challenges(response.get_all("www-authenticate"))) if self._who else None
        if chosen is None:
            return False
        self._challenge, self._count = chosen, 0
        return True
