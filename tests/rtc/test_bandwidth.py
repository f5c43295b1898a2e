"""How much a line carries: every figure below comes out of a simulated line with a queue (see `bottleneck`)."""

from __future__ import annotations

import pytest

from station.rtc.congestion.bandwidth import INITIAL_BPS, MIN_BPS, Estimator
from station.rtc.congestion.send_log import MAX_BURSTS, SendLog
from station.rtc.formats.twcc import ArrivalLog, parse_feedback
from tests.rtc.bottleneck import Layered, Line, Simulation

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("capacity_bps", [300_000, 1_000_000, 3_000_000])
def test_a_line_is_used(capacity_bps: int, seed: int) -> None:
    """With traffic enough, nine tenths of what a line carries are used, and its queue stays short."""
    simulation = Simulation(Line(capacity_bps), seed=seed).run(30)
    assert 0.9 * capacity_bps < simulation.mean_bps(10) < 1.05 * capacity_bps
    assert max(moment.queue_s for moment in simulation.since(10)) < 0.2


@pytest.mark.parametrize("delay_s", [0.001, 0.15])
@pytest.mark.parametrize("seed", SEEDS)
def test_neither_delay_nor_jitter_hides_what_a_line_carries(delay_s: float, seed: int) -> None:
    """Far away, with 20 ms of jitter and packets out of order, four fifths are used at least."""
    simulation = Simulation(Line(1_000_000, delay_s=delay_s, jitter_s=0.02), seed=seed).run(30)
    assert simulation.mean_bps(10) > 800_000


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("capacity_bps", [600_000, 1_000_000, 3_000_000])
def test_a_line_that_narrows_is_noticed(capacity_bps: int, seed: int) -> None:
    """When the capacity halves, we send no more than that within two seconds, and no queue is left standing."""
    simulation = Simulation(Line(capacity_bps), seed=seed).run(20)
    simulation.line.capacity_bps = capacity_bps / 2
    simulation.run(2)
    assert simulation.mean_bps(0.3) < capacity_bps / 2
    simulation.run(8)
    assert max(moment.queue_s for moment in simulation.since(8)) < 0.2
    assert simulation.mean_bps(5) > 0.8 * capacity_bps / 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_loss_that_is_always_there_is_no_congestion(loss: float, seed: int) -> None:
    """A line of 1 Mbit/s that loses 5, 10 or 20 % of packets at random is used for a third at the very least."""
    simulation = Simulation(Line(1_000_000, loss=loss), seed=seed).run(60)
    assert simulation.mean_bps(20) > 333_000
    assert min(moment.target_bps for moment in simulation.since(40)) > 333_000


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_that_we_cause_is_congestion(seed: int) -> None:
    """Where a policer drops what is too much, without a queue, we do not go on sending much more than it lets by."""
    simulation = Simulation(Line(1_000_000, queue_limit_s=0.04), seed=seed).run(40)
    assert 700_000 < simulation.mean_bps(20) < 1_200_000


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_blackout_the_line_is_used_again(seed: int) -> None:
    """Through five seconds of nothing we send ever less; three seconds later two thirds of the line are used."""
    simulation = Simulation(Line(1_000_000), seed=seed).run(20)
    simulation.line.capacity_bps = 0
    simulation.run(5)
    assert simulation.since(0.1)[-1].target_bps < 120_000
    simulation.line.capacity_bps = 1_000_000
    simulation.run(3)
    assert simulation.mean_bps(1) > 660_000
    assert max(moment.queue_s for moment in simulation.since(3)) < 0.3


def test_without_feedback_ever_less_is_sent() -> None:
    """When feedback stops coming, the target halves every second down to the least; with it the target comes back."""
    simulation = Simulation(Line(1_000_000)).run(20)
    simulation.feedback_works = False
    simulation.run(10)
    assert simulation.since(0.1)[-1].target_bps == MIN_BPS
    simulation.feedback_works = True
    simulation.run(4)
    assert simulation.mean_bps(1) > 600_000


def test_who_sends_nothing_loses_nothing() -> None:
    """While nothing is sent, silence says nothing: the target stays."""
    estimator = Estimator(0.0)
    assert estimator.target_bps(600.0) == INITIAL_BPS


def test_the_estimate_does_not_run_away_from_what_was_proved() -> None:
    """A steady 150 kbit/s over a line of 50 Mbit/s never proves more than half as much again."""
    estimator, arrivals = Estimator(0.0, initial_bps=100_000), ArrivalLog()
    for tick in range(3000):
        now_s = tick / 50
        estimator.log.sent(tick, 1, 375, now_s)
        arrivals.note(tick, now_s + 0.02)
        if tick % 5 == 4:
            feedback = parse_feedback(arrivals.feedback(1, 2, now_s) or b"")
            assert feedback is not None
            estimator.on_feedback(feedback, now_s)
    assert 140_000 < estimator.acked_bps < 160_000
    assert 200_000 < estimator.target_bps(60.0) < 240_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_small_picture_grows_by_probing(seed: int) -> None:
    """On a wide line a picture reaches its highest layer within eight seconds, though the lowest proves nothing."""
    simulation = Simulation(Line(5_000_000), Layered(), seed=seed).run(8)
    assert simulation.since(0.1)[-1].sent_bps > 1_700_000


