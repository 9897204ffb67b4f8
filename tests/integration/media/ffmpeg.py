"""FFmpeg's WHIP muxer, through PyAV, as publisher.

A program of its own: the muxer holds the interpreter's lock while it waits for the server's answer.
"""

from __future__ import annotations

import signal
import sys
import time
from fractions import Fraction

import av

WIDTH, HEIGHT, FRAME_RATE, SAMPLE_RATE = 320, 240, 30, 48_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAME_RATE


def main(url: str, token: str, certificate: str, key: str) -> None:
    """Publish a changing grey and silence until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    muxer = {"authorization": token, "cert_file": certificate, "key_file": key}
    with av.open(url, "w", format="whip", options=muxer) as container:
        options = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency", "bf": "0", "g": "30"}
        video = container.add_stream("libx264", rate=FRAME_RATE, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")
        started, number = time.monotonic(), 0
        while True:
            for packet in (*video.encode(_picture(number)), *audio.encode(_silence(number))):
                container.mux(packet)
            number += 1
            time.sleep(max(0.0, started + number / FRAME_RATE - time.monotonic()))


def _picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([number % 256]) * plane.buffer_size)
    frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
    return frame


def _silence(number: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES_PER_FRAME)
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    frame.sample_rate = SAMPLE_RATE
    frame.pts, frame.time_base = number * SAMPLES_PER_FRAME, Fraction(1, SAMPLE_RATE)
    return frame


if __name__ == "__main__":
    main(*sys.argv[1:])
