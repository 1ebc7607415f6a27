"""Computes the figures of `fourauthd models measure` again, from its exported embeddings.

    python3 face_measure.py EXPORT PACK_TOML REPORT

EXPORT is the file of --export, REPORT that of --json. Written from docs/OPERATIONS.md, section
"Measuring a pack", without a look at the program. Prints the number of figures that agree to three
digits, and fails with those that do not.
"""

import json
import math
import sys
import tomllib

NUMBERS = [(1, 1), (3, 1), (5, 1), (1, 3), (3, 3), (5, 3), (5, 5)]


# The rules of a login.


class Pack:
    def __init__(self, path):
        with open(path, "rb") as file:
            pack = tomllib.load(file)
        pictures = pack.get("pictures", {})
        self.agreement = pictures.get("agreement", 0.45)
        self.same_picture = pictures.get("same_picture", 0.10)
        self.scatter = pictures.get("scatter", 1.25)
        self.live = pack.get("liveness", {}).get("threshold")
        self.points = [
            (p["enrolled"], p["probes"], p["distance"]) for p in pack["thresholds"]
        ]

    def threshold(self, enrolled, probes):
        covering = [p for p in self.points if p[0] >= enrolled and p[1] >= probes]
        if not covering:
            return min(p[2] for p in self.points)
        return min(covering, key=lambda p: (p[0] + p[1], p[2]))[2]

    def is_live(self, score):
        return self.live is None or score is None or score > self.live

    def combined(self, pictures):
        """The mean and the distinct pictures; None if they disagree."""
        distinct = []
        for picture in pictures:
            if all(distance(picture, other) >= self.same_picture for other in distinct):
                distinct.append(picture)
        for i, picture in enumerate(distinct):
            if any(distance(picture, other) >= self.agreement for other in distinct[i + 1 :]):
                return None
        mean = [sum(values) for values in zip(*distinct)]
        length = math.sqrt(sum(value * value for value in mean))
        return [value / length for value in mean], distinct

    def accepts(self, template, probe):
        (mean, enrolled), (shown, pictures) = template, probe
        limit = self.threshold(len(enrolled), len(pictures))
        single = self.scatter * self.threshold(len(enrolled), 1)
        return distance(mean, shown) <= limit and all(
            distance(mean, picture) <= single for picture in pictures
        )


def distance(a, b):
    return math.dist(a, b)


# The sets of pictures.


def sets(items, size):
    if len(items) == size:
        return [items]
    return [ring(items, start, size) for start in range(len(items))] if len(items) > size else []


def ring(items, start, size):
    return [items[place % len(items)] for place in range(start, start + size)]


# Rates and intervals.


def beta(a, b, x):
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 10000):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + factor * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + factor / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * value / a


def bisected(function, share, low, high):
    """Where a rising function has the value `share`."""
    for _ in range(300):
        middle = math.sqrt(low * high) if low > 0 and high > 2 * low else (low + high) / 2
        low, high = (middle, high) if function(middle) < share else (low, middle)
    return high


def student(freedom):
    """The quantile of Student's t that 2.5 % exceed."""
    def cumulated(t):
        return 1 - beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2

    return bisected(cumulated, 0.975, 0.0, 1e6)


NORMAL = 1.959963984540054


def interval(errors, comparisons, units, erring, people, variance):
    rate = errors / comparisons
    effect = most = max(1.0, comparisons / units)
    if 0 < errors < comparisons and people > 1:
        observed = max(1.0, variance * comparisons / (rate * (1 - rate)))
        observed *= (student(people - 1) / NORMAL) ** 2
        effect = (erring * observed + most) / (erring + 1)
    trials = comparisons / effect
    wrong = rate * trials
    right = trials - wrong
    low = bisected(lambda x: beta(wrong, right + 1, x), 0.025, 0.0, 1.0) if errors else 0.0
    high = (
        bisected(lambda x: beta(wrong + 1, right, x), 0.975, 0.0, 1.0)
        if errors < comparisons
        else 1.0
    )
    return rate, low, high


def of_people(counts):
    """The rate of `(errors, comparisons)` of each person."""
    counts = [count for count in counts if count[1]]
    errors, comparisons = (sum(column) for column in zip(*counts)) if counts else (0, 0)
    if not comparisons:
        return None
    people = len(counts)
    rate = errors / comparisons
    spread = sum((wrong - rate * all) ** 2 for wrong, all in counts) / comparisons**2
    variance = spread * (people / (people - 1) if people > 1 else 1)
    erring = sum(wrong > 0 for wrong, _ in counts)
    low_high = interval(errors, comparisons, people, erring, people, variance)
    return {"errors": errors, "comparisons": comparisons, "units": people}, low_high


