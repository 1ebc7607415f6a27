"""A client for fourauth, a self-hosted authentication server."""

from ._fourauth import (
    Answer,
    Client,
    Device,
    Devices,
    Enrolled,
    Error,
    Hello,
    Login,
    NetworkError,
    ProtocolError,
    Receipt,
    ReceiptError,
    ReceiptVerifier,
    ServerInfo,
    TrustError,
)

__all__ = [
    "Answer",
    "Client",
    "Device",
    "Devices",
    "Enrolled",
    "Error",
    "Hello",
    "Login",
    "NetworkError",
    "ProtocolError",
    "Receipt",
    "ReceiptError",
    "ReceiptVerifier",
    "ServerInfo",
    "TrustError",
]
