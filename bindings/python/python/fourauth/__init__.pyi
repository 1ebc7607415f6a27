from collections.abc import Sequence
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Optional, Union, final

from typing_extensions import Self, disjoint_base

__all__ = [
    "Answer",
    "Authorised",
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
    "ResetGranted",
    "SelfRegistered",
    "ServerInfo",
    "Session",
    "SessionInfo",
    "Sessions",
    "SignIn",
    "SignInProof",
    "TrustError",
]

_Face = Union[bytes, str, PathLike[str]]

class Error(Exception):
    may_have_been_decided: bool
    kind: Optional[str]

class NetworkError(Error): ...
class ProtocolError(Error): ...
class TrustError(Error): ...
class ReceiptError(Error): ...

@disjoint_base
class Answer:
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def advice(self) -> str: ...
    @property
    def request_id(self) -> Optional[str]: ...
    @property
    def retry_after(self) -> Optional[float]: ...
    def __bool__(self) -> bool: ...

@final
class Login(Answer):
    @property
    def token(self) -> Optional[str]: ...
    @property
    def receipt(self) -> Optional[str]: ...
    @property
    def jwt(self) -> Optional[str]: ...
    @property
    def expires_at(self) -> Optional[datetime]: ...
    @property
    def level(self) -> Optional[int]: ...
    @property
    def must_change(self) -> bool: ...
    @property
    def totp_confirmed(self) -> Optional[bool]: ...

@final
class Enrolled(Answer):
    @property
    def provisioning_uri(self) -> Optional[str]: ...
    @property
    def qr_png(self) -> Optional[bytes]: ...
    @property
    def recovery_codes(self) -> list[str]: ...
    @property
    def face_quality(self) -> Optional[tuple[int, int]]: ...

@final
class SelfRegistered(Answer):
    @property
    def provisioning_uri(self) -> Optional[str]: ...
    @property
    def qr_png(self) -> Optional[bytes]: ...
    @property
    def grant(self) -> Optional[str]: ...

@final
class SignIn(Answer):
    @property
    def login(self) -> Optional[Login]: ...
    @property
    def grant(self) -> Optional[str]: ...

@final
class ResetGranted(Answer):
    @property
    def grant(self) -> Optional[str]: ...
    @property
    def expires_at(self) -> Optional[datetime]: ...

@final
class Device:
    @property
    def name(self) -> str: ...
    @property
    def device_id(self) -> str: ...
    @property
    def mac(self) -> str: ...
    @property
    def bound_by(self) -> str: ...
    @property
    def bound_at(self) -> datetime: ...
    @property
    def last_seen(self) -> datetime: ...

@final
class Devices(Answer):
    @property
    def devices(self) -> list[Device]: ...

@final
class Authorised(Answer):
    @property
    def username(self) -> Optional[str]: ...
    @property
    def email(self) -> Optional[str]: ...
    @property
    def groups(self) -> list[str]: ...
    @property
    def level(self) -> Optional[int]: ...
    @property
    def methods(self) -> list[str]: ...
    @property
    def renewed(self) -> bool: ...
    @property
    def expires_at(self) -> Optional[datetime]: ...

