from __future__ import annotations

import re

from station.live.packaging.playlist import ADVANCE_PART_LIMIT, MediaPlaylist, PartLine, Variant, render_multivariant

START_MS = 1_800_000_000_000.0


def grown(segments: int, open_parts: int = 0) -> MediaPlaylist:
    """So many closed segments of six parts, and an open one if it has parts."""
    playlist = MediaPlaylist()
    for number in range(segments + (1 if open_parts else 0)):
        playlist.open_segment(START_MS + number * 2000, 0, False)
        for index in range(6 if number < segments else open_parts):
            playlist.add_part(PartLine(1 / 3, index == 0))
        if number < segments:
            playlist.close_segment(2.0)
    return playlist


def test_the_live_playlist_offers_blocking_reload_and_hints_at_the_next_part() -> None:
    """Server control, part target and hint are there; the hold-back is at least three parts."""
    text = grown(2, open_parts=2).render()
    hold_back = re.search(r"CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=([0-9.]+)", text)
    target = re.search(r"PART-TARGET=([0-9.]+)", text)
    assert hold_back and target
    assert float(hold_back[1]) >= 3 * float(target[1]) >= 1
    assert text.endswith('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s2.p2.mp4"\n')
    assert "ENDLIST" not in text


def test_all_segments_stay_and_only_the_last_three_show_their_parts() -> None:
    """One can rewind to the start; parts are listed for three closed segments and the open one."""
    text = grown(20, open_parts=1).render()
    assert [f"s{n}.mp4" for n in range(20)] == re.findall(r"^s\d+\.mp4$", text, re.M)
    assert sorted({int(n) for n in re.findall(r'URI="s(\d+)\.p\d+', text.rpartition("#EXT-X-PRELOAD")[0])}) == [
        17,
        18,
        19,
        20,
    ]
    assert text.count("#EXT-X-PROGRAM-DATE-TIME:") == 21
    assert text.count("#EXT-X-MAP:") == 1


def test_each_segments_date_follows_the_one_before() -> None:
    """Dates are the media role's clock, to the millisecond, in UTC."""
    assert "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:02.000Z" in grown(2).render()


def test_a_delta_update_leaves_out_what_the_player_has() -> None:
    """Segments before the skip boundary are replaced by their number; the rest is the same."""
    playlist = grown(40, open_parts=2)
    full, delta = playlist.render(), playlist.render(skip=True)
    skipped = re.search(r"#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)", delta)
    until = re.search(r"CAN-SKIP-UNTIL=([0-9.]+)", full)
    assert skipped and until
    left = re.findall(r"^s\d+\.mp4$", delta, re.M)
    assert int(skipped[1]) + len(left) == 40
    assert len(left) * 2 >= float(until[1])
    assert full.endswith(delta[delta.index("#EXT-X-PROGRAM-DATE-TIME") :])


def test_an_ended_playlist_is_a_replay() -> None:
    """ENDLIST and VOD; nothing of the low latency is left."""
    playlist = grown(5)
    playlist.ended = True
    text = playlist.render(skip=True)
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in text
    assert text.endswith("s4.mp4\n#EXT-X-ENDLIST\n")
    assert "EXT-X-PART" not in text and "PRELOAD" not in text and "SERVER-CONTROL" not in text


def test_a_discontinuity_with_other_parameters_names_its_init_segment() -> None:
    """The mark and the new map stand in front of the open segment's first part already."""
    playlist = grown(1)
    playlist.open_segment(START_MS + 9000, 1, True)
    playlist.add_part(PartLine(1 / 3, True))
    tail = playlist.render().partition("s0.mp4\n")[2]
    assert tail.startswith('#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="init1.mp4"\n#EXT-X-PROGRAM-DATE-TIME:')
    assert tail.index("EXT-X-MAP") < tail.index("EXT-X-PART:")


def test_a_request_is_ready_when_its_part_or_a_later_segment_exists() -> None:
    """A part past the last one of a closed segment means part 0 of the next (RFC 8216bis 6.2.5.2)."""
    playlist = grown(2, open_parts=3)
    assert playlist.has(2, 2)
    assert not playlist.has(2, 3)
    assert not playlist.has(2, None)
    assert playlist.has(1, 6) and playlist.has(1, 99)
    playlist.close_segment(1.0)
    assert playlist.has(2, 2) and playlist.has(2, None)
    assert not playlist.has(2, 3) and not playlist.has(2, 50) and not playlist.has(3, 0)
    assert playlist.is_settled(2, 3), "its file will never come, which can be told at once"
    playlist.open_segment(START_MS, 0, False)
    playlist.add_part(PartLine(1 / 3, True))
    assert playlist.has(2, 3) and playlist.has(2, 50) and playlist.has(3, 0)
    playlist.ended = True
    assert playlist.has(3, 0)


def test_requests_far_ahead_are_refused() -> None:
    """Up to two segments past the last one waits; beyond is a mistake."""
    playlist = grown(5)
    assert not playlist.too_far_ahead(6)
    assert playlist.too_far_ahead(7)


def test_parts_far_past_the_last_one_are_refused() -> None:
    """More than three seconds of parts ahead is a mistake, in the open segment and in the one after it."""
    playlist = grown(5, open_parts=2)
    assert ADVANCE_PART_LIMIT == 9
    assert not playlist.too_far_ahead(5, 1 + 9) and playlist.too_far_ahead(5, 1 + 10) and playlist.too_far_ahead(5, 60)
    assert not playlist.too_far_ahead(6, 8) and playlist.too_far_ahead(6, 60)
    assert not playlist.too_far_ahead(4, 60), "of a closed segment it is the next one's first part"
    playlist.ended = True
    assert not playlist.too_far_ahead(5, 60)


def test_the_target_duration_covers_every_segment() -> None:
    """A segment of 6.6 s raises the target to 7; shorter ones leave it."""
    playlist = grown(1)
    assert "#EXT-X-TARGETDURATION:3\n" in playlist.render()
    playlist.open_segment(START_MS, 0, False)
    playlist.close_segment(6.6)
    assert "#EXT-X-TARGETDURATION:7\n" in playlist.render()


def test_a_segment_that_could_not_be_kept_is_a_gap() -> None:
    """Players skip what a full disk has cost instead of failing on it."""
    playlist = grown(9)
    playlist.lose(2)
    assert "#EXT-X-GAP\n#EXTINF:2.00000,\ns2.mp4" in playlist.render()


def test_the_multivariant_playlist_says_what_must_be_decoded() -> None:
    """Codecs, size and peak rate of the one rendition."""
    text = render_multivariant(Variant("avc1.42C01F,mp4a.40.2", (640, 480)), 900_000)
    assert 'BANDWIDTH=900000,CODECS="avc1.42C01F,mp4a.40.2",RESOLUTION=640x480\nmain.m3u8\n' in text
