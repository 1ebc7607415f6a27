//! Signing in by password and one-time code in two steps, and registering for it.

mod grants;
mod registration;
mod steps;
mod tokens;

use fourauth_client::{LoggedIn, Outcome, SignIn};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Authorise, CodeStep, Command, ConfirmTotp, PasswordStep, SelfRegister},
    contact::Email,
    grant::GrantToken,
    mac_address::MacAddress,
    secret::Secret,
};
use fourauth_tests::{persona::Persona, server::TestServer};

const MINUTE_MS: i64 = 60_000;
const EMAIL: &str = "carol@example.org";
const PASSWORD: &str = "violet-Ox-42";

/// The answer to every wrong first secret.
const WRONG: (&str, Code) = ("Invalid credentials.", Code::Denied);

/// A server on which people register themselves.
struct House {
    server: TestServer,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::configured(|config| {
            config.sign_in.two_steps = true;
            config.sign_in.self_registration = true;
            change(config);
        })
        .await;
        Self { server }
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    /// Carol with an authenticator that is not confirmed, and the grant to confirm it.
    async fn newcomer(&self) -> (Persona, GrantToken) {
        let mut register = SelfRegister::new(email(), password()).with_totp();
        register.open_grant = true;
        let registered = self.send(Command::SelfRegister(register)).await;
        assert_eq!(said(&registered), ("User registered successfully.", Code::Ok));
        let uri = registered.body.provisioning_uri.unwrap();
        let carol = Persona::new(EMAIL, password(), mac(), &uri);
        (carol, registered.body.grant.unwrap())
    }

    /// Carol with an authenticator.
    async fn member(&self) -> Persona {
        let (carol, grant) = self.newcomer().await;
        let confirmed = self.confirm(&carol, Some(grant)).await;
        assert_eq!(said(&confirmed), ("TOTP confirmed.", Code::Ok));
        carol
    }

    async fn confirm(&self, carol: &Persona, grant: Option<GrantToken>) -> Answer {
        let code = carol.code(self.server.now());
        self.send(Command::ConfirmTotp(ConfirmTotp::by_grant(email(), grant).code(code))).await
    }

    async fn password_step(&self) -> Answer {
        let mut step = PasswordStep::new(email(), password());
        step.open_grant = true;
        self.send(Command::PasswordStep(step)).await
    }

    /// The grant for a second step.
    async fn grant(&self) -> GrantToken {
        let answer = self.password_step().await;
        assert_eq!(said(&answer), ("One-time code needed.", Code::Ok));
        assert!(answer.body.token.is_none());
        answer.body.grant.unwrap()
    }

    async fn code_step(&self, carol: &Persona, grant: Option<GrantToken>) -> Answer {
        let code = carol.code(self.server.now());
        self.send(Command::CodeStep(CodeStep::new(email(), code, grant))).await
    }
}

fn email() -> Email {
    Email::parse(EMAIL).unwrap()
}

fn password() -> Secret<String> {
    Secret::new(PASSWORD.to_owned())
}

fn mac() -> MacAddress {
    MacAddress::parse("00:1b:44:11:3a:b7").unwrap()
}

fn said(answer: &Answer) -> (&str, Code) {
    (&answer.message, answer.code)
}