@pytest.mark.parametrize("seed", SEEDS)
def test_probing_does_not_harm_a_narrow_line(seed: int) -> None:
    """At 300 kbit/s the lowest layer is sent throughout; probes make no long queue and are few."""
    simulation = Simulation(Line(300_000), Layered(), seed=seed).run(60)
    assert {moment.sent_bps for moment in simulation.since(55)} == {190_000}
    assert max(moment.queue_s for moment in simulation.since(55)) < 0.3
    assert sum(moment.queue_s > 0.1 for moment in simulation.since(55)) < 0.1 * len(simulation.since(55))


@pytest.mark.parametrize("waited_s", [23.0, 26.0, 29.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_that_widens_is_noticed(seed: int, waited_s: float) -> None:
    """Once a cap of 300 kbit/s is lifted, the highest layer is sent within 15 s, whenever it is lifted."""
    simulation = Simulation(Line(300_000), Layered(), seed=seed).run(waited_s)
    simulation.line.capacity_bps = 5_000_000
    simulation.run(15)
    assert simulation.since(0.1)[-1].sent_bps > 1_700_000


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cap_takes_the_layer_down_soon(seed: int) -> None:
    """When a line that carried the highest layer is capped at 300 kbit/s, the lowest is sent within five seconds."""
    simulation = Simulation(Line(5_000_000), Layered(), seed=seed).run(15)
    simulation.line.capacity_bps = 300_000
    simulation.run(5)
    assert simulation.since(0.1)[-1].sent_bps <= 190_000
    simulation.run(10)
    assert simulation.mean_bps(8) > 150_000


def test_a_viewer_without_transport_feedback() -> None:
    """The receiver's own estimate is followed, and heavy loss in its reports lowers it; silence changes nothing."""
    estimator = Estimator(0.0)
    estimator.on_remb(2_000_000, 1.0)
    assert estimator.target_bps(1.0) == 2_000_000
    for second in range(2, 6):
        estimator.on_report(0.3, float(second))
    assert estimator.target_bps(6.0) < 1_500_000
    estimator.on_remb(400_000, 7.0)
    assert estimator.target_bps(60.0) == 400_000


def test_feedback_that_is_lost_or_not_read_changes_no_rate() -> None:
    """When only every fourth feedback is seen, what arrives is still measured rightly, and nothing counts as lost."""
    estimator, arrivals = Estimator(0.0), ArrivalLog()
    for tick in range(2000):
        now_s = tick / 50
        estimator.log.sent(tick * 4 & 0xFFFF, 4, 4400, now_s)
        for place in range(4):
            arrivals.note((tick * 4 + place) & 0xFFFF, now_s + 0.02 + 0.001 * place)
        if tick % 3 == 2:
            feedback = parse_feedback(arrivals.feedback(1, 2, now_s) or b"")
            assert feedback is not None
            if tick % 12 == 2:
                estimator.on_feedback(feedback, now_s)
    assert estimator.acked_bps == pytest.approx(4400 * 50 * 8, rel=0.05)
    assert estimator.loss.fraction == 0.0


def test_the_log_splits_and_skips_bursts() -> None:
    """What a feedback speaks of is taken, over the wrap; what an earlier, lost one would have told of is left out."""
    log = SendLog()
    log.sent(65_530, 4, 4000, 1.0)
    log.sent(65_534, 4, 2000, 2.0)
    log.sent(2, 2, 1000, 3.0)
    acked = log.take(65_532, 4)
    assert acked is not None
    assert (acked.packets, acked.octets, acked.skipped_octets) == (4, 3000, 2000)
    assert (acked.first_sent_s, acked.last_sent_s, acked.bursts) == (1.0, 2.0, [(0, 1.0), (2, 2.0)])
    assert log.take(65_532, 4) is None
    acked = log.take(0, 2)
    assert acked is not None
    assert (acked.packets, acked.octets, acked.first_sent_s) == (2, 1000, 2.0)
    assert len(log) == 1


def test_the_log_is_bounded() -> None:
    """Without feedback only the newest bursts are kept."""
    log = SendLog()
    for number in range(5 * MAX_BURSTS):
        log.sent(number & 0xFFFF, 1, 100, number / 100)
    assert len(log) == MAX_BURSTS
