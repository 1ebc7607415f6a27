"""Checks fourauth's audit log for changes: a second verifier, written from docs/AUDIT.md.

    python3 audit_verify.py --key VKEY|FILE [--checkpoints FILE]... [--epoch-key HEX|FILE]...
                            [--accept-rollback SIZE]... [--accept-erasure ROW]...
                            [--accept-signed-erasures] [--accept-clock SIZE]...
                            [--accept-late ROW|FIRST-LAST]... [--json] INPUT
    python3 audit_verify.py --batch        reads one JSON array of arguments per line, prints one JSON report per line

Exit codes: 0 if no change was found, 1 if one was found, 2 if the input could not be read. All checkpoints are kept in
memory; use the Rust verifier for large logs.
"""

import argparse
import base64
import binascii
import codecs
import collections
import datetime
import hashlib
import hmac
import json
import os
import re
import sqlite3
import struct
import sys
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTES = {"unsigned_tail", "late", "not_exported", "foreign_note"}
DASH = "\u2014 "
BLANK = " \t\r\n"
MAX_NOTE, MAX_SIGNATURES, MAX_LINE, MAX_NODE = 262_144, 64, 16 << 20, 1024
EPOCH, TOO_LATE, CLOCK_WENT_BACK, MAX_STEPS = 900, 1125, 3600, 20_000_000
MAX_LISTED = 100
STEPS = 1_000_000  # of SQLite's virtual machine, between two checks of the limit
PROOF, MAX_PROOF, U64 = b'{"fourauth_proof":', 1 << 20, 1 << 64
ZERO = bytes(32)
ERASURE = "rows=([0-9]+) digest=([0-9a-f]{64})(?: signature=([^ ]*))?(?: |\\Z)"
UNREAD = -(1 << 63)  # stands for a time that is not read
UNFIT = object()  # a value of the wrong type or length


