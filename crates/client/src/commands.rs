//! One typed method for each command, and its result. The list of commands is the only one: it
//! makes the methods of both clients, async and blocking.

use crate::{
    connection::Connection,
    error::{Error, ProtocolError},
    identity::Identity,
    outcome::Outcome,
};
use data_encoding::BASE64;
use fourauth_protocol::{
    answer::{AnswerBody, AuditRow, DeviceRow, FaceQuality, ServerInfo, SessionRow},
    challenge::ChallengeStep,
    command::{
        Authorise, BeginFaceChallenge, BindDevice, CodeStep, Command, ConfirmTotp, EndSession,
        ExchangeToken, GetKeys, Hello, ListDevices, ListSessions, Login, PasswordStep, ProveSignIn,
        ReadAudit, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp, RedeemPasscode,
        Register, RequestPasscode, RequestReset, ResetPassword, RevokeDevice, SelfRegister,
        ValidateReset,
    },
    contact::Email,
    grant::GrantToken,
    group::Group,
    jwt::PublicKey,
    level::Level,
    mac_address::MacAddress,
    receipt::Method,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// The result of a login.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggedIn {
    /// Proves this login to other services, if the server issues tokens.
    pub token: Option<Secret<String>>,
    /// A signed statement about this login, which other services
    /// [verify](crate::ReceiptVerifier) without the server.
    pub receipt: Option<Secret<String>>,
    /// A token that other software verifies with the server's published keys.
    pub jwt: Option<Secret<String>>,
    /// When the token expires.
    pub expires_at: Option<UnixMillis>,
    /// The level that it reached. `None` if the server does not say.
    pub level: Option<Level>,
    /// True if another person chose the password, so that it should be replaced.
    pub must_change: bool,
    /// True if the authenticator is known to work. `None` if the server does not say.
    pub totp_confirmed: Option<bool>,
}

/// The result of a valid token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Authorised {
    /// The name of the account.
    pub username: Username,
    /// Its mail address. That mail arrives there was not checked.
    pub email: Option<Email>,
    /// Its groups.
    pub groups: Vec<Group>,
    /// The level of the login. `None` if it proved no method that counts.
    pub level: Option<Level>,
    /// The methods that the login proved.
    pub methods: Vec<Method>,
    /// When the token expires.
    pub expires_at: Option<UnixMillis>,
    /// The token to use from now on, if the one that was sent had expired.
    pub renewed: Option<Secret<String>>,
}

/// A token that a single service can check, and that is of no other use.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckToken {
    /// The token.
    pub token: Secret<String>,
    /// When it expires.
    pub expires_at: Option<UnixMillis>,
}

/// The secret for an authenticator to scan. It is shown once.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewAuthenticator {
    /// As an `otpauth://` URI.
    pub provisioning_uri: Secret<String>,
    /// The URI as a QR code in PNG, if the server drew one.
    pub qr_png: Option<Secret<Vec<u8>>>,
}

/// The result of a registration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registered {
    /// The new authenticator, to be scanned.
    pub authenticator: NewAuthenticator,
    /// How well the face is enrolled, if the server says.
    pub face_quality: Option<FaceQuality>,
    /// Recovery codes, in case a factor is lost. Each is valid once. They are shown once.
    pub recovery_codes: Vec<Secret<String>>,
}

/// The result of a registration without an administrator.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SelfRegistered {
    /// The new authenticator, if one was asked for. A code confirms it before it is in use.
    pub authenticator: Option<NewAuthenticator>,
    /// Stands for the password in that confirmation.
    pub grant: Option<GrantToken>,
}

/// The result of a right password.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SignIn {
    /// The password was enough.
    Done(LoggedIn),
    /// A one-time code is needed as well. The grant stands for the password until then.
    CodeNeeded(GrantToken),
}

/// A face challenge, which the server takes back with its frames.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BegunChallenge {
    /// Identifies it.
    pub id: GrantToken,
    /// What it asks for, in order.
    pub steps: Vec<ChallengeStep>,
    /// Until when it can be answered.
    pub expires_at: Option<UnixMillis>,
}

/// The result of a code for a new password.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResetGranted {
    /// Authorises the new password, once.
    pub grant: GrantToken,
    /// When the grant expires.
    pub expires_at: Option<UnixMillis>,
}

