"""How tracks are to come: what SETUP asks for, and what its answers mean (RFC 2326 section 12.39).

Promises   a session's tracks come as the first of them does; "auto" asks for TCP and goes over to UDP in the same session
           where the camera refuses TCP or answers with UDP.
Does not   open ports: `reserve` does, and gives those of one more track, (RTP, RTCP).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from luytre.media.rtsp.answers import Transport, parse_transport, refusal
from luytre.media.rtsp.messages import Response
from luytre.media.rtsp.tracks import ClientTrack, UdpEnds

Way = Literal["auto", "tcp", "udp"]
Reserve = Callable[[], tuple[int, int]]
UNSUPPORTED = 461


class Setup:
    """`ready`: the tracks that are set up."""

    def __init__(self, way: Way, reserve: Reserve | None) -> None:
        self._udp = way == "udp"
        self._may_change = way == "auto" and reserve is not None
        self._reserve = reserve
        self._client_ports = (0, 0)
        self.ready: list[ClientTrack] = []

    def header(self, track: ClientTrack) -> str:
        """The Transport header that asks for a track. Raises OSError where no port is to be had."""
        if not self._udp:
            return f"RTP/AVP/TCP;unicast;interleaved={track.channel}-{track.rtcp_channel}"
        assert self._reserve is not None
        self._client_ports = self._reserve()
        return "RTP/AVP;unicast;client_port={}-{}".format(*self._client_ports)

    def answered(self, track: ClientTrack, response: Response) -> bool:
        """False: it is to be asked for again, in another way. Raises Error when the track cannot be had."""
        header = response.get("transport")
        found = parse_transport(header)
        accepted = 200 <= response.status < 300
        if self._may_change and (response.status == UNSUPPORTED or (accepted and header and not found.tcp)):
            self._may_change, self._udp = False, True
            return False
        if not accepted:
            raise refusal("SETUP", response.status, response.reason)
        self._may_change = False
        if self._udp and not found.tcp:
            if found.multicast:
                raise refusal("SETUP", UNSUPPORTED, "Unsupported Transport (multicast only)")
            ends = UdpEnds(self._client_ports, found.server_ports, found.source)
            self.ready.append(replace(track, ssrc=found.ssrc, udp=ends))
            return True
        if header and not found.tcp:
            raise refusal("SETUP", UNSUPPORTED, "Unsupported Transport (UDP only)")
        self.ready.append(self._on_channels(track, found))
        return True

    def _on_channels(self, track: ClientTrack, found: Transport) -> ClientTrack:
        """The channels as the camera gave them; ours when it gave none, or such as another track has already."""
        rtp, rtcp = found.channels or (track.channel, track.rtcp_channel)
        if any({rtp, rtcp} & {other.channel, other.rtcp_channel} for other in self.ready):
            rtp, rtcp = track.channel, track.rtcp_channel
        return replace(track, channel=rtp, rtcp_channel=rtcp, ssrc=found.ssrc)