class Unreadable(Exception):
    """The input could not be read. This neither proves nor disproves a change."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# Leaves


def cbor_head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for code, (limit, form) in enumerate([(1 << 8, ">B"), (1 << 16, ">H"), (1 << 32, ">I"), (1 << 64, ">Q")], 24):
        if number < limit:
            return bytes([major << 5 | code]) + struct.pack(form, number)
    raise ValueError(number)


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return cbor_head(0, value) if value >= 0 else cbor_head(1, -1 - value)
    if isinstance(value, str):
        value = value.encode()
        return cbor_head(3, len(value)) + value
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    return cbor_head(4, len(value)) + b"".join(map(cbor, value))


def leaf_hash(row, previous):
    """The hash computed from the row, or None if it cannot be computed."""
    if row["sealing"] is UNFIT or row["text"] is UNFIT:
        return None
    ts_utc, username, action, success, detail = row["text"]
    salt, name_hash, detail_hash, erased_by = row["sealing"]
    if erased_by is None:
        name_hash = None if username is None else sha256(salt, b"\x01", username.encode())
        detail_hash = sha256(salt, b"\x02", detail.encode())
    elif username is not None or detail != "" or name_hash is None:
        return None
    node, node_seq = row["link"]
    leaf = [1, row["id"], ts_utc, name_hash, action, success, detail_hash, node, node_seq, previous]
    return sha256(b"\x00", cbor(leaf))


def sealing(salt, name_hash, detail_hash, erased_by):
    """The salt or the hashes of an erased row; UNFIT if they do not fit the table in the document."""
    if UNFIT in (salt, name_hash, detail_hash, erased_by):
        return UNFIT
    if salt is not None and name_hash is None and detail_hash is None and erased_by is None:
        return salt, None, None, None
    if salt is None and detail_hash is not None and erased_by is not None:
        return None, name_hash, detail_hash, erased_by
    return UNFIT


class Tree:
    def __init__(self):
        self.size, self.frontier, self.completed = 0, [], []

    def push(self, leaf):
        self.completed, self.size, left = [leaf], self.size + 1, self.size
        while left & 1:
            leaf = sha256(b"\x01", self.frontier.pop(), leaf)
            self.completed.append(leaf)
            left >>= 1
        self.frontier.append(leaf)

    def root(self):
        if not self.frontier:
            return sha256(b"")
        root = self.frontier[-1]
        for left in self.frontier[-2::-1]:
            root = sha256(b"\x01", left, root)
        return root


# Notes and checkpoints


def strict_base64(text):
    decoded = base64.b64decode(text.encode(), validate=True)
    if base64.b64encode(decoded).decode() != text:
        raise ValueError("base64 is not canonical")
    return decoded


def is_name(text):
    fit = all(not c.isspace() and c != "+" and ord(c) >= 32 and not 127 <= ord(c) < 160 for c in text)
    return 1 <= len(text.encode()) <= 255 and fit


class Key:
    def __init__(self, vkey):
        self.text = vkey
        self.name, key_id, key = vkey.split("+", 2)
        key = strict_base64(key)
        if not is_name(self.name) or len(key) != 33 or key[0] != 1:
            raise ValueError("not an Ed25519 key")
        self.id = sha256(self.name.encode(), b"\n", key)[:4]
        if bytes.fromhex(key_id) != self.id:
            raise ValueError("the key's id does not match its name and bytes")
        self.mac_id = sha256(self.name.encode(), b"\n\xfffourauth-epoch-hmac-sha256")[:4]
        self.public = Ed25519PublicKey.from_public_bytes(key[1:])

    def signed(self, text, signature):
        try:
            self.public.verify(signature, text.encode())
            return True
        except InvalidSignature:
            return False


class Checkpoint:
    """A checkpoint read from a note. Raises ValueError if the note does not open with the key."""

    def __init__(self, note, key):
        if len(note.encode()) > MAX_NOTE or any(ord(c) < 32 and c != "\n" for c in note):
            raise ValueError("not a note")
        text, blank, below = note.rpartition("\n\n")
        if not blank or not below.endswith("\n"):
            raise ValueError("not a note")
        self.text, lines = text + "\n", below[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise ValueError("not a note")
        self.signatures = [self.signature(line) for line in lines]
        ours = self.by(key.name, key.id)
        if not ours or not all(key.signed(self.text, signature) for signature in ours):
            raise ValueError("not signed with this key")
        lines = self.text.split("\n")
        if len(lines) != 6 or not lines[3].startswith("time ") or not lines[4].startswith("epoch "):
            raise ValueError("not a checkpoint")
        self.origin, size, root, self.at, epoch = lines[0], lines[1], lines[2], lines[3][5:], lines[4][6:]
        for number in (size, epoch):
            if not re.fullmatch("0|[1-9][0-9]{0,19}", number) or int(number) >= 1 << 64:
                raise ValueError("not a checkpoint")
        self.size, self.epoch, self.root = int(size), int(epoch), strict_base64(root)
        if self.origin != key.name or len(self.root) != 32 or not re.fullmatch("[-0-9:.+TZ]{1,40}", self.at):
            raise ValueError("not a checkpoint")
        self.mac = self.by(key.name, key.mac_id)

    @staticmethod
    def signature(line):
        if not line.startswith(DASH):
            raise ValueError("not a signature")
        name, space, payload = line[len(DASH):].partition(" ")
        payload = strict_base64(payload)
        if not space or not is_name(name) or len(payload) < 5:
            raise ValueError("not a signature")
        return name, payload[:4], payload[4:]

    def by(self, name, key_id):
        return [bytes_ for signer, id_, bytes_ in self.signatures if (signer, id_) == (name, key_id)]


def opened(note, key):
    try:
        return Checkpoint(note, key) if isinstance(note, str) else None
    except (ValueError, binascii.Error):
        return None


def carried_note(line):
    """The note in a syslog message, of this log or another."""
    if " checkpoint - " not in line or not line.endswith("\n"):
        return None
    try:
        note = strict_base64(line.rstrip(BLANK).rpartition(" checkpoint - ")[2])
        is_note = len(note) <= MAX_NOTE and f"\n\n{DASH}".encode() in note
        return note.decode() if is_note else None
    except (ValueError, binascii.Error):
        return None


def notes_in(path, origin):
    """The notes in a file of checkpoints, each with its line. An incomplete note at the end is left out."""
    gathered, size, signed, begin = [], 0, False, 0
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            line = unmarked(raw).decode(errors="replace")
            carried = carried_note(line) if len(raw) < MAX_LINE else None
            is_signature, more = line.startswith(DASH), len(line.encode())
            ends = carried is not None or signed and not is_signature or size + more > MAX_NOTE
            if ends or line == origin + "\n":
                if signed:
                    yield begin, "".join(gathered)
                gathered, size, signed = [], 0, False
            if carried is not None:
                if carried.startswith(origin + "\n"):
                    yield number, carried
            elif more <= MAX_NOTE and (gathered or line.strip(BLANK)):
                begin = begin if gathered else number
                gathered.append(line)
                size, signed = size + more, signed or is_signature
    if signed and gathered[-1].endswith("\n"):
        yield begin, "".join(gathered)


def exported_in(path, key):
    """Without this check, a file that cannot be read would pass for one that says nothing against the log."""
    notes = [(line, opened(note, key)) for line, note in notes_in(path, key.name)]
    if all(checkpoint is None for _, checkpoint in notes):
        raise Unreadable(f"{path} holds no checkpoint of this log")
    return notes


def seconds(text):
    stamp = re.fullmatch(
        "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", text
    )
    if not stamp:
        return None
    try:
        at = datetime.datetime.strptime(stamp[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    zone, offset = stamp[2], 0
    if zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if hours >= 24 or minutes >= 60:
            return None
        offset = (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
    return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(seconds=1) - offset


# Reading


def each_once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("duplicate name")
    return dict(pairs)


def no_constant(name):
    raise ValueError(name)


def unmarked(data):
    mark = codecs.BOM_UTF8
    return data[len(mark):] if data.startswith(mark) else data


class Export:
    """An export in JSON Lines."""

    kind = "export"
    ROW = {"position": int, "id": int, "ts_utc": str, "username": (str, None), "action": str, "success": bool,
           "detail": str, "node": str, "node_seq": int, "salt": (16, None), "name_hash": (32, None),
           "detail_hash": (32, None), "erased_by": (int, None), "leaf_hash": 32}

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        try:
            lines = unmarked(data).decode().split("\n")
        except UnicodeDecodeError as error:
            raise Unreadable(str(error)) from error
        if lines.pop() != "":
            raise Unreadable("the last line has no newline")
        lines = [self.parsed(line) for line in lines]
        header = self.shaped(lines[0] if lines else {}, {"fourauth_audit": int, "origin": str, "vkey": (str, None)})
        if header["fourauth_audit"] != 1:
            raise Unreadable("unsupported version of the format")
        self.origin, self.vkey, self.lines, at = header["origin"], header["vkey"], lines, 1
        sections = {}
        for name in ("position", "checkpoint", "rollback", "end"):
            begin = at
            while at < len(lines) and next(iter(lines[at]), None) == name:
                at += 1
            sections[name] = lines[begin:at]
        if at != len(lines) or len(sections["end"]) != 1:
            raise Unreadable("the export is truncated or its lines are out of order")
        end = self.shaped(sections["end"][0], {"end": dict})["end"]
        end = self.shaped(end, {"rows": int, "checkpoints": int})
        if (end["rows"], end["checkpoints"]) != (len(sections["position"]), len(sections["checkpoint"])):
            raise Unreadable("the counts in the end line do not match the lines")
        self.sections = sections

    @staticmethod
    def parsed(line):
        try:
            value = json.loads(line, object_pairs_hook=each_once, parse_constant=no_constant)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"a line is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise Unreadable("a line is not an object")
        return value

    @staticmethod
    def shaped(value, shape):
        if set(value) - set(shape):
            raise Unreadable("a line has an unknown name")
        result = {}
        for name, kinds in shape.items():
            kinds = kinds if isinstance(kinds, tuple) else (kinds,)
            result[name] = Export.one(value.get(name), kinds, name)
        return result

    @staticmethod
    def one(found, kinds, name):
        for kind in kinds:
            if kind is None and found is None:
                return None
            if isinstance(kind, int) and isinstance(found, str) and re.fullmatch(f"[0-9a-f]{{{2 * kind}}}", found):
                return bytes.fromhex(found)
            if kind is int and type(found) is int and -(1 << 63) <= found < 1 << 63:
                return found
            if kind in (str, bool, dict) and type(found) is kind:
                return found
        raise Unreadable(f"{name} has the wrong type or length")

    def rollbacks(self):
        for line in self.sections["rollback"]:
            line = self.shaped(line, {"rollback": str, "log_id": int})
            yield None, line["rollback"], line["log_id"]

    def checkpoints(self):
        for line in self.sections["checkpoint"]:
            yield None, self.shaped(line, {"checkpoint": str})["checkpoint"]

    def rows(self):
        for line in self.sections["position"]:
            line = self.shaped(line, self.ROW)
            yield {
                "id": line["id"],
                "position": line["position"],
                "link": (line["node"], line["node_seq"]) if len(line["node"].encode()) <= MAX_NODE else None,
                "leaf_hash": line["leaf_hash"],
                "sealing": sealing(line["salt"], line["name_hash"], line["detail_hash"], line["erased_by"]),
                "text": tuple(line[name] for name in ("ts_utc", "username", "action", "success", "detail")),
            }

    def check_row(self, audit):
        pass

    def check_end(self, audit):
        pass


class Proof:
    """The proof of one row. Only its single accepted form is read."""

    kind, origin, vkey = "proof", None, None
    ROW = {"id": int, "ts_utc": str, "username": (str, None), "action": str, "success": bool, "detail": str,
           "node": str, "node_seq": int, "previous": 32, "salt": (16, None), "name_hash": (32, None),
           "detail_hash": (32, None)}

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read(MAX_PROOF + 1)
        if len(data) > MAX_PROOF:
            raise Unreadable("the proof is too long")
        proof = Export.parsed(data.decode())
        if list(proof) != ["fourauth_proof", "row", "position", "path", "checkpoint"]:
            raise Unreadable("a name is missing, unknown or out of order")
        if not isinstance(proof["row"], dict) or list(proof["row"]) != list(self.ROW):
            raise Unreadable("a name of the row is missing, unknown or out of order")
        again = json.dumps(proof, separators=(",", ":")) + "\n"
        if again.encode() != data:
            raise Unreadable("the same values are written in another way")
        json.dumps(proof, ensure_ascii=False).encode()  # fails for half of a surrogate pair
        if type(proof["fourauth_proof"]) is not int or proof["fourauth_proof"] != 1:
            raise Unreadable("unsupported version of the format")
        self.position, self.note, path = proof["position"], proof["checkpoint"], proof["path"]
        if type(self.position) is not int or not 0 <= self.position < U64 or not isinstance(self.note, str):
            raise Unreadable("position or checkpoint has the wrong type")
        if not isinstance(path, list):
            raise Unreadable("path has the wrong type")
        self.path = [Export.one(item, (32,), "path") for item in path]
        self.row = Export.shaped(proof["row"], self.ROW)

    def rollbacks(self):
        return []

    def checkpoints(self):
        return iter(())

    def leaf(self):
        row, kept = self.row, (self.row["salt"], self.row["name_hash"], self.row["detail_hash"])
        by = None if row["salt"] is not None else 0  # a proof does not say which row erased this one
        text = tuple(row[name] for name in ("ts_utc", "username", "action", "success", "detail"))
        made = {"id": row["id"], "link": (row["node"], row["node_seq"]), "sealing": sealing(*kept, by), "text": text}
        return leaf_hash(made, row["previous"])

    def root(self, size):
        """RFC 9162, section 2.1.3.2. None if the path does not fit position and size."""
        if self.position >= size:
            return None
        at, last, root = self.position, size - 1, self.leaf()
        if root is None:
            return None
        for other in self.path:
            if last == 0:
                return None
            if at & 1 or at == last:
                root = sha256(b"\x01", other, root)
                while at and not at & 1:
                    at, last = at >> 1, last >> 1
            else:
                root = sha256(b"\x01", root, other)
            at, last = at >> 1, last >> 1
        return root if last == 0 else None


def text_of(value):
    """Decodes a text. One that is not UTF-8 is UNFIT, so that it is a finding and not an error."""
    if not isinstance(value, Text):
        return UNFIT
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return UNFIT


class Text(bytearray):
    """The bytes of a value that SQLite stores as text."""


def blob_of(value, length):
    return value if isinstance(value, bytes) and len(value) == length else UNFIT


def int_of(value):
    return value if isinstance(value, int) else UNFIT


def or_null(of, value, *more):
    return None if value is None else of(value, *more)


def count_of(value):
    value = int_of(value)
    return value if value is not UNFIT and value >= 0 else UNFIT


class Database:
    """A SQLite database file, read at one instant."""

    kind = "database"
    TABLES = ["access_logs", "audit_leaf", "audit_node", "audit_tree", "audit_tile", "audit_checkpoint", "audit_rollback"]

    def __init__(self, path):
        alone = not os.path.exists(path + "-wal") and not os.path.exists(path + "-journal")
        uri = "file:" + urllib.parse.quote(os.path.abspath(path)) + "?mode=ro" + ("&immutable=1" if alone else "")
        self.database = sqlite3.connect(uri, uri=True, isolation_level=None)
        self.database.text_factory = Text
        self.limit_steps(path)
        self.all("PRAGMA query_only = ON")
        self.all("PRAGMA trusted_schema = OFF")
        self.all("BEGIN")
        for table in self.TABLES:
            found = self.all("SELECT type = 'table' AND sql LIKE 'CREATE TABLE %' AND rootpage > 0 "
                             "FROM sqlite_schema WHERE name = ?", table)
            if found != [(1,)]:
                raise Unreadable(f"the database has no table {table}")
        trees = self.all("SELECT size, frontier, legacy_to, vkey FROM audit_tree LIMIT 2")
        size, frontier, legacy_to, vkey = trees[0] if len(trees) == 1 else (None, None, 0, None)
        self.size, self.frontier = count_of(size), frontier
        if self.size is UNFIT or not isinstance(frontier, bytes) or len(frontier) != 32 * bin(self.size).count("1"):
            self.size = None
        self.legacy_to = legacy_to if isinstance(legacy_to, int) else 0
        self.vkey = or_null(lambda key: key if (key := text_of(key)) is not UNFIT else "", vkey)
        self.origin = None
        self.tiles, self.tiles_are_so = 0, True
        self.leaves, self.bodies = 0, 0

    def limit_steps(self, path):
        """Interrupts SQLite after many more steps than a file of this size needs: crafted pages may have no end."""
        size = sum(os.path.getsize(name) for name in (path, path + "-wal") if os.path.exists(name))
        self.left = 20 + size * 8 // STEPS
        self.database.set_progress_handler(self.is_over, STEPS)

    def is_over(self):
        self.left -= 1
        return self.left <= 0

    def all(self, sql, *values):
        return self.database.execute(sql, values).fetchall()

    def rollbacks(self):
        for size, note, row in self.all("SELECT size, note, log_id FROM audit_rollback ORDER BY size, note"):
            yield count_of(size), text_of(note), row if isinstance(row, int) else 0

    def checkpoints(self):
        sql = "SELECT size, ts_utc, epoch, note FROM audit_checkpoint ORDER BY size"
        for size, at, epoch, note in self.database.execute(sql):
            yield (count_of(size), text_of(at), count_of(epoch)), text_of(note)

    def rows(self):
        sql = ("SELECT l.position, l.log_id, l.node, l.node_seq, l.leaf_hash, l.salt, l.name_hash, l.detail_hash, "
               "l.erased_by, a.id, a.ts_utc, a.username, a.action, a.success, a.detail "
               "FROM audit_leaf l LEFT JOIN access_logs a ON a.id = l.log_id ORDER BY l.position")
        for (position, log_id, node, node_seq, leaf, salt, name_hash, detail_hash, erased_by,
             row_id, ts_utc, username, action, success, detail) in self.database.execute(sql):
            self.leaves, self.bodies = self.leaves + 1, self.bodies + (row_id is not None)
            link = (text_of(node), int_of(node_seq))
            is_link = UNFIT not in link and len(link[0].encode()) <= MAX_NODE
            success = {0: False, 1: True}.get(success, UNFIT) if isinstance(success, int) else UNFIT
            text = (text_of(ts_utc), or_null(text_of, username), text_of(action), success, text_of(detail))
            yield {
                "id": log_id,
                "position": position if isinstance(position, int) else None,
                "link": link if is_link else None,
                "leaf_hash": blob_of(leaf, 32),
                "sealing": sealing(or_null(blob_of, salt, 16), or_null(blob_of, name_hash, 32),
                                   or_null(blob_of, detail_hash, 32), or_null(int_of, erased_by)),
                "text": None if row_id is None else UNFIT if UNFIT in text else text,
            }

    def check_row(self, audit):
        """Checks the roots of the perfect subtrees that the newest leaf completed."""
        for level in range(8, len(audit.tree.completed), 8):
            number = (audit.tree.size >> level) - 1
            found = self.all("SELECT hash FROM audit_tile WHERE level = ? AND number = ?", level, number)
            self.tiles += 1
            self.tiles_are_so &= [audit.tree.completed[level]] == [hash_ for hash_, in found]

    def check_end(self, audit):
        tree = audit.tree
        if self.size != tree.size or self.size != audit.places or self.frontier != b"".join(tree.frontier):
            audit.find("tree_state")
        begun, are_so = 0, True
        for node, node_seq, leaf in self.all("SELECT node, node_seq, leaf_hash FROM audit_node"):
            known = audit.chains.get(text_of(node), (0, ZERO))
            are_so &= (int_of(node_seq), blob_of(leaf, 32)) == known and text_of(node) is not UNFIT
            begun += known != (0, ZERO)
        if not are_so or begun != len(audit.chains):
            audit.find("tree_state")
        if not self.tiles_are_so or self.all("SELECT COUNT(*) FROM audit_tile") != [(self.tiles,)]:
            audit.find("tree_state")
        lacks = self.size is not None and self.size > tree.size
        for row, in self.all("SELECT a.id FROM access_logs a NOT INDEXED WHERE NOT EXISTS "
                             "(SELECT 1 FROM audit_leaf l WHERE l.log_id = a.id) ORDER BY a.id"):
            audit.find("missing_leaf" if lacks or row <= self.legacy_to else "inserted_row", row=row)
            self.bodies += 1
        for table, read in ("audit_leaf", self.leaves), ("access_logs", self.bodies):
            if self.all(f"SELECT COUNT(*) FROM {table} NOT INDEXED") != [(read,)]:
                audit.find("hidden_row")


# Verifying


# What the operator told the auditor: sizes, rows, sizes, and the first and last rows of ranges.
Told = collections.namedtuple("Told", "rollbacks erasures signed clock late")


class Chain:
    """The keys that follow from the first key of a chain of epochs."""

    steps = 0

    def __init__(self, first):
        self.epoch, self.key, self.last = 0, first, ZERO
        self.ahead = 0, first
        self.bounds, self.has_made = None, False

    def made(self, checkpoint):
        """Whether this chain made the checkpoint, which is then its newest."""
        epoch = checkpoint.epoch
        if len(checkpoint.mac) != 1 or epoch < self.epoch:
            return False
        if self.ahead[0] > epoch or self.ahead[0] == self.epoch:
            self.ahead = self.epoch, self.key
        at, key = self.ahead
        Chain.steps += epoch - at
        if Chain.steps > MAX_STEPS:
            raise Unreadable("too many epochs")
        while at < epoch:
            key = sha256(b"fourauth-epoch", key, self.last if at == self.epoch else ZERO)
            at += 1
        self.ahead = at, key
        mac = hmac.digest(key, checkpoint.text.encode(), "sha256")
        if not hmac.compare_digest(checkpoint.mac[0], struct.pack(">Q", epoch) + mac):
            return False
        self.epoch, self.key, self.last = epoch, key, sha256(checkpoint.text.encode())
        self.has_made = True
        return True

    def is_in_time(self, checkpoint):
        at = seconds(checkpoint.at)
        if at is None:
            return False
        told = at - (checkpoint.epoch + 1) * EPOCH, at - checkpoint.epoch * EPOCH
        lower, upper = self.bounds or told
        both = max(lower, told[0]), min(upper, told[1])
        agrees = both[0] <= both[1] + CLOCK_WENT_BACK
        self.bounds = both if agrees else told
        return agrees


class Audit:
    def __init__(self, source, key, notes, epoch_keys, told):
        self.source, self.key, self.told_of = source, key, told
        self.findings, self.counts, self.once = [], {}, set()
        Chain.steps = 0
        self.epochs, self.first = [Chain(first) for first in epoch_keys], None
        self.newest = UNREAD
        self.places, self.whole, self.tree, self.chains = 0, True, Tree(), {}
        self.erased, self.told, self.oldest, self.rows, self.erased_rows = {}, {}, None, 0, 0
        self.exported, self.given_up, self.count, self.compared = [], 0, 0, None
        for line, checkpoint in notes:
            self.take_exported(line, checkpoint)
        self.exported.sort(key=lambda checkpoint: checkpoint.size)
        self.total = len(self.exported)
        self.rollbacks = []
        for size, note, row in source.rollbacks():
            lost = opened(note, key)
            if lost is None or size not in (None, lost.size):
                self.find("bad_signature", row=row)
            else:
                self.rollbacks.append({"lost": lost, "row": row, "position": None})
        if source.vkey not in (None, key.text) or source.origin not in (None, key.name):
            self.find("bad_signature")
        self.own = source.checkpoints()
        self.next = self.next_own()

    def find(self, finding, row=None, position=None, size=None, line=None):
        where = {"row": row, "position": position, "size": size, "line": line}
        self.counts[finding] = self.counts.get(finding, 0) + 1
        if self.counts[finding] <= MAX_LISTED:
            self.findings.append({"finding": finding} | {name: at for name, at in where.items() if at is not None})

    def find_once(self, finding, size, kind=None):
        if (kind or finding) not in self.once:
            self.once.add(kind or finding)
            self.find(finding, size=size)

    def take_exported(self, line, checkpoint):
        if checkpoint is None:
            self.find("foreign_note", line=line)
        else:
            self.exported.append(checkpoint)

    def next_own(self):
        for beside, note in self.own:
            self.count += 1
            checkpoint = opened(note, self.key)
            if checkpoint is None:
                size = beside[0] if beside and beside[0] is not UNFIT else None
                self.find("bad_signature", size=size)
            elif beside not in (None, (checkpoint.size, checkpoint.at, checkpoint.epoch)):
                self.find("bad_signature", size=checkpoint.size)
            else:
                self.check_epoch(checkpoint)
                if self.compared is None or checkpoint.size > self.compared:
                    return checkpoint
                self.find_once("root_mismatch", checkpoint.size)
        return None

    def check_epoch(self, checkpoint):
        if not self.epochs:
            return
        self.first = checkpoint.size if self.first is None else self.first
        by = next((chain for chain in self.epochs if chain.made(checkpoint)), None)
        if by is not None:
            if not by.is_in_time(checkpoint) and checkpoint.size not in self.told_of.clock:
                self.find("clock_step", size=checkpoint.size)
        elif any(chain.has_made for chain in self.epochs):
            self.find("bad_epoch_mac", size=checkpoint.size)

    def wait(self, row, at):
        """Records a row that no checkpoint covers yet. A time that is not read counts as the oldest."""
        at = UNREAD if at is None else at
        self.newest = max(at, self.newest)
        is_left_out = any(first <= row <= last for first, last in self.told_of.late) if self.epochs else at == UNREAD
        if not is_left_out and (self.oldest is None or at < self.oldest[0]):
            self.oldest = at, row

    def check_delay(self, end, size=None):
        """Checks the oldest row that no checkpoint covered until this time."""
        (oldest, row), late = self.oldest, end - self.oldest[0]
        where = {"row": row} if size is None else {"row": row, "size": size}
        if self.epochs and (oldest == UNREAD or late > TOO_LATE):
            self.find("backdated", **where)
        elif late > EPOCH and size is not None:
            self.find("late", **where)

    def gave_up(self, checkpoint):
        at = seconds(checkpoint.at)
        for rollback in self.rollbacks:
            until = seconds(rollback["lost"].at)
            if at is None or until is None or rollback["position"] is None:
                continue
            if rollback["position"] < checkpoint.size <= rollback["lost"].size and at <= until:
                return True
        return False

    def compare(self):
        def fits(checkpoint):
            return checkpoint.size == self.places and self.whole and checkpoint.root == self.tree.root()

        while self.next and self.next.size <= self.places:
            at = seconds(self.next.at)
            if not fits(self.next):
                self.find_once("root_mismatch", self.next.size)
            if self.oldest and at is not None and self.compared is not None:
                self.check_delay(at, self.next.size)
            self.oldest, self.compared = None, self.next.size
            self.next = self.next_own()
        while self.exported and self.exported[0].size <= self.places:
            checkpoint = self.exported.pop(0)
            if fits(checkpoint):
                continue
            if self.gave_up(checkpoint):
                self.given_up += 1
            else:
                self.find_once("history_changed", checkpoint.size)

    def row(self, row):
        self.rows += 1
        where = {"row": row["id"], "position": row["position"]}
        if row["position"] is None:
            return self.find("wrong_position", **where)
        if row["position"] > self.places:
            self.find("missing_row", position=self.places)
            self.whole = False
        elif row["position"] < self.places:
            self.find("wrong_position", **where)
            self.whole = False
        self.places = max(self.places, row["position"] + 1)
        leaf = row["leaf_hash"] if row["leaf_hash"] is not UNFIT else ZERO
        self.check_leaf(row, leaf, where)
        self.note_erasure(row)
        self.note_rollback(row)
        if row["text"] not in (None, UNFIT):
            self.wait(row["id"], seconds(row["text"][0]))
        self.tree.push(leaf)
        self.source.check_row(self)
        self.compare()

    def check_leaf(self, row, leaf, where):
        if row["text"] is None:
            self.find("missing_row", **where)
        if row["link"] is None:
            return self.find("chain_broken", **where)
        node, node_seq = row["link"]
        newest, previous = self.chains.get(node, (0, ZERO))
        self.chains[node] = node_seq, leaf
        if node_seq != newest + 1:
            self.find("chain_broken", **where)
        elif row["text"] is not None and (row["leaf_hash"] is UNFIT or leaf_hash(row, previous) != leaf):
            self.find("edited_row", **where)

    def detail_of(self, row, action):
        """The detail of a successful row with this action that was not erased; otherwise empty."""
        if row["text"] in (None, UNFIT) or row["sealing"] is UNFIT or row["sealing"][0] is None:
            return ""
        _, _, its_action, success, detail = row["text"]
        return detail if its_action == action and success else ""

    def note_erasure(self, row):
        if row["sealing"] is not UNFIT and row["sealing"][3] is not None:
            self.erased_rows += 1
            leaf = row["leaf_hash"] if row["leaf_hash"] is not UNFIT else ZERO
            self.erased.setdefault(row["sealing"][3], []).append((row["id"], leaf))
        told = re.match(ERASURE, self.detail_of(row, "erase_audit"))
        if told and int(told[1]) < 1 << 64:
            self.told[row["id"]] = (int(told[1]), told[2]), told[3]

    def is_signed(self, rows, digest, signature):
        leaves = sha256(*(leaf for _, leaf in rows)).hex()
        text = f"fourauth-erasure\n{self.key.name}\n{len(rows)}\n{digest}\n{leaves}\n"
        try:
            return signature is not None and self.key.signed(text, strict_base64(signature))
        except (ValueError, binascii.Error):
            return False

    def note_rollback(self, row):
        for rollback in self.rollbacks:
            told = f"size={rollback['lost'].size} root={rollback['lost'].root.hex()}"
            detail = self.detail_of(row, "accept_rollback")
            if rollback["row"] == row["id"] and (detail == told or detail.startswith(told + " ")):
                rollback["position"] = self.places - 1

    def finish(self):
        while self.next:
            self.find_once("root_mismatch", self.next.size)
            self.next = self.next_own()
        gone = [checkpoint for checkpoint in self.exported if not self.gave_up(checkpoint)]
        self.given_up += len(self.exported) - len(gone)
        if gone:
            self.find("tail_gone", size=gone[-1].size)
        for chain in self.epochs:
            if self.first is not None and not chain.has_made:
                self.find("bad_epoch_mac", size=self.first)
        if self.oldest:
            self.check_delay(self.newest)
        if (self.compared or 0) < self.places:
            self.find("unsigned_tail", size=self.compared or 0)
        for by in sorted(self.erased.keys() | self.told.keys()):
            rows = sorted(self.erased.get(by, []))
            digest = sha256(*(struct.pack(">q", row) for row, _ in rows)).hex()
            told, signature = self.told.get(by, (None, None))
            if told != (len(rows), digest):
                self.find("erased_without_row", row=by)
            elif by in self.told_of.erasures or self.told_of.signed and self.is_signed(rows, digest, signature):
                continue
            else:
                self.find("erasure", row=by)
        for rollback in self.rollbacks:
            size = rollback["lost"].size
            if rollback["position"] is None or size not in self.told_of.rollbacks:
                self.find("rollback", row=rollback["row"], size=size)
        self.source.check_end(self)

    def report(self):
        self.compare()
        for row in self.source.rows():
            self.row(row)
        self.finish()
        return {
            "proved": set(self.counts) <= NOTES, "input": self.source.kind, "origin": self.key.name, "rows": self.rows,
            "erased_rows": self.erased_rows, "root": self.tree.root().hex() if self.whole else None,
            "checkpoints": self.count, "exported_checkpoints": self.total, "given_up_checkpoints": self.given_up,
            "has_epoch_key": bool(self.epochs), "findings": self.findings, "counts": self.counts,
        }


class ProofAudit(Audit):
    """Checks the proof of one row, with the auditor's key and exported checkpoints."""

    def report(self):
        proof, root = self.source, None
        row, checkpoint = proof.row["id"], opened(proof.note, self.key)
        if checkpoint is None or len(checkpoint.signatures) != 1:
            self.find("bad_signature", row=row)
        elif proof.leaf() is None:
            self.find("edited_row", row=row)
        elif proof.root(checkpoint.size) != checkpoint.root:
            self.find("edited_row", row=row, size=checkpoint.size)
        else:
            root = checkpoint.root
            same = [known.root for known in self.exported if known.size == checkpoint.size]
            if self.exported and not same:
                self.find("not_exported", size=checkpoint.size)
            elif any(known != root for known in same):
                self.find("history_changed", size=checkpoint.size)
        report = {
            "proved": set(self.counts) <= NOTES, "input": "proof", "origin": self.key.name, "rows": 1,
            "erased_rows": int(proof.row["salt"] is None), "root": root and root.hex(), "checkpoints": 1,
            "exported_checkpoints": self.total, "given_up_checkpoints": 0,
            "has_epoch_key": bool(self.epochs), "findings": self.findings, "counts": self.counts,
        }
        report["row"] = {name: it.hex() if isinstance(it, bytes) else it for name, it in proof.row.items()}
        return report if root is None else report | {"signed_at": checkpoint.at}


