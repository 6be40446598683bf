"""Which language an answer is in: `?lang=`, else `Accept-Language`, else Vietnamese."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from luytre.cameras.reasons import LANGUAGES, Language

DEFAULT: Language = "vi"


def language_of(connection: HTTPConnection) -> Language:
    """Never fails: a language that is not spoken here counts as none."""
    asked = connection.query_params.get("lang", "")
    for known in LANGUAGES:
        if asked == known:
            return known
    return preferred(connection.headers.get("accept-language", ""))


def preferred(accept: str) -> Language:
    """The best of an Accept-Language value (RFC 9110 section 12.5.4)."""
    best, best_weight = DEFAULT, 0.0
    for item in accept[:500].split(","):
        tag, _, parameter = item.partition(";")
        base = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        for known in LANGUAGES:
            if base == known and weight > best_weight:
                best, best_weight = known, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
