"""What can go wrong with a session or a packet; HTTP statuses are given in `media.http` alone.

MediaError
├── MalformedPacket         bytes from the network that are no STUN, RTP or RTCP
├── InvalidSettings
├── PortTaken
└── Refused                 an answer to a request over HTTP
    ├── Unauthorized
    ├── Forbidden
    ├── WrongContentType
    ├── OfferTooLarge
    ├── MalformedOffer
    ├── UnacceptableOffer
    ├── SeatTaken
    ├── NotLive
    ├── UnknownSession
    ├── MissingETag
    ├── StaleETag
    ├── TooManyRequests
    └── Overloaded
"""


class MediaError(Exception):
    """Root of what the media plane raises."""


class MalformedPacket(MediaError):
    """Bytes from the network do not have the shape they claim."""


class InvalidSettings(MediaError):
    """The environment does not describe a media process that can start."""


class PortTaken(MediaError):
    """Another process has the port, or the address is not this machine's."""


class Refused(MediaError):
    """A request over HTTP that is answered with a reason."""


class Unauthorized(Refused):
    """There is no token, or it is not one of ours, or it has expired."""


class Forbidden(Refused):
    """The token is good, for something else."""


class WrongContentType(Refused):
    """The body is not of the type this resource takes."""


class OfferTooLarge(Refused):
    """The body is larger than any offer."""


class MalformedOffer(Refused):
    """The body is not SDP."""


class UnacceptableOffer(Refused):
    """The SDP is understood and cannot be served; the message says what to choose."""


class SeatTaken(Refused):
    """Somebody else is publishing on this seat."""


class NotLive(Refused):
    """Nothing is published on this seat at the moment."""


class UnknownSession(Refused):
    """The session ended, or there never was one."""


class MissingETag(Refused):
    """A restart has to name the ICE session it replaces."""


class StaleETag(Refused):
    """The ICE session named was replaced since."""


class TooManyRequests(Refused):
    """One person, or one address, opens more sessions than any player would."""


class Overloaded(Refused):
    """This process serves as many viewers as it can carry."""