# The command


def first_line(path):
    with open(path, encoding="utf-8-sig") as file:
        return file.readline(4096).strip()


Handover = collections.namedtuple("Handover", "size root at")
HANDOVER = "([0-9a-fA-F]{64})(?:[ \\t]+size=([0-9]+)[ \\t]+root=([0-9a-fA-F]{64})[ \\t]+at=([^ \\t]+))?"


def epoch_keys_of(given):
    """The first keys in an argument, each with what the log was when it was handed over, or None.

    The argument is one key, or a file with one in each line."""
    if re.fullmatch("[0-9a-fA-F]{64}", given):
        return [(bytes.fromhex(given), None)]
    if not os.path.exists(given):
        raise Unreadable("--epoch-key is neither a file nor a key of 64 hexadecimal digits")
    with open(given, encoding="utf-8-sig") as file:
        lines = [line.strip() for line in file.read(1 << 16).splitlines()]
    lines = [line for line in lines if line]
    lines = [re.fullmatch(HANDOVER, line, re.ASCII) for line in lines]
    if not lines or not all(lines):
        raise Unreadable("each line must be a key, or a line of `fourauthd audit epoch-key`")
    keys = []
    for key, size, root, at in (line.groups() for line in lines):
        if size is not None and (int(size) >= 1 << 64 or seconds(at) is None):
            raise Unreadable("each line must be a key, or a line of `fourauthd audit epoch-key`")
        handover = None if size is None else Handover(int(size), bytes.fromhex(root), at)
        keys.append((bytes.fromhex(key), handover))
    return keys


