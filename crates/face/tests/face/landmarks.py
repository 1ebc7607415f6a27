#!/usr/bin/env python3
"""Reference landmarks and measures for the face challenge, by numpy, OpenCV and ONNX Runtime.

    pip install numpy onnxruntime opencv-python-headless
    python3 landmarks.py PACK FACES > landmarks.json

PACK is the folder of an installed pack with BlazeFace and the landmarks of face-api, FACES the folder of the test pictures.
For each face, for the pictures of one person also mirrored and sheared, and for the same face turned to both sides and with its mouth
opened by a map of depths, this writes the 68 landmarks, the yaw, the opening of the mouth, and the parallax of the tip of the nose against the face as it was taken.
"""
import json, math, os, re, sys
import cv2, numpy as np, onnxruntime

PACK, FACES = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
ALONE = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"]
MOVES = [("left", 30, 0), ("right", -30, 0), ("mouth", 0, 0.4)]


def network(name):
    session = onnxruntime.InferenceSession(os.path.join(PACK, name), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    def run(rgb):
        return [out[0] for out in session.run(None, {given.name: np.ascontiguousarray(rgb.astype(np.float32).transpose(2, 0, 1)[None])})]
    return run, given.shape[2]


DETECT, SIDE = network("detector.onnx")
MARK, MARK_SIDE = network("landmarks.onnx")


def square(picture, side):
    height, width = picture.shape[:2]
    size = max(height, width)
    top, left = (size - height) // 2, (size - width) // 2
    padded = np.zeros((size, size, 3), np.uint8)
    padded[top:top + height, left:left + width] = picture
    method = cv2.INTER_AREA if side < size else cv2.INTER_LINEAR
    return cv2.resize(padded, (side, side), interpolation=method), size, np.array([left, top])


def points(picture):
    """The 68 landmarks of the face with the highest score, or None."""
    planes, size, offset = square(picture, SIDE)
    outputs, best = DETECT(planes), None
    for grid, (stride, count) in enumerate(((16, 2), (32, 6))):
        places = SIDE // stride
        near = [out for out in outputs if len(out) == places * places * count]
        scores, boxes = sorted(near, key=lambda out: out.shape[1])
        for index, (score, box) in enumerate(zip(scores[:, 0], boxes)):
            place = index // count
            anchor = (np.array([place % places, place // places]) + 0.5) * stride
            if score > 0 and (best is None or score > best[0]):
                best = (score, (box[:2] + anchor) * size / SIDE - offset, max(box[2:4]) * size / SIDE)
    if best is None:
        return None
    half = best[2] * 1.2 / 2
    left, top = (math.floor(v) for v in best[1] - half)
    extent = math.floor(half * 2)
    crop = picture[max(top, 0):top + extent, max(left, 0):left + extent]
    planes, size, offset = square(crop, MARK_SIDE)
    return MARK(planes)[0].reshape(68, 2) * size - offset + [max(left, 0), max(top, 0)]


def eyes(p):
    right, left = p[36:42].mean(0), p[42:48].mean(0)
    return (right + left) / 2, left - right


def yaw(p):
    middle, across = eyes(p)
    return (p[30] - middle) @ across / (across @ across)


def mouth(p):
    return np.hypot(*(p[62] - p[66])) / np.hypot(*(p[60] - p[64]))


def parallax(neutral, turned):
    corners = [36, 39, 42, 45, 48, 54]
    fitted = np.linalg.lstsq(np.hstack([neutral[corners], np.ones((6, 1))]), turned[corners], rcond=None)[0]
    return np.hypot(*(np.append(neutral[30], 1) @ fitted - turned[30])) / np.hypot(*eyes(turned)[1])


def numbers(text, name):
    """The numbers of a constant in a Rust file."""
    body = text.split(name)[1].split("= [", 1)[1].split("];")[0]
    return [float(number) for number in re.findall(r"-?\d+\.\d+", body)]


RUST = open(os.path.join(HERE, "../../../../tests/src/moving_face.rs")).read()
DEPTHS = np.array(numbers(RUST, "const DEPTHS"))
HEAD = np.array(numbers(RUST, "const HEAD")).reshape(-1, 3)
AROUND = np.array(numbers(RUST, "const AROUND")).reshape(-1, 2)
TRIANGLES = np.array(json.load(open(os.path.join(HERE, "../../../../tests/src/moving_face/triangles.json"))))
JAW = {**{at: 1.0 for at in [*range(55, 60), 65, 66, 67]}, **{at: 0.9 for at in range(6, 11)}, 4: 0.5, 5: 0.5, 11: 0.5, 12: 0.5}


def moved(picture, p, degrees, gap):
    """The picture with the head turned and the mouth opened, as tests/src/moving_face.rs does it."""
    axis, camera = 0.9, 8.0
    middle, across = eyes(p)
    unit = np.hypot(*across)
    mesh = np.vstack([np.column_stack([(p - middle) / unit, DEPTHS]), HEAD, np.column_stack([AROUND, np.zeros(len(AROUND))])])
    now, still = mesh.copy(), len(mesh) - len(AROUND)
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    for at, (x, y, z) in enumerate(mesh):
        if at >= still:
            now[at, 2] = -9
            continue
        y, z = y + gap * JAW.get(at, 0), z + axis
        x, z = x * cos + z * sin, z * cos - x * sin
        now[at] = x * (camera - axis) / (camera - z), y * (camera - axis) / (camera - z), z
    before, after = mesh[:, :2] * unit + middle, now[:, :2] * unit + middle
    turn = lambda t: (t[1] - t[0])[0] * (t[2] - t[0])[1] - (t[1] - t[0])[1] * (t[2] - t[0])[0]
    height, width = picture.shape[:2]
    out = picture.copy()
    for corners in TRIANGLES[np.argsort(now[TRIANGLES, 2].sum(1), kind="stable")]:
        a, b = before[corners], after[corners]
        if turn(a) * turn(b) <= 0:
            continue
        low, high = np.maximum(b.min(0).astype(int), 0), np.minimum(b.max(0).astype(int) + 2, [width, height])
        ys, xs = np.mgrid[low[1]:high[1], low[0]:high[0]]
        dx, dy = xs - b[0, 0], ys - b[0, 1]
        along = (dx * (b[2] - b[0])[1] - dy * (b[2] - b[0])[0]) / turn(b)
        other = ((b[1] - b[0])[0] * dy - (b[1] - b[0])[1] * dx) / turn(b)
        inside = (along >= -1e-3) & (other >= -1e-3) & (along + other <= 1 + 1e-3)
        source = a[0] + along[inside, None] * (a[1] - a[0]) + other[inside, None] * (a[2] - a[0])
        source = np.clip((source + 0.5).astype(int), 0, [width - 1, height - 1])
        out[ys[inside], xs[inside]] = picture[source[:, 1], source[:, 0]]
    if gap:
        cv2.fillPoly(out, [np.round(after[60:68]).astype(np.int32)], (40, 20, 20))
    return out


def sheared(picture):
    """Each row moved to the right by a tenth of its number, with black before it."""
    out = np.zeros_like(picture)
    for y, row in enumerate(picture):
        shift = y // 10
        out[y, shift:] = row[:len(row) - shift]
    return out


def faces():
    gallery = open(os.path.join(HERE, "gallery.rs")).read().split("const OTHER_PEOPLE")[1].split("];")[0]
    others = re.findall(r'\("([\w.]+)", \[(\d+), (\d+), (\d+)\]\)', gallery)
    for name in ALONE:
        yield name, name, None
    for name, left, top, side in others:
        yield f"{name}@{left}", name, tuple(map(int, (left, top, side)))


def main():
    records = {}
    for label, name, part in faces():
        picture = cv2.cvtColor(cv2.imread(os.path.join(FACES, name)), cv2.COLOR_BGR2RGB)
        if part:
            left, top, side = part
            picture = np.ascontiguousarray(picture[top:top + side, left:left + side])
        neutral = np.round(points(picture), 2)
        records[label] = {"points": neutral.tolist(), "yaw": yaw(neutral), "mouth": mouth(neutral)}
        frames = [(word, moved(picture, neutral, degrees, gap)) for word, degrees, gap in MOVES]
        if part is None:
            frames += [("mirrored", np.ascontiguousarray(picture[:, ::-1])), ("sheared", sheared(picture))]
        for word, frame in frames:
            found = points(frame)
            if found is None:
                continue
            found = np.round(found, 2)
            records[f"{label} {word}"] = {"points": found.tolist(), "yaw": yaw(found), "mouth": mouth(found), "parallax": parallax(neutral, found)}
    lines = (f"{json.dumps(label)}:{json.dumps(record, separators=(',', ':'))}" for label, record in records.items())
    print("{\n" + ",\n".join(lines) + "\n}")


main()