def of_pairs(counts):
    """The rate of `(person, other) -> (errors, comparisons)`, in both directions at once."""
    counts = {pair: count for pair, count in counts.items() if count[1]}
    if not counts:
        return None
    errors = sum(wrong for wrong, _ in counts.values())
    comparisons = sum(all for _, all in counts.values())
    rate = errors / comparisons
    people = {}
    total = 0.0
    for pair, (wrong, all) in counts.items():
        residual = wrong - rate * all
        total -= residual**2
        for person in pair:
            people[person] = people.get(person, 0.0) + residual
    total += sum(residual**2 for residual in people.values())
    variance = max(0.0, total) / comparisons**2 * len(people) / max(1, len(people) - 1)
    erring = sum(wrong > 0 for wrong, _ in counts.values())
    low_high = interval(errors, comparisons, len(counts), erring, len(people), variance)
    return {"errors": errors, "comparisons": comparisons, "units": len(counts)}, low_high


# The figures.


def compared(people, pack, enrolled, shown):
    templates = {name: [pack.combined(s) for s in sets(faces, enrolled)] for name, faces in people}
    probes = {name: [pack.combined(s) for s in sets(faces, shown)] for name, faces in people}

    def passes(template, probe):
        return probe is not None and pack.accepts(template, probe)

    owners = []
    for name, faces in people:
        wrong = all = 0
        for start, template in enumerate(templates[name]):
            free = len(faces) - enrolled - shown + 1
            if template is None or free <= 0:
                continue
            for probe in ring(probes[name], start + enrolled, free):
                all += 1
                wrong += not passes(template, probe)
        owners.append((wrong, all))
    strangers = {}
    for i, (one, _) in enumerate(people):
        for other, _ in people[i + 1 :]:
            outcomes = [
                passes(template, probe)
                for a, b in ((one, other), (other, one))
                for template in templates[a]
                if template is not None
                for probe in probes[b]
            ]
            strangers[one, other] = (sum(outcomes), len(outcomes))
    return of_people(owners), of_pairs(strangers)


def enrolled(pictures, pack, size):
    """Failed enrolments of each person, and their reasons."""
    reasons, counts = {}, []
    for person in pictures.values():
        attempts = sets(person, size)
        failed = 0
        for attempt in attempts:
            good, faults = [], []
            for embedding, live, code in attempt:
                if not embedding:
                    faults.append(code)
                elif not pack.is_live(live):
                    faults.append("face_not_live")
                else:
                    good.append(embedding)
            code = None
            if 2 * len(good) <= size:
                code = faults[0]
            elif pack.combined(good) is None:
                code = "faces_disagree"
            if code:
                failed += 1
                reasons[code] = reasons.get(code, 0) + 1
        counts.append((failed, len(attempts)))
    return of_people(counts), reasons


def pairs(people, named):
    """The furthest pair of each person and the nearest pair of each two people."""
    furthest, nearest = [], []
    for i, (name, _) in enumerate(people):
        own = named[name]
        mine = [(distance(a[1], b[1]), a[0], b[0]) for j, a in enumerate(own) for b in own[j + 1 :]]
        furthest += [max(mine)] if mine else []
        for other, _ in people[i + 1 :]:
            theirs = [(distance(a[1], b[1]), a[0], b[0]) for a in own for b in named[other]]
            nearest += [min(theirs)] if theirs else []
    return sorted(furthest, reverse=True)[:10], sorted(nearest)[:10]


class Check:
    def __init__(self):
        self.agreed, self.wrong = 0, []

    def same(self, what, found, expected):
        if isinstance(expected, float):
            fits = math.isclose(found, expected, rel_tol=5e-4, abs_tol=1e-12)
        else:
            fits = found == expected
        self.agreed += fits
        if not fits:
            self.wrong.append(f"{what}: the report has {found}, here it is {expected}")

    def rate(self, what, found, expected):
        if expected is None or found is None:
            self.same(what, found, expected)
            return
        counts, low_high = expected
        for name, value in counts.items():
            self.same(f"{what} {name}", found[name], value)
        for name, value in zip(("rate", "low", "high"), low_high):
            self.same(f"{what} {name}", found[name], float(value))


