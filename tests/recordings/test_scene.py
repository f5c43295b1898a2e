"""Who is to be seen when."""

from recordings.scene import Scene, Script
from recordings.timeline import Mark, Timeline, TrackInfo, track_fields
from tests.recordings.media import track


def opened(at_ms: float, info: TrackInfo, number: int) -> Mark:
    return Mark(at_ms, "track_opened", {"track": track_fields(info, f"{number}-{info.source}.mkv")})


def closed(at_ms: float, number: int, source: str = "camera") -> Mark:
    return Mark(at_ms, "track_closed", {"file": f"{number}-{source}.mkv"})


def shown(scene: Scene) -> dict[str, str | None]:
    return {seat.name: seat.camera.file if seat.camera else None for seat in scene.seats}


def test_a_meeting_of_two() -> None:
    """Everyone who came keeps a place; a camera shows while it is open and not muted."""
    marks = [
        Mark(0, "started"),
        opened(0, track("a"), 1),
        opened(1000, track("m", "microphone", "opus", "p2", "王芳"), 2),
        opened(2000, track("b", person="p2", name="王芳"), 3),
        Mark(3000, "muted", {"track": "a"}),
        Mark(4000, "unmuted", {"track": "a"}),
        closed(5000, 3),
        opened(6000, track("b2", person="p2", name="王芳"), 4),
    ]
    script = Script(Timeline.from_marks(marks))
    expected = {
        0: ("1-camera.mkv", None),
        2500: ("1-camera.mkv", "3-camera.mkv"),
        3500: (None, "3-camera.mkv"),
        4500: ("1-camera.mkv", "3-camera.mkv"),
        5500: ("1-camera.mkv", None),
        7000: ("1-camera.mkv", "4-camera.mkv"),
    }
    for at_ms, (first, second) in expected.items():
        assert shown(script.scene_at(at_ms)) == {"李明": first, "王芳": second}, at_ms


def test_a_shared_screen() -> None:
    """A screen is shown while its track is open."""
    info = track("s", "screen")
    marks = [Mark(0, "started"), opened(0, track("a"), 1), opened(1000, info, 2), closed(2000, 2, "screen")]
    script = Script(Timeline.from_marks(marks))
    screens = [script.scene_at(at).screen for at in (500, 1500, 2500)]
    assert [screen.file if screen else None for screen in screens] == [None, "2-screen.mkv", None]


def test_more_people_than_places() -> None:
    """When more came than there are places, those with a camera have them, then those who are there."""
    marks = [Mark(0, "started")]
    for number in range(1, 15):
        kind = ("camera", "h264") if number > 12 else ("microphone", "opus")
        marks.append(opened(number, track(f"t{number}", *kind, f"p{number}", f"n{number}"), number))
    marks.append(closed(100, 1, "microphone"))
    scene = Script(Timeline.from_marks(marks)).scene_at(200)
    assert [seat.name for seat in scene.seats] == [*(f"n{n}" for n in range(2, 9)), "n13", "n14"]


def test_the_scene_is_the_same_object_while_nothing_changes() -> None:
    """Nothing is computed again between changes."""
    script = Script(Timeline.from_marks([Mark(0, "started"), opened(0, track("a"), 1)]))
    assert script.scene_at(10) is script.scene_at(20)
