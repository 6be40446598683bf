"""What is known of the node's own clock."""

from __future__ import annotations

import pytest

from luytre.base.clock import ManualClock
from luytre.base.timekeeping import ERROR_KEPT_S, NodeClock, StepWatch, estimate_us, kernel_error_us


class Hurried(ManualClock):
    """The process is put aside between two readings; the clocks agree all the time."""

    def wall_us(self) -> int:
        self.advance(3.0)
        return super().wall_us()


class TestStepWatch:
    @pytest.mark.parametrize("step_s", [3600.0, -3600.0, 1.0, -1.0, 0.6, -0.6])
    def test_tells_a_step_once(self, step_s: float) -> None:
        clock = ManualClock()
        watch = StepWatch(clock)
        assert watch.look() == (clock.wall_us(), 0)
        clock.advance(7.0)
        clock.step_wall(step_s)
        wall_us, step_us = watch.look()
        assert wall_us == clock.wall_us()
        assert step_us == pytest.approx(step_s * 1e6, abs=2)
        clock.advance(0.25)
        assert watch.look()[1] == 0

    @pytest.mark.parametrize("step_s", [0.4, -0.4])
    def test_leaves_small_corrections_alone_however_many(self, step_s: float) -> None:
        clock = ManualClock()
        watch = StepWatch(clock)
        for _ in range(10):
            clock.step_wall(step_s)
            assert watch.look()[1] == 0

    def test_passing_time_is_no_step(self) -> None:
        clock = ManualClock()
        watch = StepWatch(clock)
        for seconds in (0.0, 0.25, 86_400.0, 1e7):
            clock.advance(seconds)
            assert watch.look()[1] == 0

    def test_a_process_that_was_put_aside_saw_no_step_and_sees_the_next_one(self) -> None:
        clock = Hurried()
        watch = StepWatch(clock)
        assert [watch.look()[1] for _ in range(3)] == [0, 0, 0]


class TestError:
    def test_of_this_machine_is_a_number_or_unknown(self) -> None:
        found = kernel_error_us()
        assert found is None or 0 <= found < 60_000_000

    @pytest.mark.parametrize(
        ("estimate", "bound", "told"), [(800, 90_000, 800), (0, 90_000, 18_000), (0, 0, 0), (0, -1, 0)]
    )
    def test_is_the_estimate_where_there_is_one(self, estimate: int, bound: int, told: int) -> None:
        assert estimate_us(estimate, bound) == told

    def test_is_asked_for_every_ten_seconds_at_most(self) -> None:
        clock, answers = ManualClock(), iter([None, 5_000, 7_000])
        node = NodeClock(clock, lambda: next(answers))
        told = []
        for _ in range(5):
            told.append(node.error_us())
            clock.advance(ERROR_KEPT_S / 2)
        assert told == [None, None, 5_000, 5_000, 7_000]
