"""What the media plane is asked to do, in the words of its control interface."""

from __future__ import annotations

from enum import StrEnum


class RecordingAction(StrEnum):
    """What can be asked of the recorder; the same words as in media's control call."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
