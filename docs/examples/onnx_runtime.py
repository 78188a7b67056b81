"""Find keypoints in pictures with an exported detector: no torch, no keypointgan.

    pip install onnxruntime numpy pillow
    python onnx_runtime.py model.onnx picture.jpg [more.jpg ...] > keypoints.csv

Writes a line for each keypoint: picture, joint, x and y in pixels of the picture, confidence.
"""

import csv
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
about = session.get_modelmeta().custom_metadata_map  # what the file takes and gives
joints, size = json.loads(about["joints"]), int(about["size"])

table = csv.writer(sys.stdout, lineterminator="\n")
table.writerow(["picture", "joint", "x", "y", "confidence"])
for name in sys.argv[2:]:
    picture = ImageOps.exif_transpose(Image.open(name)).convert("RGB")  # as the camera was held
    # The object is expected in the central square; take the square around it if it is not.
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    smooth = Image.Resampling.BOX if side % size == 0 else Image.Resampling.BILINEAR
    square = picture.resize((size, size), smooth, box=(left, top, left + side, top + side))

    frames = np.asarray(square, np.uint8)[None]  # any number of frames at once
    keypoints, confidence = session.run(None, {"frames": frames})

    places = keypoints[0] * (side / size) + [left, top]  # back to the pixels of the picture
    for joint, (x, y), sureness in zip(joints, places, confidence[0], strict=True):
        table.writerow([name, joint, f"{x:.3f}", f"{y:.3f}", f"{sureness:.4f}"])