def liveness(check, pack, report, live, prints):
    """Both rates at each threshold, the pictures to look at, and the thresholds that follow.

    `live` and `prints` are lists of `(name, score)` of each person or folder.
    """
    def rate(folders, is_error):
        counts = [(sum(is_error(score) for _, score in own), len(own)) for own in folders]
        return of_people(counts)

    def refused(threshold):
        return rate(live, lambda score: score <= threshold)

    def accepted(threshold):
        return rate(prints, lambda score: score > threshold)

    def listed(what, found, expected):
        check.same(what, [picture["picture"] for picture in found], [name for _, name in expected])

    def ordered(folders):
        return sorted((score, name) for own in folders for name, score in own)

    check.rate("live refused", report["live_refused"], refused(pack.live))
    listed("least live", report["least_live"], ordered(live)[:10])
    if report["prints"]:
        check.rate("prints accepted", report["prints"]["accepted"], accepted(pack.live))
        listed("most live", report["prints"]["most_live"], ordered(prints)[::-1][:10])
    for step in report["steps"]:
        threshold = round(step["threshold"], 6)
        check.rate(f"live refused at {threshold}", step["live_refused"], refused(threshold))
        check.rate(f"prints accepted at {threshold}", step["prints_accepted"], accepted(threshold))

    best = None
    rates = [0.2, 0.1, 0.05, 0.01] if any(prints) else []
    check.same("proposals", [proposal["rate"] for proposal in report["proposals"]], rates)
    for proposal, most in zip(report["proposals"], rates):
        least = None
        for threshold in (step / 100 for step in range(99, 0, -1)):
            if accepted(threshold)[1][2] > most:
                break
            least = threshold
        found = proposal["least"]
        check.same(f"threshold for {most}", found and round(found["threshold"], 6), least)
        if found and least:
            check.rate(f"live refused for {most}", found["live_refused"], refused(least))
            check.rate(f"prints accepted for {most}", found["prints_accepted"], accepted(least))
            if any(live) and refused(least)[1][0] <= 0.1:
                best = least
        needed = math.ceil(math.log(0.025) / math.log1p(-most))
        check.same(f"folders for {most}", proposal["folders_needed"], needed)
    found = report["proposed_threshold"]
    check.same("proposed", found and round(found, 6), best if best and best > pack.live else None)


def faces_of(check, pack, faces, pictures, named):
    people = [(name, [embedding for _, embedding in faces]) for name, faces in named.items()]
    check.same("numbers", [(c["enrolled"], c["shown"]) for c in faces["comparisons"]], NUMBERS)
    for row in faces["comparisons"]:
        what = f"{row['enrolled']} enrolled, {row['shown']} shown,"
        owners, strangers = compared(people, pack, row["enrolled"], row["shown"])
        check.rate(f"{what} owners", row["owners"], owners)
        check.rate(f"{what} strangers", row["strangers"], strangers)
    for row in faces["enrolments"]:
        what = f"enrolments of {row['pictures']}"
        rate, reasons = enrolled(pictures, pack, row["pictures"])
        if rate:
            check.rate(what, row["failed"], rate)
        check.same(what, row["reasons"], reasons)
    for name, expected in zip(("furthest", "nearest"), pairs(people, named)):
        found = faces[name]
        check.same(f"{name} pairs", len(found), len(expected))
        for one, (far, *names) in zip(found, expected):
            check.same(f"{name} distance", one["distance"], float(far))
            check.same(f"{name} names", one["pictures"], names)


def main(export, pack_toml, report):
    pack = Pack(pack_toml)
    pictures, named, scores = {}, {}, [{}, {}]
    with open(export, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line.get("live") is not None:
                own = scores[line.get("print", False)].setdefault(line["person"], [])
                own.append((line["picture"], line["live"]))
            if line.get("print"):
                continue
            item = (line.get("embedding"), line.get("live"), line.get("refused"))
            pictures.setdefault(line["person"], []).append(item)
            named.setdefault(line["person"], [])
            if item[0] and pack.is_live(item[1]):
                named[line["person"]].append((line["picture"], item[0]))
    with open(report, encoding="utf-8") as file:
        report = json.load(file)
    check = Check()
    if report["faces"]:
        faces_of(check, pack, report["faces"], pictures, named)
    if report["liveness"]:
        live, prints = (list(folders.values()) for folders in scores)
        liveness(check, pack, report["liveness"], live, prints)
    print(f"{check.agreed} figures agree, {len(check.wrong)} do not")
    sys.exit("\n".join(check.wrong) or None)


if __name__ == "__main__":
    main(*sys.argv[1:])
