"""Basic and Digest: the examples of the RFCs, and the challenges that cameras send."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.media.rtsp.auth import (
    Challenge,
    Credentials,
    Scheme,
    accepted,
    authorization,
    challenges_to_send,
    choose,
    parameters,
    parse_challenges,
)

WHO = Credentials("Mufasa", "Circle Of Life")
# Letters that HTTP lets stand in a quoted string; names of cameras' users are of these.
WORDS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_characters=":\x7f"), max_size=12
)


def response_of(header: str) -> str:
    return parameters(header)["response"]


def test_digest_with_qop_as_in_rfc_2617_section_3_5() -> None:
    challenge = Challenge(
        "digest",
        realm="testrealm@host.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        opaque="5ccc069c403ebaf9f0171e9517f40e41",
        qop=True,
    )
    header = authorization(challenge, WHO, "GET", "/dir/index.html", cnonce="0a4f113b")
    assert response_of(header) == "6629fae49393a05397450978507c4ef1"
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in header
    assert "nc=00000001" in header


def test_digest_without_qop_as_in_rfc_2069() -> None:
    # The example of RFC 2069 section 2.4 with the value of its erratum 749.
    challenge = Challenge("digest", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093")
    header = authorization(challenge, Credentials("Mufasa", "CircleOfLife"), "GET", "/dir/index.html")
    assert response_of(header) == "1949323746fe6a43ef61f9606e7febea"
    assert "qop" not in header
    assert "cnonce" not in header


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_as_in_rfc_7616_section_3_9_1(algorithm: str, expected: str) -> None:
    challenge = Challenge(
        "digest",
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        algorithm=algorithm,
        qop=True,
    )
    who = Credentials("Mufasa", "Circle of Life")
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert response_of(authorization(challenge, who, "GET", "/dir/index.html", cnonce=cnonce)) == expected


def test_basic_as_in_rfc_7617_section_2() -> None:
    header = authorization(Challenge("basic"), Credentials("Aladdin", "open sesame"), "GET", "/")
    assert header == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_several_challenges_in_one_header_and_in_two() -> None:
    one = 'Basic realm="a, Digest b", Digest realm="r",nonce="n", stale=FALSE, qop="auth,auth-int"'
    for headers in ([one], [one.split(", Digest realm")[0], 'Digest realm="r",nonce="n",qop="auth"']):
        found = parse_challenges(headers)
        assert [challenge.scheme for challenge in found] == ["basic", "digest"]
        assert found[0].realm == "a, Digest b"
        assert (found[1].realm, found[1].nonce, found[1].qop, found[1].stale) == ("r", "n", True, False)
        assert choose(found) == found[1]


def test_a_challenge_without_quotes_and_one_with_half_of_them() -> None:
    found = parse_challenges(['Digest realm=IP Camera(12), nonce="abc, stale=TRUE, algorithm=md5'])
    assert (found[0].realm, found[0].nonce, found[0].stale, found[0].algorithm) == (
        "IP Camera(12)",
        "abc",
        True,
        "MD5",
    )


def test_the_strongest_that_we_know_is_chosen() -> None:
    headers = [
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", algorithm=MD5',
        'Digest realm="r", nonce="n", algorithm=SHA-256',
    ]
    found = parse_challenges(headers)
    chosen = choose(found)
    assert chosen is not None
    assert chosen.algorithm == "SHA-256"
    assert choose(found[:1]) is None
    assert choose(parse_challenges(["NTLM", "Negotiate"])) is None


@pytest.mark.parametrize("scheme", ["basic", "digest"])
@given(user=WORDS, password=WORDS, wrong=WORDS)
def test_a_server_takes_the_right_password_only(scheme: Scheme, user: str, password: str, wrong: str) -> None:
    who = Credentials(user, password)
    offered = choose(parse_challenges(challenges_to_send(scheme, 'Lũy "Tre"', "n0nce")))
    assert offered is not None
    header = authorization(offered, who, "DESCRIBE", "rtsp://h/cam1/main")
    assert accepted(scheme, header, who, "DESCRIBE", 'Lũy "Tre"', "n0nce")
    other = authorization(offered, Credentials(user, wrong), "DESCRIBE", "rtsp://h/cam1/main")
    assert accepted(scheme, other, who, "DESCRIBE", 'Lũy "Tre"', "n0nce") == (wrong == password)


def test_a_digest_is_for_one_method_and_one_nonce() -> None:
    offered = parse_challenges(challenges_to_send("digest", "r", "n"))[0]
    header = authorization(offered, WHO, "DESCRIBE", "rtsp://h/")
    assert not accepted("digest", header, WHO, "PLAY", "r", "n")
    assert not accepted("digest", header, WHO, "DESCRIBE", "r", "another")
    assert not accepted("basic", header, WHO, "DESCRIBE", "r", "n")
    assert not accepted(
        "digest", re.sub(r'response="."', 'response=""', header)[:-2], WHO, "DESCRIBE", "r", "n2"
    )


@given(st.text(max_size=120))
def test_noise_in_the_headers_is_survived(text: str) -> None:
    for challenge in parse_challenges([text, f"Digest {text}", f"Basic {text}"]):
        authorization(challenge, WHO, "OPTIONS", "rtsp://h/")
    assert not accepted("basic", f"Basic {text}", WHO, "OPTIONS", "r", "n")
    assert not accepted("digest", f"Digest {text}", WHO, "OPTIONS", "r", "n")


def test_credentials_show_nothing() -> None:
    assert "Mufasa" not in repr(WHO)
    assert "Circle" not in repr(WHO)