@final
class SessionInfo:
    @property
    def id(self) -> str: ...
    @property
    def peer(self) -> str: ...
    @property
    def mac(self) -> Optional[str]: ...
    @property
    def device(self) -> Optional[str]: ...
    @property
    def level(self) -> Optional[int]: ...
    @property
    def methods(self) -> list[str]: ...
    @property
    def opened_at(self) -> datetime: ...
    @property
    def last_seen(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def current(self) -> bool: ...

@final
class Sessions(Answer):
    @property
    def sessions(self) -> list[SessionInfo]: ...

@final
class SignInProof(Answer):
    @property
    def proof(self) -> Optional[str]: ...

@final
class Session:
    @property
    def token(self) -> str: ...
    def authorise(self, level: Optional[int] = None) -> Authorised: ...
    def list_sessions(self) -> Sessions: ...
    def prove_sign_in(self, session_id: Optional[str] = None) -> SignInProof: ...
    def end_session(self, session_id: Optional[str] = None, *, all: bool = False) -> Answer: ...

@final
class ServerInfo:
    @property
    def protocol(self) -> int: ...
    @property
    def software(self) -> str: ...
    @property
    def max_frame(self) -> int: ...
    @property
    def pictures_at_enrolment(self) -> int: ...
    @property
    def pictures_at_login(self) -> int: ...
    @property
    def max_skew_seconds(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def time_state(self) -> str: ...
    @property
    def receipt_key(self) -> Optional[str]: ...
    @property
    def requires(self) -> list[str]: ...

@final
class Hello(Answer):
    @property
    def server(self) -> Optional[ServerInfo]: ...

@final
class Client:
    def __new__(
        cls,
        address: Union[str, Sequence[str]],
        *,
        pin: Optional[str] = None,
        ca_file: Union[str, PathLike[str], None] = None,
        identity: Union[str, PathLike[str], None] = None,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        retries: int = 0,
        retry_delay: float = 2.0,
    ) -> Self: ...
    @property
    def device_key(self) -> Optional[str]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _type: Optional[type[BaseException]],
        _exception: Optional[BaseException],
        _traceback: Optional[TracebackType],
        /,
    ) -> None: ...
    def login(
        self,
        username: str,
        password: str,
        totp: Optional[str] = None,
        faces: Sequence[_Face] = ...,
        mac: Optional[str] = None,
        *,
        recovery_code: Optional[str] = None,
        audience: Optional[str] = None,
        device_name: Optional[str] = None,
        level: Optional[int] = None,
    ) -> Login: ...
    def request_passcode(
        self,
        password: str,
        mac: Optional[str] = None,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
    ) -> Answer: ...
    def redeem_passcode(
        self,
        password: str,
        passcode: str,
        mac: Optional[str] = None,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
    ) -> Login: ...
    def self_register(
        self,
        password: str,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
        totp: bool = False,
    ) -> SelfRegistered: ...
    def password_step(
        self,
        password: str,
        mac: Optional[str] = None,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
        audience: Optional[str] = None,
    ) -> SignIn: ...
    def code_step(
        self,
        totp: str,
        grant: str,
        mac: Optional[str] = None,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
        audience: Optional[str] = None,
    ) -> Login: ...
    def session(
        self, token: str, mac: Optional[str] = None, username: Optional[str] = None
    ) -> Session: ...
    def hello(self) -> Hello: ...
    def register(
        self,
        admin_secret: str,
        username: str,
        password: str,
        faces: Sequence[_Face] = ...,
        mac: Optional[str] = None,
        *,
        email: Optional[str] = None,
        phone: Optional[str] = None,
        consent: Optional[str] = None,
        device_key: Optional[str] = None,
        device_name: Optional[str] = None,
    ) -> Enrolled: ...
    def confirm_totp(self, username: str, password: str, totp: str) -> Answer: ...
    def confirm_totp_by_grant(
        self,
        totp: str,
        grant: str,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
    ) -> Answer: ...
    def bind_device(
        self,
        username: str,
        password: str,
        device_key: str,
        totp: Optional[str] = None,
        mac: Optional[str] = None,
        *,
        new_mac: Optional[str] = None,
        device_name: Optional[str] = None,
    ) -> Answer: ...
    def list_devices(
        self, token: str, mac: Optional[str] = None, username: Optional[str] = None
    ) -> Devices: ...
    def revoke_device(
        self,
        username: str,
        password: str,
        device_name: str,
        totp: Optional[str] = None,
        mac: Optional[str] = None,
    ) -> Answer: ...
    def recover_totp(
        self,
        username: str,
        password: str,
        faces: Sequence[_Face] = ...,
        mac: Optional[str] = None,
        *,
        recovery_code: Optional[str] = None,
    ) -> Enrolled: ...
    def recover_password(
        self,
        username: str,
        new_password: str,
        totp: Optional[str] = None,
        faces: Sequence[_Face] = ...,
        mac: Optional[str] = None,
        *,
        recovery_code: Optional[str] = None,
    ) -> Answer: ...
    def recover_face(
        self,
        username: str,
        password: str,
        totp: Optional[str] = None,
        new_faces: Sequence[_Face] = ...,
        mac: Optional[str] = None,
        *,
        recovery_code: Optional[str] = None,
        consent: Optional[str] = None,
    ) -> Enrolled: ...
    def recover_device(
        self,
        username: str,
        password: str,
        totp: Optional[str] = None,
        faces: Sequence[_Face] = ...,
        new_mac: Optional[str] = None,
        *,
        recovery_code: Optional[str] = None,
        replaces: Optional[str] = None,
        new_device_key: Optional[str] = None,
        device_name: Optional[str] = None,
    ) -> Answer: ...
    def request_reset(
        self,
        mac: Optional[str] = None,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
    ) -> Answer: ...
    def validate_reset(
        self,
        otp: str,
        mac: Optional[str] = None,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
    ) -> ResetGranted: ...
    def reset_password(
        self,
        grant: str,
        new_password: str,
        *,
        username: Optional[str] = None,
        email: Optional[str] = None,
        phone: Optional[str] = None,
    ) -> Answer: ...

@final
class Receipt:
    @property
    def username(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def audience(self) -> Optional[str]: ...
    @property
    def issued_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def methods(self) -> list[str]: ...
    @property
    def mac(self) -> str: ...
    @property
    def request_id(self) -> str: ...

@final
class ReceiptVerifier:
    def __new__(
        cls, key: str, *, issuer: str = "4Auth-Authentication", audience: Optional[str] = None
    ) -> Self: ...
    def verify(self, receipt: str) -> Receipt: ...
