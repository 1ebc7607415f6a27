"""Tests with a real server.

usage: session.py ADDRESS PIN CA.pem ADMIN_SECRET FACE AGAIN OTHER_FACE FOLDER
"""
import base64
import email
import email.policy
import hashlib
import hmac
import os
import pathlib
import re
import struct
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

import fourauth

ADDRESS, PIN, CA, ADMIN, FACE, AGAIN, OTHER, FOLDER = sys.argv[1:]
EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "four_auth.py"
MAC, NEW_MAC, PASSWORD = "00:1b:44:11:3a:b7", "00:1b:44:11:3a:c9", "violet-Ox-42"


class Authenticator:
    """Codes of RFC 6238. Never returns a code twice, because the server accepts each step once."""

    def __init__(self, uri: str) -> None:
        secret = urllib.parse.parse_qs(urllib.parse.urlparse(uri).query)["secret"][0]
        self.key, self.last = base64.b32decode(secret + "=" * (-len(secret) % 8)), 0

    def at(self, step: int) -> str:
        digest = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        start = digest[19] & 15
        number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
        return f"{number % 1000000:06}"

    def next(self) -> str:
        step = max(self.last + 1, int(time.time()) // 30 - 1)
        while step > int(time.time()) // 30:
            time.sleep(0.2)
        self.last = step
        return self.at(step)


def client() -> fourauth.Client:
    return fourauth.Client(ADDRESS, pin=PIN, timeout=120, connect_timeout=120)


def enrol(server: fourauth.Client, name: str, **more: str) -> tuple[Authenticator, list[str]]:
    added = server.register(ADMIN, name, PASSWORD, faces=[FACE], mac=MAC, **more)
    assert added and added.provisioning_uri, added
    return Authenticator(added.provisioning_uri), added.recovery_codes


def found_in_the_mail(pattern: str) -> str:
    """What the pattern finds in one of the mails, which the server writes to a folder."""
    while True:
        for path in pathlib.Path(FOLDER, "mail").glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = mail.get_body(("plain",))
            text = body.get_content() if body else ""
            plain = "".join(letter for letter in text if letter not in "\u2068\u2069")
            found = re.search(pattern, plain)
            if found:
                return found[1]
        time.sleep(0.05)


class Session(unittest.TestCase):
    def test_a_login_is_true_and_has_its_results(self) -> None:
        with client() as server:
            phone, codes = enrol(server, "anna")
            self.assertEqual(len(codes), 10)
            face = pathlib.Path(AGAIN)
            login = server.login("anna", PASSWORD, phone.next(), [face.read_bytes()], MAC)
            self.assertTrue(login)
            self.assertEqual((login.code, login.message), ("ok", "Login successful."))
            assert login.token and login.receipt and login.expires_at
            self.assertGreater(login.expires_at.timestamp(), time.time())
            self.assertEqual(repr(login), "<fourauth.Login ok: \"Login successful.\">")
            for secret in (login.token, login.receipt):
                self.assertNotIn(secret, repr(login) + str(login))

    def test_a_denial_is_false_and_has_a_message(self) -> None:
        with client() as server:
            phone, _ = enrol(server, "bob")
            wrong = server.login("bob", "wrong", phone.at(1), [AGAIN], MAC)
            self.assertFalse(wrong)
            self.assertEqual(wrong.message, "Invalid username or password.")
            self.assertTrue(wrong.advice.startswith("Check the name of the account"), wrong.advice)
            self.assertEqual((wrong.code, wrong.token, wrong.receipt), ("denied", None, None))
            self.assertTrue(wrong.request_id)
            for totp in ("12345", "no code", None):
                denied = server.login("bob", PASSWORD, totp, [AGAIN], MAC)
                self.assertEqual((bool(denied), denied.code), (False, "totp_mismatch"))
            other = server.login("bob", PASSWORD, phone.next(), [OTHER], MAC)
            self.assertEqual((bool(other), other.message), (False, "Face verification failed."))
            again = server.register(ADMIN, "bob", PASSWORD, faces=[FACE], mac=MAC)
            self.assertEqual((bool(again), again.code), (False, "conflict"))
            self.assertIsNone(again.provisioning_uri)

    def test_a_wrong_pin_is_a_trust_error(self) -> None:
        with self.assertRaises(fourauth.TrustError) as raised:
            fourauth.Client(ADDRESS, pin=":".join(["AB"] * 32)).hello()
        self.assertFalse(raised.exception.may_have_been_decided)
        with fourauth.Client(ADDRESS, ca_file=CA) as server:
            self.assertTrue(server.hello())

    def test_the_server_says_what_it_is(self) -> None:
        # The first address refuses connections.
        with fourauth.Client(["127.0.0.1:1", ADDRESS], pin=PIN) as server:
            said = server.hello()
        assert said.server
        self.assertLess(abs(said.server.time.timestamp() - time.time()), 60)
        self.assertEqual((said.server.protocol, said.server.requires), (1, []))
        self.assertIn("fourauth", repr(said.server))

    def test_each_factor_can_be_replaced(self) -> None:
        with client() as server:
            enrol(server, "carol")
            reset = server.recover_totp("carol", PASSWORD, [AGAIN], MAC)
            assert reset and reset.provisioning_uri and reset.qr_png
            self.assertTrue(reset.qr_png.startswith(b"\x89PNG"))
            phone = Authenticator(reset.provisioning_uri)
            self.assertTrue(server.confirm_totp("carol", PASSWORD, phone.next()))
            self.assertTrue(server.login("carol", PASSWORD, phone.next(), [AGAIN], MAC))

            phone, _ = enrol(server, "dave")
            new = server.recover_password("dave", "amber-Fox-17", phone.next(), [AGAIN], MAC)
            self.assertEqual((bool(new), new.message), (True, "Password reset successful."))

            phone, _ = enrol(server, "erin")
            face = server.recover_face("erin", PASSWORD, phone.next(), [AGAIN], MAC)
            self.assertEqual((bool(face), face.code), (True, "ok"))

            phone, _ = enrol(server, "frank")
            moved = server.recover_device("frank", PASSWORD, phone.next(), [AGAIN], NEW_MAC)
            self.assertEqual((bool(moved), moved.code), (True, "ok"))

    def test_a_device_proves_its_key(self) -> None:
        path = os.path.join(FOLDER, "device.key")
        with fourauth.Client(ADDRESS, pin=PIN, identity=path, timeout=120) as server:
            phone, _ = enrol(server, "grace")
            login = server.login(
                "grace", PASSWORD, phone.next(), [AGAIN], MAC, device_name="laptop"
            )
            assert login and login.token
            listed = server.list_devices(login.token, MAC, "grace")
            [laptop] = listed.devices
            self.assertEqual((laptop.name, laptop.mac, laptop.bound_by), ("laptop", MAC, "first_login"))
            self.assertIn("laptop", repr(laptop))
            self.assertEqual(len(server.list_devices("no token").devices), 0)
            key = server.device_key
        with fourauth.Client(ADDRESS, pin=PIN, identity=path) as same:
            self.assertEqual(same.device_key, key)
        with client() as stranger:
            denied = stranger.login("grace", PASSWORD, phone.next(), [AGAIN], MAC)
            self.assertEqual((bool(denied), denied.code), (False, "device_mismatch"))

    def test_a_receipt_is_verified_without_the_server(self) -> None:
        with client() as server:
            phone, _ = enrol(server, "heidi")
            login = server.login("heidi", PASSWORD, phone.next(), [AGAIN], MAC, audience="door")
            said = server.hello().server
        assert login.receipt and said and said.receipt_key
        receipt = fourauth.ReceiptVerifier(said.receipt_key, audience="door").verify(login.receipt)
        self.assertEqual((receipt.username, receipt.audience, receipt.mac), ("heidi", "door", MAC))
        self.assertLessEqual({"pwd", "otp", "face", "mfa"}, set(receipt.methods))
        self.assertEqual(receipt.request_id, login.request_id)
        self.assertLess(receipt.issued_at, receipt.expires_at)
        for verifier, text in (
            (fourauth.ReceiptVerifier(said.receipt_key, audience="gate"), login.receipt),
            (fourauth.ReceiptVerifier(said.receipt_key, audience="door"), login.receipt[:-1]),
            (fourauth.ReceiptVerifier(said.receipt_key, issuer="x", audience="door"), login.receipt),
        ):
            with self.assertRaises(fourauth.ReceiptError):
                verifier.verify(text)

    def test_a_session_is_checked_listed_and_ended(self) -> None:
        with client() as server:
            phone, _ = enrol(server, "liam")
            login = server.login("liam", PASSWORD, phone.next(), [AGAIN], MAC, level=2)
            assert login and login.token
            self.assertEqual(login.level, 2)
            session = server.session(login.token, MAC, "liam")
            self.assertNotIn(login.token, repr(session))
            valid = session.authorise(2)
            self.assertEqual((bool(valid), valid.username, valid.level), (True, "liam", 2))
            self.assertLessEqual({"pwd", "otp", "face"}, set(valid.methods))
            assert valid.expires_at
            self.assertEqual((valid.renewed, session.token), (False, login.token))
            too_high = session.authorise(4)
            self.assertEqual((bool(too_high), too_high.code), (False, "more_needed"))
            self.assertEqual((too_high.username, too_high.methods), (None, []))
            [this] = session.list_sessions().sessions
            self.assertEqual((this.current, this.mac, this.level), (True, MAC, 2))
            self.assertLess(this.opened_at, this.ends_at)
            self.assertEqual(session.end_session("5e55").code, "no_such_session")
            self.assertEqual(session.prove_sign_in("5e55").code, "no_such_session")
            proof = session.prove_sign_in()
            self.assertEqual(bool(proof), proof.proof is not None)
            self.assertIn(proof.code, {"ok", "unavailable"})
            self.assertTrue(session.end_session())
            ended = session.authorise()
            self.assertEqual((bool(ended), ended.code), (False, "signed_out"))
            self.assertEqual(len(session.list_sessions().sessions), 0)
            with self.assertRaises(ValueError):
                session.end_session("5e55", all=True)
            refused = server.login("liam", PASSWORD, phone.next(), [AGAIN], MAC, level=4)
            self.assertEqual((bool(refused), refused.code), (False, "more_needed"))
        with self.assertRaises(RuntimeError):
            session.authorise()

    def test_threads_check_one_session(self) -> None:
        with client() as server:
            phone, _ = enrol(server, "mia")
            login = server.login("mia", PASSWORD, phone.next(), [AGAIN], MAC)
            assert login.token
            session = server.session(login.token, MAC)
            valid: list[bool] = []
            check = lambda: valid.append(bool(session.authorise()))  # noqa: E731
            threads = [threading.Thread(target=check) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(valid, [True] * 8)
            self.assertTrue(session.end_session(all=True))

    def test_a_passcode_opens_a_session(self) -> None:
        address = "noah@example.org"
        with client() as server:
            enrol(server, "noah", email=address)
            wrong = server.request_passcode("wrong", MAC, email=address)
            self.assertEqual((bool(wrong), wrong.code), (False, "denied"))
            sent = server.request_passcode(PASSWORD, MAC, email=address)
            self.assertEqual((bool(sent), sent.message), (True, "Passcode is sent"))
            passcode = found_in_the_mail("account noah is ([0-9A-Z]{6})")
            mistyped = server.redeem_passcode(PASSWORD, passcode[:5], MAC, email=address)
            self.assertEqual((bool(mistyped), mistyped.code), (False, "passcode_mismatch"))
            login = server.redeem_passcode(PASSWORD, passcode.lower(), MAC, email=address)
            assert login and login.token
            self.assertEqual(login.level, 1)
            valid = server.session(login.token, MAC).authorise(1)
            self.assertEqual((valid.username, set(valid.methods)), ("noah", {"pwd", "email"}))
            self.assertEqual((valid.email, valid.groups), (address, []))
            again = server.redeem_passcode(PASSWORD, passcode, MAC, username="noah")
            self.assertEqual((bool(again), again.code), (False, "passcode_mismatch"))
            enrol(server, "olga")
            unsent = server.request_passcode(PASSWORD, MAC, username="olga")
            self.assertEqual((bool(unsent), unsent.code), (False, "no_address"))
            for names in ({}, {"email": "a@b"}, {"phone": "030"}, {"username": ""}):
                with self.assertRaises(ValueError):
                    server.request_passcode(PASSWORD, MAC, **names)

    def test_a_forgotten_password_needs_a_code(self) -> None:
        with client() as server:
            enrol(server, "petra", email="petra@example.org")
            # An account with a face gets no code, and the answer does not tell.
            sent = server.request_reset(MAC, email="petra@example.org")
            self.assertEqual((bool(sent), sent.message), (True, "OTP sent successfully"))
            for otp in ("005924", "00592"):
                wrong = server.validate_reset(otp, MAC, username="petra")
                self.assertEqual((bool(wrong), wrong.code, wrong.grant), (False, "denied", None))
            reset = server.reset_password("A" * 43, "amber-Fox-17", username="petra")
            self.assertEqual((bool(reset), reset.message), (False, "Invalid or expired OTP"))
            with self.assertRaises(ValueError):
                server.reset_password("no grant", "amber-Fox-17", username="petra")
            for names in ({}, {"email": "p@q"}, {"phone": "030"}):
                with self.assertRaises(ValueError):
                    server.request_reset(MAC, **names)

    def test_a_person_registers_and_signs_in_by_password(self) -> None:
        # One source may register three accounts in a minute, and the tests of this class register three.
        address = "quinn@example.org"
        with client() as server:
            added = server.self_register(PASSWORD, email=address)
            self.assertEqual((bool(added), added.message), (True, "User registered successfully."))
            self.assertEqual((added.provisioning_uri, added.qr_png), (None, None))
            wrong = server.password_step("wrong", email=address)
            self.assertEqual((bool(wrong), wrong.code), (False, "denied"))
            self.assertEqual((wrong.login, wrong.grant), (None, None))
            step = server.password_step(PASSWORD, MAC, email=address)
            assert step and step.login and step.login.token and step.login.jwt
            self.assertEqual((bool(step.login), step.login.level), (True, 1))
            valid = server.session(step.login.token, MAC).authorise(1)
            self.assertEqual((valid.username, valid.methods), (address, ["pwd"]))

    def test_a_code_is_the_second_step(self) -> None:
        with client() as server:
            added = server.self_register(PASSWORD, username="rosa", totp=True)
            assert added and added.provisioning_uri and added.qr_png and added.grant
            self.assertNotIn(added.grant, repr(added))
            phone = Authenticator(added.provisioning_uri)
            confirmed = server.confirm_totp_by_grant(phone.next(), added.grant, username="rosa")
            self.assertTrue(confirmed)
            step = server.password_step(PASSWORD, MAC, username="rosa")
            # A program that only asks whether it is true lets no caller in.
            self.assertFalse(step)
            self.assertIsNone(step.login)
            assert step.grant
            for code in ("12345", phone.at(1)):
                wrong = server.code_step(code, step.grant, MAC, username="rosa")
                self.assertEqual((bool(wrong), wrong.token), (False, None))
            login = server.code_step(phone.next(), step.grant, MAC, username="rosa")
            assert login and login.token
            self.assertEqual(login.level, 2)
            with self.assertRaises(ValueError):
                server.code_step("123456", "no grant", username="rosa")

    def test_a_code_in_the_mail_replaces_a_forgotten_password(self) -> None:
        address = "sara@example.org"
        with client() as server:
            self.assertTrue(server.self_register(PASSWORD, email=address))
            self.assertTrue(server.request_reset(email=address))
            otp = found_in_the_mail(f"account {address} is ([0-9]{{6}})")
            proved = server.validate_reset(otp, email=address)
            assert proved and proved.grant and proved.expires_at
            self.assertTrue(server.reset_password(proved.grant, "amber-Fox-17", email=address))
            self.assertFalse(server.password_step(PASSWORD, email=address))
            self.assertTrue(server.password_step("amber-Fox-17", email=address))

    def test_threads_log_in_with_one_client(self) -> None:
        with client() as server:
            names = ["ivan", "judy", "kim"]
            phones = {name: enrol(server, name)[0] for name in names}
            granted: dict[str, bool] = {}

            def log_in(name: str) -> None:
                login = server.login(name, PASSWORD, phones[name].next(), [AGAIN], MAC)
                granted[name] = bool(login)

            threads = [threading.Thread(target=log_in, args=(name,)) for name in names]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(granted, dict.fromkeys(names, True))

    def test_the_example_of_the_readme_runs(self) -> None:
        command = [sys.executable, str(EXAMPLE), ADDRESS, PIN, MAC, FACE, AGAIN]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as ran:
            assert ran.stdin and ran.stdout
            ran.stdin.write(f"{ADMIN}\n{PASSWORD}\n")
            line = ran.stdout.readline()
            phone = Authenticator(line.split("scan this:")[1].strip())
            ran.stdin.write(f"{phone.next()}\n")
            self.assertIn("logged in until", ran.stdout.readline())
            ran.stdin.write(f"amber-Fox-17\n{phone.next()}\n")
            self.assertIn("Password reset successful.", ran.stdout.read())
        self.assertEqual(ran.returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
