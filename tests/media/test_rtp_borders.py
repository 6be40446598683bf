"""Where one picture ends and the next begins, when parameter sets and SEI stand in odd places."""

from __future__ import annotations

from tests.media.test_rtp_receiver import FIRST, IDR, LATER, PPS, SEI, SLICE, SPS, h264, nals

RECOVERY = SEI + b"\x06\x01\x80\x80"


def test_parameter_sets_between_the_slices_of_one_picture_stay_in_it() -> None:
    receiver, camera = h264()
    sent = [SPS, PPS, IDR + FIRST, SPS, PPS, IDR + LATER]
    for nal in sent:
        camera.send(nal, 0)
    camera.send(SLICE + FIRST, 3600, marker=True)
    first, second = receiver.samples
    assert nals(first) == sent
    assert (first.key, second.key) == (True, False)


def test_parameter_sets_before_a_picture_of_the_same_timestamp_go_with_it() -> None:
    receiver, camera = h264()
    for nal in (SPS, PPS, IDR + FIRST, SLICE + LATER, SPS, PPS, IDR + FIRST):
        camera.send(nal, 0)
    receiver.flush()
    assert [nals(sample) for sample in receiver.samples] == [
        [SPS, PPS, IDR + FIRST, SLICE + LATER],
        [SPS, PPS, IDR + FIRST],
    ]


def test_a_recovery_point_ahead_makes_the_next_picture_a_key_picture_and_not_this_one() -> None:
    receiver, camera = h264()
    camera.send(SLICE + FIRST, 0)
    camera.send(RECOVERY, 0)
    camera.send(SLICE + FIRST, 0)
    receiver.flush()
    assert [sample.key for sample in receiver.samples] == [False, True]


def test_new_parameter_sets_ahead_belong_to_the_next_picture() -> None:
    receiver, camera = h264()
    for nal in (SPS, PPS, IDR + FIRST):
        camera.send(nal, 0)
    version = receiver.parameter_sets_version
    changed = PPS + b"\x01"
    for nal in (changed, IDR + FIRST):
        camera.send(nal, 0)
    receiver.flush()
    samples, new_from = receiver.take()
    assert receiver.parameter_sets_version > version
    assert nals(samples[new_from]) == [changed, IDR + FIRST]