def verify(arguments):
    key = Key(arguments.key if "+" in arguments.key else first_line(arguments.key))
    first = [key for given in arguments.epoch_key for key in epoch_keys_of(given)]
    epoch_keys, handovers = [key for key, _ in first], [moment for _, moment in first if moment]
    notes = [note for path in arguments.checkpoints for note in exported_in(path, key)]  # read before the log
    with open(arguments.input, "rb") as file:
        beginning = file.read(len(PROOF))
    late = [tuple(int(end) for end in (given.split("-") * 2)[:2]) for given in arguments.accept_late]
    told = Told(
        set(arguments.accept_rollback), set(arguments.accept_erasure), arguments.accept_signed_erasures,
        set(arguments.accept_clock), late,
    )
    if beginning == PROOF:
        return ProofAudit(Proof(arguments.input), key, notes, epoch_keys, told).report()
    is_database = beginning.startswith(b"SQLite format 3\0")
    source = Database(arguments.input) if is_database else Export(arguments.input)
    notes += [(None, handover) for handover in handovers]
    return Audit(source, key, notes, epoch_keys, told).report()


def run(arguments):
    """Returns the report and the exit code."""
    try:
        report = verify(arguments)
        return report, 0 if report["proved"] else 1
    except (Unreadable, OSError, ValueError, sqlite3.Error) as error:
        return {"proved": False, "error": f"{type(error).__name__}: {error}"}, 2


