"""A real SMTP server for tests: STARTTLS or TLS, AUTH, and behaviour that is changed while it runs.

Usage: mail_server.py FOLDER CERTIFICATE KEY USER PASSWORD starttls|tls PORT

Every accepted mail becomes a file in FOLDER, with the envelope as JSON in its first line, and a line
`mail` on standard output. The first line there is the port. A line on standard input sets the behaviour, and is answered by the same line once it holds:

    accept        take every mail
    defer         answer 451 to RCPT
    refuse        answer 550 to RCPT
    hang          never answer after the end of the data
    cut           close the connection when the data begin
    hold          take the mail and never answer, so that the client cannot know
    inject        put answers behind the one to STARTTLS, as an attacker on the path could
    no-starttls   do not offer STARTTLS
    no-login      refuse every password
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Server:
    """What all connections share."""

    def __init__(self, folder: Path, user: str, password: str):
        self.folder = folder
        self.user, self.password = user, password
        self.behaviour = "accept"
        self.received = len(list(folder.glob("*.eml")))

    def authenticate(self, server, session, envelope, mechanism, auth_data):
        right = isinstance(auth_data, LoginPassword) and (
            auth_data.login.decode(),
            auth_data.password.decode(),
        ) == (self.user, self.password)
        return AuthResult(success=right and self.behaviour != "no-login", handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.behaviour == "defer":
            return "451 4.7.1 Try again later, FROM-THE-PEER"
        if self.behaviour == "refuse":
            return "550 5.1.1 No such mailbox, FROM-THE-PEER"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.behaviour == "hang":
            await asyncio.Event().wait()
        self.keep(session, envelope)
        if self.behaviour == "hold":
            await asyncio.Event().wait()
        return "250 OK"

    def keep(self, session, envelope):
        self.received += 1
        about = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "authenticated": bool(session.authenticated),
        }
        name = self.folder / f"{self.received:06}.eml"
        draft = name.with_suffix(".draft")
        draft.write_bytes(json.dumps(about).encode() + b"\n" + envelope.original_content)
        draft.rename(name)
        print("mail", flush=True)


class Session(SMTP):
    """One connection."""

    def __init__(self, shared: Server, context, wrapped: bool):
        offers = context if not wrapped and shared.behaviour != "no-starttls" else None
        super().__init__(
            shared,
            tls_context=offers,
            require_starttls=offers is not None,
            authenticator=shared.authenticate,
            auth_required=True,
            auth_require_tls=not wrapped and shared.behaviour != "no-starttls",
            hostname="localhost",
        )
        self.shared = shared

    async def push(self, status):
        if self.shared.behaviour == "inject" and status.startswith("220 Ready"):
            status += "\r\n250-localhost\r\n250 AUTH PLAIN"
        await super().push(status)

    async def smtp_DATA(self, arg):
        if self.shared.behaviour == "cut":
            await self.push("354 Go on")
            await self._reader.readline()
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


async def commands(shared: Server):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        shared.behaviour = line.decode().strip()
        print(shared.behaviour, flush=True)


async def main():
    folder, certificate, key, user, password, security, port = sys.argv[1:]
    wrapped = security == "tls"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    shared = Server(Path(folder), user, password)
    server = await asyncio.get_running_loop().create_server(
        lambda: Session(shared, context, wrapped),
        "127.0.0.1",
        int(port),
        ssl=context if wrapped else None,
        reuse_address=True,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await commands(shared)


asyncio.run(main())
