"""Decode a video and do nothing with it, or nothing but RGB arrays: what no reader can avoid."""

import argparse

import av

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("video")
parser.add_argument("--rgb", action="store_true")
arguments = parser.parse_args()
with av.open(arguments.video) as container:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    for frame in container.decode(stream):
        if arguments.rgb:
            frame.to_ndarray(format="rgb24")
