"""GStreamer's webrtcbin as a WHIP encoder or a WHEP player, for the system's Python, which alone has its bindings.

    python3 gstreamer_client.py whip|whep ENDPOINT GRANT [BUNDLE POLICY]

Prints `playing KIND` for each stream that a player decodes, then `frames N` each second; ends when it is told to.
"""

import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

SOURCES = """
webrtcbin name=peer bundle-policy={bundle}
videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert
  ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 ! rtpvp8pay picture-id-mode=15-bit
  ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! peer.
audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample ! opusenc ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""
TAKEN = {
    "video": "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96",
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=97",
}


def say(words: str) -> None:
    print(words, flush=True)


class Client:
    """One connection, from its offer to the end of the process."""

    def __init__(self, way: str, endpoint: str, grant: str, bundle: str) -> None:
        self.endpoint, self.grant = endpoint, grant
        self.frames = 0
        if way == "whip":
            self.pipeline = Gst.parse_launch(SOURCES.format(bundle=bundle))
            self.peer = self.pipeline.get_by_name("peer")
        else:
            self.pipeline = Gst.Pipeline()
            self.peer = Gst.ElementFactory.make("webrtcbin")
            self.peer.set_property("bundle-policy", bundle)
            self.pipeline.add(self.peer)
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            for caps in TAKEN.values():
                self.peer.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            self.peer.connect("pad-added", self.play)
            GLib.timeout_add(1000, self.count)
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("notify::ice-gathering-state", self.gathered)

    def negotiate(self, peer: Gst.Element) -> None:
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered, None))

    def offered(self, promise: Gst.Promise, _: object) -> None:
        promise.wait()
        reply = promise.get_reply()  # owns the offer: it must outlive the call
        self.peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def gathered(self, peer: Gst.Element, _: object) -> None:
        """All candidates are in the offer: it is posted whole."""
        if peer.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        offer = peer.get_property("local-description").sdp.as_text()
        headers = {"Authorization": f"Bearer {self.grant}", "Content-Type": "application/sdp"}
        request = urllib.request.Request(self.endpoint, offer.encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        _, message = GstSdp.SDPMessage.new_from_text(text.decode())
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        peer.emit("set-remote-description", description, Gst.Promise.new())
        say("answered")

    def play(self, _: Gst.Element, pad: Gst.Pad) -> None:
        """Decodes a stream, and counts its frames."""
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self.decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def decoded(self, _: Gst.Element, pad: Gst.Pad) -> None:
        kind = pad.get_current_caps().get_structure(0).get_name().partition("/")[0]
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("sync", False)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))
        if kind == "video":
            pad.add_probe(Gst.PadProbeType.BUFFER, self.shown)
        say(f"playing {kind}")

    def shown(self, _: Gst.Pad, __: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        self.frames += 1
        return Gst.PadProbeReturn.OK

    def count(self) -> bool:
        say(f"frames {self.frames}")
        return True


def main() -> None:
    way, endpoint, grant, *more = sys.argv[1:]
    Gst.init(None)
    client = Client(way, endpoint, grant, more[0] if more else "none")
    client.pipeline.set_state(Gst.State.PLAYING)
    bus = client.pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", lambda _, message: say(f"error {message.parse_error()}"))
    GLib.MainLoop().run()


main()