/// Defines a method for each line, on [`Connection`] and on
/// [`blocking::Client`](crate::blocking::Client): the command that it sends and what it reads from
/// the answer if the server grants the command.
macro_rules! commands {
    ($(
        $(#[$doc:meta])*
        $method:ident($($argument:ident: $type:ty)?) -> $gain:ty = $command:expr, $read:expr;
    )*) => {
        /// Each method sends one command and waits for the answer. If the server grants a command
        /// without its result, the error is [`ProtocolError::Incomplete`].
        impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// See [`Connection::send`].
            pub async fn $method(&mut self $(, $argument: $type)?) -> Result<Outcome<$gain>, Error> {
                self.ask($command, $read).await
            }
        )*}

        /// Each method sends one command on a connection that is open or new, and waits for the
        /// answer. If the server grants a command without its result, the error is
        /// [`ProtocolError::Incomplete`].
        #[cfg(feature = "blocking")]
        impl crate::blocking::Client {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// See [`Client::send`](crate::blocking::Client::send).
            pub fn $method(&self $(, $argument: $type)?) -> Result<Outcome<$gain>, Error> {
                self.wait_for(|client| async move { client.ready().await?.$method($($argument)?).await })
            }
        )*}
    };
}

commands! {
    /// 100: logs a user in.
    login(login: Login) -> LoggedIn = Command::Login(login), LoggedIn::from_gains;
    /// 110: has a passcode sent to the owner of an account.
    request_passcode(request: RequestPasscode) -> () = Command::RequestPasscode(request), nothing;
    /// 120: redeems a passcode for the token of a session.
    redeem_passcode(redeem: RedeemPasscode) -> LoggedIn =
        Command::RedeemPasscode(redeem), LoggedIn::from_gains;
    /// 130: authorises a request with a token, or renews the token. A
    /// [`Session`](crate::Session) does so by itself.
    authorise(authorise: Authorise) -> Authorised =
        Command::Authorise(authorise), Authorised::from_gains;
    /// 132: exchanges the token of a session for one that a single service can check.
    exchange_token(exchange: ExchangeToken) -> CheckToken =
        Command::ExchangeToken(exchange), CheckToken::from_gains;
    /// 140: ends a session, or every session of the account.
    end_session(end: EndSession) -> () = Command::EndSession(end), nothing;
    /// 142: lists the sessions of the account that a token belongs to.
    list_sessions(list: ListSessions) -> Vec<SessionRow> =
        Command::ListSessions(list), |body| present(body.sessions, "sessions");
    /// 144: gets the proof of a sign-in, as the text of a file.
    prove_sign_in(prove: ProveSignIn) -> String =
        Command::ProveSignIn(prove), |body| present(body.proof, "proof");
    /// 154: begins a face challenge. Its answer must come on the same connection.
    begin_face_challenge(begin: BeginFaceChallenge) -> BegunChallenge =
        Command::BeginFaceChallenge(begin), BegunChallenge::from_gains;
    /// 160: registers an account without an administrator.
    self_register(register: SelfRegister) -> SelfRegistered =
        Command::SelfRegister(register), SelfRegistered::from_gains;
    /// 170: proves a password.
    password_step(step: PasswordStep) -> SignIn =
        Command::PasswordStep(step), SignIn::from_gains;
    /// 180: proves a one-time code after 170, and opens the session.
    code_step(step: CodeStep) -> LoggedIn = Command::CodeStep(step), LoggedIn::from_gains;
    /// 190: reads the server's version, limits and requirements.
    hello() -> ServerInfo = Command::Hello(Hello::default()), |body| present(body.server, "server");
    /// 192: reads the public keys that verify the tokens of sessions.
    keys() -> Vec<PublicKey> =
        Command::GetKeys(GetKeys::default()), |body| present(body.keys, "keys");
    /// 200: adds an account.
    register(register: Register) -> Registered = Command::Register(register), Registered::from_gains;
    /// 210: proves that a new authenticator works.
    confirm_totp(confirm: ConfirmTotp) -> () = Command::ConfirmTotp(confirm), nothing;
    /// 220: adds a device to the account, proved from one that it already has.
    bind_device(bind: BindDevice) -> () = Command::BindDevice(bind), nothing;
    /// 222: lists the devices of the account that a token belongs to.
    list_devices(list: ListDevices) -> Vec<DeviceRow> =
        Command::ListDevices(list), |body| present(body.devices, "devices");
    /// 224: revokes a device.
    revoke_device(revoke: RevokeDevice) -> () = Command::RevokeDevice(revoke), nothing;
    /// 240: reads the audit log. Its texts are untrusted: escape them before display.
    read_audit(read: ReadAudit) -> Vec<AuditRow> =
        Command::ReadAudit(read), |body| present(body.rows, "rows");
    /// 300: replaces the authenticator.
    recover_totp(recover: RecoverTotp) -> NewAuthenticator =
        Command::RecoverTotp(recover), NewAuthenticator::from_gains;
    /// 310: replaces the password.
    recover_password(recover: RecoverPassword) -> () = Command::RecoverPassword(recover), nothing;
    /// 320: replaces the face. Returns how well it is enrolled, if the server says.
    recover_face(recover: RecoverFace) -> Option<FaceQuality> =
        Command::RecoverFace(recover), |body| Ok(body.face_quality);
    /// 330: replaces a device.
    recover_device(recover: RecoverDevice) -> () = Command::RecoverDevice(recover), nothing;
    /// 340: has a code for a new password sent to the owner of an account. The result does not tell
    /// whether one was sent.
    request_reset(request: RequestReset) -> () = Command::RequestReset(request), nothing;
    /// 350: exchanges the code for a grant.
    validate_reset(validate: ValidateReset) -> ResetGranted =
        Command::ValidateReset(validate), ResetGranted::from_gains;
    /// 360: replaces the password, with the grant.
    reset_password(reset: ResetPassword) -> () = Command::ResetPassword(reset), nothing;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// 150: proves that this connection comes from the device of `identity`. A client that
    /// [has an identity](crate::Client::with_identity) does so by itself. The answer does not say
    /// whether the proof is valid; the commands that follow show it.
    ///
    /// # Errors
    ///
    /// See [`Connection::send`].
    pub async fn prove_device(
        &mut self,
        identity: &Identity,
        username: &Username,
        mac: MacAddress,
    ) -> Result<Outcome<()>, Error> {
        let proof = self.device_proof(identity, username, mac)?;
        self.ask(Command::ProveDevice(proof), nothing).await
    }

    async fn ask<T>(
        &mut self,
        command: Command,
        gain: impl FnOnce(AnswerBody) -> Result<T, ProtocolError>,
    ) -> Result<Outcome<T>, Error> {
        Ok(Outcome::read(self.send(command).await?, gain)?)
    }
}

