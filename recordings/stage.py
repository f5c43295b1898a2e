"""The picture of a recording at each moment, made of its video tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recordings import layout
from recordings.layout import Rect
from recordings.scene import Scene, Script
from recordings.sources import VideoTrack
from recordings.tiles import UNSHOWN, Mosaic, Tile
from recordings.timeline import RecordedTrack, Timeline

_FROZEN_MS = 3000  # a camera that sends nothing for so long is off


class Stage:
    """Keeps the picture as the scene is at each moment."""

    def __init__(self, folder: Path, timeline: Timeline) -> None:
        self._folder = folder
        self._epoch_ms = timeline.epoch_ms or 0.0
        self._script = Script(timeline)
        self._scene: Scene | None = None
        self._rects: tuple[Rect, ...] = ()  # the shared screen's first, if there is one
        self._tiles: list[Tile] = []
        self._mosaic: Mosaic | None = None
        self._tracks: dict[str, VideoTrack] = {}
        self.damaged: set[str] = set()

    def frame_at(self, at_ms: float) -> Any:
        """The picture at a moment (Unix ms). Times must not go back."""
        scene = self._script.scene_at(at_ms)
        if scene is not self._scene or self._mosaic is None:
            self._enter(scene)
            self._mosaic = self._arrange(scene)
        tiles = iter(self._tiles)
        shown = []
        if scene.screen:
            # A shared screen is never cut: what stands at its edge may be what is spoken of.
            name = scene.screen.info.name
            shown.append(self._show(next(tiles), scene.screen, name, at_ms, frozen_ms=None))
        for tile, seat in zip(tiles, scene.seats, strict=False):
            shown.append(self._show(tile, seat.camera, seat.name, at_ms, frozen_ms=_FROZEN_MS))
        return self._mosaic.put(shown)

    def close(self) -> None:
        """Let go of all decoders."""
        self._enter(Scene((), None))

    def _enter(self, scene: Scene) -> None:
        self._scene = scene
        wanted = {seat.camera.file for seat in scene.seats if seat.camera}
        if scene.screen:
            wanted.add(scene.screen.file)
        for file in self._tracks.keys() - wanted:
            self._drop(file)

    def _arrange(self, scene: Scene) -> Mosaic:
        if scene.screen:
            large, small = layout.beside_screen(len(scene.seats))
            rects = (large, *small)
        else:
            rects = layout.people(len(scene.seats))
        if self._mosaic is not None and rects == self._rects:
            return self._mosaic
        self._rects, self._tiles = rects, [Tile(rect) for rect in rects]
        return Mosaic(rects)

    def _drop(self, file: str) -> None:
        track = self._tracks.pop(file)
        if track.damaged:
            self.damaged.add(file)
        track.close()

    def _show(self, tile: Tile, track: RecordedTrack | None, name: str, at_ms: float, frozen_ms: float | None) -> Any:
        found = self._open(track.file).at(at_ms - self._epoch_ms) if track else None
        if found is None or (frozen_ms is not None and at_ms - self._epoch_ms - found[0] > frozen_ms):
            return tile.plate(name)
        try:
            return tile.picture(found[1], name, whole=frozen_ms is None)
        except UNSHOWN:
            if track is not None:
                self.damaged.add(track.file)
            return tile.plate(name)

    def _open(self, file: str) -> VideoTrack:
        if file not in self._tracks:
            self._tracks[file] = VideoTrack(self._folder / file)
        return self._tracks[file]
