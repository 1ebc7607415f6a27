#!/usr/bin/env python3
"""Reference embeddings for gallery.rs: the default pipeline, implemented with numpy, OpenCV and ONNX Runtime.

    pip install numpy onnxruntime opencv-python-headless
    python3 reference.py PACK FACES > reference.json

PACK is the folder of an installed pack, FACES the folder of the test pictures; `cargo xtask models` prepares both.
Unlike the Rust code, this uses OpenCV's resizing and warping, an SVD for the transform, and another runtime.
"""
import json, math, os, re, sys
import cv2, numpy as np, onnxruntime

PACK, FACES = sys.argv[1:3]
PICTURES = ["32bit.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"]


def network(name):
    session = onnxruntime.InferenceSession(os.path.join(PACK, name + ".onnx"), providers=["CPUExecutionProvider"])
    def run(rgb):
        planes = np.ascontiguousarray(rgb.astype(np.float32).transpose(2, 0, 1)[None])
        return [out[0] for out in session.run(None, {"input": planes})]
    return run


def square(picture, side):
    """Pads with black to a square and resizes to `side` pixels. Also returns the size before that, and the padding."""
    height, width = picture.shape[:2]
    size = max(height, width)
    top, left = (size - height) // 2, (size - width) // 2
    padded = np.zeros((size, size, 3), np.uint8)
    padded[top:top + height, left:left + width] = picture
    method = cv2.INTER_AREA if side < size else cv2.INTER_LINEAR
    return cv2.resize(padded, (side, side), interpolation=method), size, np.array([left, top], np.float32)


def largest_face(picture, detector):
    planes, size, offset = square(picture, 256)
    scores16, boxes16, scores32, boxes32 = detector(planes)
    best = None
    for stride, count, scores, boxes in ((16, 2, scores16, boxes16), (32, 6, scores32, boxes32)):
        places = 256 // stride
        grid = np.stack(np.meshgrid(np.arange(places), np.arange(places)), -1).reshape(-1, 1, 2)
        anchors = ((grid + 0.5) * stride).repeat(count, 1).reshape(-1, 2)
        for score, box, anchor in zip(scores[:, 0], boxes, anchors):
            # The box with the highest score; these pictures have one face each.
            if score > 0 and (best is None or score > best[0]):
                best = (score, (box[:2] + anchor) * size / 256 - offset, box[2:4] * size / 256)
    return best[1], max(best[2])


def points68(picture, landmarks):
    def find(centre, side):
        half = side * 1.2 / 2
        left, top = (math.floor(v) for v in centre - half)
        extent = math.floor(half * 2)
        crop = picture[max(top, 0):top + extent, max(left, 0):left + extent]
        planes, size, offset = square(crop, 112)
        return landmarks(planes)[0].reshape(68, 2) * size - offset + [max(left, 0), max(top, 0)]
    return find


def chip(picture, points, mean_face, side=150, padding=0.22):
    kept = [i for i in range(27, 68) if not 55 <= i < 60]
    source = points[kept].astype(np.float64)
    target = (padding + np.array([mean_face[i - 27] for i in kept])) / (2 * padding + 1) * side
    centre, aim = source.mean(0), target.mean(0)
    u, d, vt = np.linalg.svd((target - aim).T @ (source - centre) / len(kept))
    turn = u @ np.diag([1, np.sign(np.linalg.det(u @ vt))]) @ vt
    scale = d.sum() / (source - centre).var(0).sum()
    move = np.hstack([scale * turn, (aim - scale * turn @ centre)[:, None]])
    return cv2.warpAffine(picture, move, (side, side), flags=cv2.INTER_LINEAR)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    align = open(os.path.join(here, "../../src/align.rs")).read().split("const MEAN_FACE")[1].split("];")[0]
    mean_face = [tuple(map(float, pair)) for pair in re.findall(r"\(([\d.]+), ([\d.]+)\)", align)]
    detector, landmarks, embedder = map(network, ("detector", "landmarks", "embedder"))
    embeddings = {}
    for name in PICTURES:
        picture = cv2.cvtColor(cv2.imread(os.path.join(FACES, name)), cv2.COLOR_BGR2RGB)
        points = points68(picture, landmarks)(*largest_face(picture, detector))
        face = chip(picture, points, mean_face)
        total = embedder(face)[0] + embedder(face[:, ::-1])[0]
        embeddings[name] = [round(float(v), 6) for v in total / np.linalg.norm(total)]
    json.dump(embeddings, sys.stdout, indent=0)


main()
