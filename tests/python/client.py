"""A 4Auth client in plain Python, written from its documents. It uses only the standard library.

usage: client.py HOST PORT CA.pem ADMIN_SECRET FACE OTHER_FACE NEW_FACE
"""
import base64, datetime, hashlib, hmac, json, socket, ssl, struct, sys, time, urllib.parse

HOST, PORT, CA, ADMIN, FACE, OTHER, NEW = sys.argv[1:]
MAC, NEW_MAC = "00:1B:44:11:3A:B7", "00-1b-44-11-3a-c9"
TIME, WEAK = "Time out of allowed window.", "Weak password (min 8 chars and include uppercase/digit/special)."


def picture(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def now(offset=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return moment.isoformat()


class Server:
    def __init__(self):
        context = ssl.create_default_context(cafile=CA)
        self.tls = context.wrap_socket(socket.create_connection((HOST, int(PORT))), server_hostname=HOST)

    def receive(self, count):
        data = b""
        while len(data) < count:
            chunk = self.tls.recv(count - len(data))
            assert chunk, "the server closed the connection"
            data += chunk
        return data

    def ask(self, cmd, **fields):
        payload = json.dumps({"cmd": cmd, **fields}).encode()
        self.tls.sendall(struct.pack(">I", len(payload)) + payload)
        (length,) = struct.unpack(">I", self.receive(4))
        return json.loads(self.receive(length))


class Authenticator:
    """Codes of RFC 6238. Never returns a code twice, because the server accepts each step once."""

    def __init__(self, uri):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(uri).query)
        assert query["issuer"] == ["4Auth-Authentication"], query
        self.key, self.last = base64.b32decode(query["secret"][0] + "=" * (-len(query["secret"][0]) % 8)), 0

    def at(self, step):
        digest = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        start = digest[19] & 15
        return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7FFFFFFF) % 1000000:06}"

    def peek(self):
        return self.at(int(time.time()) // 30)

    def next(self):
        step = max(self.last + 1, int(time.time()) // 30 - 1)
        while step > int(time.time()) // 30:
            time.sleep(0.2)
        self.last = step
        return self.at(step)


def expect(answer, status, message):
    assert (answer["status"], answer["message"]) == (status, message), answer
    print(f"{status:5}  {message}")
    return answer


server = Server()
face, other, new_face, no_face = picture(FACE), picture(OTHER), picture(NEW), base64.b64encode(b"no picture").decode()
account = dict(username="alice", password="violet-Ox-42", faceID=face, mac=MAC)
register = dict(account, admin_secret=ADMIN, totp="new")
expect(server.ask("200", **dict(register, admin_secret="wrong")), "error", "Admin authorization failed.")
expect(server.ask("200", **dict(register, password="weak")), "error", WEAK)
expect(server.ask("200", **dict(register, faceID=no_face)), "error", "Invalid face image.")
added = server.ask("200", **register)
assert added["status"] == "ok" and base64.b64decode(added["qr_png_b64"]).startswith(b"\x89PNG"), added
expect(server.ask("200", **register), "error", "Username already exists.")

phone = Authenticator(added["provisioning_uri"])
login = dict(account, totp=phone.peek(), client_ts_utc=now())
attempt = lambda **changes: dict(login, totp=phone.peek(), client_ts_utc=now()) | changes
expect(server.ask("100", **attempt(username="unknown")), "error", "Invalid username or password.")
expect(server.ask("100", **attempt(password="wrong")), "error", "Invalid username or password.")
expect(server.ask("100", **attempt(faceID=other)), "error", "Face verification failed.")
expect(server.ask("100", **attempt(totp="12345")), "error", "TOTP verification failed.")
expect(server.ask("100", **attempt(mac="00:00:5e:00:53:01")), "error", "Unauthorized device.")
expect(server.ask("100", **attempt(client_ts_utc=now(-300))), "error", TIME)
expect(server.ask("100", **attempt(totp=phone.next(), mac=MAC.lower())), "ok", "Login successful.")

prove = lambda **changes: dict(username="alice", client_ts_utc=now()) | changes
expect(server.ask("310", **prove(new_password="amber-Fox-17", totp="000", faceID=face, mac=MAC)), "error", "TOTP verification failed.")
expect(server.ask("310", **prove(new_password="weak", totp=phone.peek(), faceID=face, mac=MAC)), "error", WEAK)
expect(server.ask("310", **prove(new_password="amber-Fox-17", totp=phone.next(), faceID=face, mac=MAC)), "ok", "Password reset successful.")
expect(server.ask("100", **prove(password="amber-Fox-17", totp=phone.next(), faceID=face, mac=MAC)), "ok", "Login successful.")


def another(name):
    """Registers another account, because a new factor cannot recover the others for a day."""
    uri = server.ask("200", **dict(register, username=name))["provisioning_uri"]
    return Authenticator(uri), lambda **changes: dict(username=name, client_ts_utc=now()) | changes


password = "violet-Ox-42"
phone, prove = another("bob")
reset = expect(server.ask("300", **prove(password=password, faceID=face, mac=MAC)), "ok", "TOTP secret reset. Scan the new QR code.")
assert base64.b64decode(reset["qr_png_b64"]).startswith(b"\x89PNG"), reset
phone = Authenticator(reset["provisioning_uri"])
expect(server.ask("100", **prove(password=password, totp=phone.next(), faceID=face, mac=MAC)), "ok", "Login successful.")
phone, prove = another("carol")
expect(server.ask("320", **prove(password=password, totp=phone.peek(), new_faceID=no_face, mac=MAC)), "error", "Invalid new face image.")
expect(server.ask("320", **prove(password=password, totp=phone.next(), new_faceID=new_face, mac=MAC)), "ok", "Face re-enrolled successfully.")
expect(server.ask("100", **prove(password=password, totp=phone.next(), faceID=new_face, mac=MAC)), "ok", "Login successful.")
phone, prove = another("dave")
expect(server.ask("330", **prove(password=password, totp=phone.next(), faceID=face, new_mac=NEW_MAC)), "ok", "MAC address updated successfully.")
expect(server.ask("100", **prove(password=password, totp=phone.next(), faceID=face, mac=NEW_MAC)), "ok", "Login successful.")
expect(server.ask("999"), "error", "Unknown command.")