def parser():
    parser = argparse.ArgumentParser(description="Checks fourauth's audit log for changes.")
    parser.add_argument("--key", required=True)
    parser.add_argument("--checkpoints", action="append", default=[])
    parser.add_argument("--epoch-key", action="append", default=[])
    for told in ("rollback", "erasure", "clock"):
        parser.add_argument(f"--accept-{told}", type=int, action="append", default=[])
    parser.add_argument("--accept-signed-erasures", action="store_true")
    parser.add_argument("--accept-late", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("input")
    return parser


def main():
    if sys.argv[1:] == ["--batch"]:
        for line in sys.stdin:
            report, code = run(parser().parse_args(json.loads(line)))
            print(json.dumps({"exit": code} | report), flush=True)
        return 0
    arguments = parser().parse_args()
    report, code = run(arguments)
    if arguments.json:
        print(json.dumps(report))
    elif code == 2:
        print(report["error"], file=sys.stderr)
    else:
        for finding in report["findings"]:
            what = "note" if finding["finding"] in NOTES else "CHANGED"
            where = ", ".join(f"{name} {at}" for name, at in finding.items() if name != "finding")
            print(f"{what}: {finding['finding']}: {where}")
        verdict = "no change found" if report["proved"] else "the log was changed"
        print(f"{report['origin']}: {verdict}. {report['rows']} rows.")
    return code


if __name__ == "__main__":
    sys.exit(main())