impl LoggedIn {
    #[expect(clippy::unnecessary_wraps, reason = "one signature for everything that reads body")]
    fn from_gains(body: AnswerBody) -> Result<Self, ProtocolError> {
        Ok(Self {
            token: body.token,
            receipt: body.receipt,
            jwt: body.jwt,
            expires_at: body.expires_at,
            level: body.level,
            must_change: body.must_change.unwrap_or(false),
            totp_confirmed: body.totp_confirmed,
        })
    }
}

impl SelfRegistered {
    fn from_gains(mut body: AnswerBody) -> Result<Self, ProtocolError> {
        let grant = body.grant.take();
        let has_one = body.provisioning_uri.is_some();
        let authenticator = has_one.then(|| NewAuthenticator::from_gains(body)).transpose()?;
        Ok(Self { authenticator, grant })
    }
}

impl SignIn {
    fn from_gains(mut body: AnswerBody) -> Result<Self, ProtocolError> {
        if body.token.is_some() {
            return LoggedIn::from_gains(body).map(Self::Done);
        }
        present(body.grant.take(), "grant").map(Self::CodeNeeded)
    }
}

impl Authorised {
    pub(crate) fn from_gains(body: AnswerBody) -> Result<Self, ProtocolError> {
        Ok(Self {
            username: present(body.username, "username")?,
            email: body.email,
            groups: body.groups,
            level: body.level,
            methods: body.amr.unwrap_or_default(),
            expires_at: body.expires_at,
            renewed: body.token,
        })
    }
}

impl CheckToken {
    fn from_gains(body: AnswerBody) -> Result<Self, ProtocolError> {
        Ok(Self { token: present(body.token, "token")?, expires_at: body.expires_at })
    }
}

impl NewAuthenticator {
    fn from_gains(body: AnswerBody) -> Result<Self, ProtocolError> {
        let qr_png = match body.qr_png_b64 {
            None => None,
            Some(text) => BASE64.decode(text.expose().as_bytes()).ok().map(Secret::new),
        };
        let provisioning_uri = present(body.provisioning_uri, "provisioning_uri")?;
        Ok(Self { provisioning_uri, qr_png })
    }
}

impl Registered {
    fn from_gains(mut body: AnswerBody) -> Result<Self, ProtocolError> {
        let face_quality = body.face_quality;
        let recovery_codes = body.recovery_codes.take().unwrap_or_default();
        let authenticator = NewAuthenticator::from_gains(body)?;
        Ok(Self { authenticator, face_quality, recovery_codes })
    }
}

impl BegunChallenge {
    fn from_gains(body: AnswerBody) -> Result<Self, ProtocolError> {
        let id = present(body.challenge, "challenge")?;
        Ok(Self { id, steps: present(body.steps, "steps")?, expires_at: body.expires_at })
    }
}

impl ResetGranted {
    fn from_gains(body: AnswerBody) -> Result<Self, ProtocolError> {
        let grant = present(body.grant, "grant")?;
        Ok(Self { grant, expires_at: body.expires_at })
    }
}

fn present<T>(gain: Option<T>, field: &'static str) -> Result<T, ProtocolError> {
    gain.ok_or(ProtocolError::Incomplete(field))
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for everything that reads body")]
fn nothing(_: AnswerBody) -> Result<(), ProtocolError> {
    Ok(())
}
