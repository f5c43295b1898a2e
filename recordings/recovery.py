"""Finds recordings that a crash left unfinished, and ends what it interrupted."""

from __future__ import annotations

import logging
from pathlib import Path

from recordings.folder import append_mark
from recordings.repair import finish_file, last_block_ms
from recordings.timeline import TIMELINE_FILE, Mark, read_last_state, read_timeline

_log = logging.getLogger(__name__)


def find_unfinished(root: Path) -> list[Path]:
    """The recordings' folders in `root` that were neither stopped nor ended by an alarm; of one that is finished
    little is read, as there are years of them. One that cannot be read keeps no other from being found.
    """
    found = []
    for folder in sorted(path.parent for path in root.glob(f"*/{TIMELINE_FILE}")):
        try:
            if read_last_state(folder) != "off":
                found.append(folder)
        except OSError as error:
            _log.error("recording %s cannot be read: %s", folder.name, error)
    return found


def end_interrupted(folder: Path) -> None:
    """Marks the interruption at the last data written, and finishes the files; does nothing to a recording
    that needs neither. Raises OSError when the timeline cannot be written.
    """
    timeline = read_timeline(folder)
    open_tracks = [track for track in timeline.tracks if track.closed_ms is None]
    last_ms = max((mark.at_ms for mark in timeline.marks), default=0.0)
    for track in open_tracks:
        path = folder / track.file
        block_ms = last_block_ms(path)
        closed_ms = track.opened_ms if block_ms is None else (timeline.epoch_ms or 0.0) + block_ms
        last_ms = max(last_ms, closed_ms)
        finish_file(path)
        append_mark(folder, Mark(closed_ms, "track_closed", {"id": track.info.id, "file": track.file}))
    if timeline.state != "off" and not timeline.interrupted:
        append_mark(folder, Mark(last_ms, "interrupted"))
