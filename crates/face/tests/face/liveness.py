#!/usr/bin/env python3
"""Reference scores for src/liveness/reference.rs, by numpy, OpenCV and ONNX Runtime.

    pip install numpy onnxruntime opencv-python-headless
    python3 liveness.py PACK FACES > liveness.json

PACK is the folder of the installed pack blaze-fr, FACES that of the test pictures. Each face is scored as it was taken and
sheared, and, if the person is alone, mirrored and as a print on a white sheet on something dark. Detector and landmarks run as in
`reference.py`. The crop is that of MiniFASNet (minivision-ai, Silent-Face-Anti-Spoofing, `generate_patches.py`), resized in
floating point and rounded: OpenCV rounds the weights of eight-bit pictures, which changes undecided scores by up to 0.11.
"""
import json, os, re, sys
import cv2, numpy as np, onnxruntime
from reference import FACES, HERE, PACK, face_box, network, points68

SCALE, SIDE, LIVE = 2.7, 128, 0
ALONE = ["32bit.png", "obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]


def box(points):
    """Left, top, width and height from the hair line to the chin."""
    left, right = points[:17, 0].min(), points[:17, 0].max()
    brows, chin = points[17:27, 1].min(), points[:17, 1].max()
    top = brows - 0.28 * (chin - brows)
    return left, top, right - left, chin - top


def crop(picture, points):
    """The box widened, kept inside the picture, and resized."""
    height, width = picture.shape[:2]
    x, y, w, h = box(points)
    scale = min((height - 1) / h, (width - 1) / w, SCALE)
    left, top = x + w / 2 - w * scale / 2, y + h / 2 - h * scale / 2
    right, bottom = left + w * scale, top + h * scale
    if left < 0:
        left, right = 0, right - left
    if top < 0:
        top, bottom = 0, bottom - top
    if right > width - 1:
        left, right = left - (right - width + 1), width - 1
    if bottom > height - 1:
        top, bottom = top - (bottom - height + 1), height - 1
    left, top = max(int(left), 0), max(int(top), 0)
    part = picture[top:int(bottom) + 1, left:int(right) + 1].astype(np.float32)
    return np.round(cv2.resize(part, (SIDE, SIDE)))


def record(picture, square, find, judge):
    detector, landmarks = find
    points = np.round(points68(picture, *landmarks)(*face_box(picture, *detector)), 2)
    out = judge(crop(picture, points)[:, :, ::-1])[0].ravel()
    odds = np.exp(out - out.max())
    return {"square": square, "live": round(float((odds / odds.sum())[LIVE]), 4), "points": points.tolist()}


def sheared(picture):
    """Each row moved to the right by a tenth of its number, with black before it."""
    out = np.zeros_like(picture)
    for y, row in enumerate(picture):
        out[y, y // 10:] = row[:len(row) - y // 10]
    return out


def printed(picture):
    """The picture on a white sheet, and the sheet on something dark. Each border is a tenth of the picture's width."""
    border = picture.shape[1] // 10
    sheet = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=[235] * 3)
    return cv2.copyMakeBorder(sheet, border, border, border, border, cv2.BORDER_CONSTANT, value=[40] * 3)


def faces():
    gallery = open(os.path.join(HERE, "gallery.rs")).read().split("const OTHER_PEOPLE")[1].split("];")[0]
    for name in ALONE:
        yield name, name, None
    for name, *part in re.findall(r'\("([\w.]+)", \[(\d+), (\d+), (\d+)\]\)', gallery):
        yield f"{name}@{part[0]}", name, tuple(map(int, part))


def main():
    find, judge = [network(name) for name in ("detector", "landmarks")], network("liveness")[0]
    records = {}
    for label, name, square in faces():
        picture = cv2.cvtColor(cv2.imread(os.path.join(FACES, name)), cv2.COLOR_BGR2RGB)
        if square:
            left, top, side = square
            picture = np.ascontiguousarray(picture[top:top + side, left:left + side])
        changes = [("", picture), (" sheared", sheared(picture))]
        if square is None:
            changes += [(" mirrored", picture[:, ::-1]), (" printed", printed(picture))]
        for change, changed in changes:
            records[label + change] = record(changed, square, find, judge)
    lines = (f"{json.dumps(label)}:{json.dumps(found, separators=(',', ':'))}" for label, found in records.items())
    print("{\n" + ",\n".join(lines) + "\n}")


main()
