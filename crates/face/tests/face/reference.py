#!/usr/bin/env python3
"""Reference embeddings for gallery.rs: two packs, implemented with numpy, OpenCV and ONNX Runtime.

    pip install numpy onnxruntime opencv-python-headless
    python3 reference.py PACK FACES > PACK.json

PACK is the folder of an installed pack, blaze-fr or blaze-dlib, and FACES that of the test pictures; `cargo xtask models`
prepares both.
Unlike the Rust code, this uses OpenCV's resizing and warping, an SVD for the transform, and another runtime.
"""
import json, math, os, re, sys
import cv2, numpy as np, onnxruntime

PACK, FACES = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = ["32bit.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"]


def network(name):
    """A function from a picture, rows of pixels, to the outputs of a network; and the side of its input."""
    session = onnxruntime.InferenceSession(os.path.join(PACK, name + ".onnx"), providers=["CPUExecutionProvider"])
    def run(picture):
        planes = np.ascontiguousarray(picture.astype(np.float32).transpose(2, 0, 1)[None])
        return [out[0] for out in session.run(None, {"input": planes})]
    return run, session.get_inputs()[0].shape[2]


def square(picture, side):
    """Pads with black to a square and resizes to `side` pixels. Also returns the size before that, and the padding."""
    height, width = picture.shape[:2]
    size = max(height, width)
    top, left = (size - height) // 2, (size - width) // 2
    padded = np.zeros((size, size, 3), np.uint8)
    padded[top:top + height, left:left + width] = picture
    method = cv2.INTER_AREA if side < size else cv2.INTER_LINEAR
    return cv2.resize(padded, (side, side), interpolation=method), size, np.array([left, top], np.float32)


def best_box(picture, detector, side):
    """Centre and longer side of the box with the highest score; these pictures have one face each."""
    planes, size, offset = square(picture, side)
    scores16, boxes16, scores32, boxes32 = detector(planes)
    best = None
    for stride, count, scores, boxes in ((16, 2, scores16, boxes16), (32, 6, scores32, boxes32)):
        places = side // stride
        grid = np.stack(np.meshgrid(np.arange(places), np.arange(places)), -1).reshape(-1, 1, 2)
        anchors = ((grid + 0.5) * stride).repeat(count, 1).reshape(-1, 2)
        for score, box, anchor in zip(scores[:, 0], boxes, anchors):
            if score > 0 and (best is None or score > best[0]):
                best = (score, (box[:2] + anchor) * size / side - offset, box[2:4] * size / side)
    return best[1], max(best[2])


def face_box(picture, detector, side):
    """As `best_box`; a face below 26 pixels of the input is looked at again, closer."""
    centre, extent = best_box(picture, detector, side)
    if extent < 26 * max(picture.shape[:2]) / side:
        crop, corner = part(picture, centre, extent * 4)
        centre, extent = best_box(crop, detector, side)
        centre = centre + corner
    return centre, extent


def part(picture, centre, extent):
    """A square of a picture in whole pixels, clipped, and its corner."""
    left, top = (math.floor(v) for v in centre - extent / 2)
    extent = math.floor(extent)
    corner = np.array([max(left, 0), max(top, 0)])
    return picture[corner[1]:top + extent, corner[0]:left + extent], corner


def points68(picture, landmarks, inner):
    def find(centre, side):
        crop, corner = part(picture, centre, side * 1.2)
        planes, size, offset = square(crop, inner)
        if inner == 64:
            planes = (planes @ [0.299, 0.587, 0.114])[:, :, None] / 256
        return landmarks(planes)[0].reshape(68, 2) * size - offset + corner
    return find


def warped(picture, source, target, side):
    """The similarity transform with the least squared error from one set of points to another, applied."""
    centre, aim = source.mean(0), target.mean(0)
    u, d, vt = np.linalg.svd((target - aim).T @ (source - centre) / len(source))
    turn = u @ np.diag([1, np.sign(np.linalg.det(u @ vt))]) @ vt
    scale = d.sum() / (source - centre).var(0).sum()
    move = np.hstack([scale * turn, (aim - scale * turn @ centre)[:, None]])
    return cv2.warpAffine(picture, move, (side, side), flags=cv2.INTER_LINEAR)


def dlib_chip(picture, points, side=150, padding=0.22):
    kept = [i for i in range(27, 68) if not 55 <= i < 60]
    target = (padding + np.array([table("MEAN_FACE")[i - 27] for i in kept])) / (2 * padding + 1) * side
    return warped(picture, points[kept].astype(np.float64), target, side)


def five_points(picture, points, side=112):
    source = np.stack([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])
    return warped(picture, source.astype(np.float64), np.array(table("FIVE_POINTS")), side)


def table(name):
    """A table of points in align.rs."""
    rows = open(os.path.join(HERE, "../../src/align.rs")).read().split("const " + name)[1].split("];")[0]
    return [tuple(map(float, pair)) for pair in re.findall(r"\(([\d.]+), ([\d.]+)\)", rows)]


def main():
    detector, landmarks, (embedder, side) = map(network, ("detector", "landmarks", "embedder"))
    embeddings = {}
    for name in PICTURES:
        picture = cv2.cvtColor(cv2.imread(os.path.join(FACES, name)), cv2.COLOR_BGR2RGB)
        points = points68(picture, *landmarks)(*face_box(picture, *detector))
        if side == 112:
            total = embedder((five_points(picture, points).astype(np.float32) - 127) / 128)[0]
        else:
            face = dlib_chip(picture, points)
            total = embedder(face)[0] + embedder(face[:, ::-1])[0]
        embeddings[name] = [round(float(v), 6) for v in total / np.linalg.norm(total)]
    lines = [json.dumps(name) + ": " + json.dumps(values, separators=(",", ":")) for name, values in embeddings.items()]
    print("{\n  " + ",\n  ".join(lines) + "\n}")


if __name__ == "__main__":
    main()
