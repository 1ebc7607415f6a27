"""Makes a 4Auth installation with the packages that 4Auth used: bcrypt, cryptography, pyotp and Pillow.

usage: make_4auth_db.py good|mixed FOLDER FACE OTHER_FACE

Writes users.db and fernet.key into FOLDER. Prints one JSON object with the password, the secret of the one-time codes
and the code of one instant for each account. `good` has two accounts that can be imported; `mixed` adds one account for
each reason to refuse it.
"""
import io, json, random, sqlite3, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import bcrypt, pyotp
from cryptography.fernet import Fernet
from PIL import Image

KIND, FOLDER, FACE, OTHER = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
INSTANT = 1795262400  # start time of every test
ROWS = 2345  # rows of the log, more than one transaction of an import

key = Fernet.generate_key()
(FOLDER / "fernet.key").write_bytes(key)
fernet, stranger = Fernet(key), Fernet(Fernet.generate_key())


def png(path=None):
    image = Image.open(path).convert("RGB") if path else Image.new("RGB", (320, 240), (127, 127, 127))
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def person(name, picture, mac, password="violet-Ox-42", texts=False, rounds=10, **changes):
    secret = pyotp.random_base32()
    row = dict(
        username=name,
        password_hash=bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)),
        face_image_enc=fernet.encrypt(picture),
        totp_secret_enc=fernet.encrypt(secret.encode()),
        mac_address=mac,
    )
    if texts:
        row = {column: value.decode() if isinstance(value, bytes) else value for column, value in row.items()}
    people[name] = dict(password=password, totp=secret, code=pyotp.TOTP(secret).at(INSTANT))
    db.execute(
        "INSERT INTO users VALUES (:username, :password_hash, :face_image_enc, :totp_secret_enc, :mac_address)",
        row | changes,
    )


def log(count):
    chance, moment = random.Random(4), datetime(2024, 5, 1, 8, tzinfo=timezone.utc)
    actions = ["login", "register", "recover_totp", "recover_password", "recover_face", "recover_mac"]
    for number in range(count):
        moment += timedelta(seconds=chance.randrange(1, 4000), microseconds=chance.randrange(1_000_000))
        name = chance.choice(["alice", "Ålesund", "mallory", "o'brien; DROP TABLE users", None])
        detail = chance.choice(["ok", "Face verification failed.", "TOTP verification failed.", "Überprüft: 田中", ""])
        success = int(detail == "ok")
        db.execute(
            "INSERT INTO access_logs (ts_utc, username, action, success, detail) VALUES (?, ?, ?, ?, ?)",
            (moment.isoformat(), name, chance.choice(actions), success, detail),
        )


people = {}
db = sqlite3.connect(FOLDER / "users.db")
db.execute(
    "CREATE TABLE users (username TEXT PRIMARY KEY, password_hash BLOB NOT NULL, face_image_enc BLOB NOT NULL,"
    " totp_secret_enc BLOB NOT NULL, mac_address TEXT NOT NULL)"
)
db.execute(
    "CREATE TABLE access_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, ts_utc TEXT NOT NULL, username TEXT,"
    " action TEXT NOT NULL, success INTEGER NOT NULL CHECK (success IN (0, 1)), detail TEXT)"
)
person("alice", png(FACE), "00:1B:44:11:3A:B7")
person("Ålesund", png(OTHER), "00-1b-44-11-3a-c9", password="amber-Fox-17", texts=True, rounds=4)
if KIND == "mixed":
    face = png(FACE)
    person("padded ", face, "00:1b:44:11:3a:01")
    person("md5", face, "00:1b:44:11:3a:02", password_hash="5f4dcc3b5aa765d61d8327deb882cf99")
    person("dear", face, "00:1b:44:11:3a:03", password_hash=b"$2b$31$" + b"a" * 53)
    person("sealed", face, "00:1b:44:11:3a:04", totp_secret_enc=stranger.encrypt(b"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
    person("short", face, "00:1b:44:11:3a:05", totp_secret_enc=fernet.encrypt(b"JBSWY3DPEHPK3PXP"))
    person("nowhere", face, "not an address")
    person("faceless", png(), "00:1b:44:11:3a:06")
    person("scribble", b"not a picture", "00:1b:44:11:3a:07")
    person("veiled", face, "00:1b:44:11:3a:08", face_image_enc=b"gAAAAAB")
    db.execute("INSERT INTO access_logs (ts_utc, action, success, detail) VALUES ('?', 'erase_audit', 1, 'rows=9')")
log(ROWS)
db.commit()
db.close()
print(json.dumps(people))
