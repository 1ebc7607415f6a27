//! A forgotten password: a code from a mail is exchanged for a grant, and the grant for a new password.

mod accounts;
mod alike;
mod flow;
mod grants;
mod limits;
mod races;

use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, RequestPasscode, RequestReset, ResetPassword, ValidateReset},
    contact::Email,
    grant::GrantToken,
    reset_code::ResetCode,
    secret::Secret,
    username::Username,
};
use fourauth_store::Enrolled;
use fourauth_tests::{mailbox::Mailbox, persona::Persona, postgres, server::TestServer};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

const MINUTE_MS: i64 = 60_000;
const EMAIL: &str = "alice@example.org";
const NEW_PASSWORD: &str = "amber-Fox-17";

const SENT: (&str, Code) = ("OTP sent successfully", Code::Ok);
const WRONG: (&str, Code) = ("Invalid or expired OTP", Code::Denied);

/// Everything but a face.
const FACELESS: Enrolled = Enrolled { face: false, ..Enrolled::ALL };

/// A server that mails codes, and Alice with an account that has no face.
struct House {
    server: TestServer,
    mailbox: Mailbox,
    alice: Persona,
    url: String,
}

impl House {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::in_database(None, change).await
    }

    async fn on_postgresql(change: impl FnOnce(&mut Config)) -> Self {
        let url = postgres::cluster().database().await;
        Self::in_database(Some(url), change).await
    }

    async fn in_database(url: Option<String>, change: impl FnOnce(&mut Config)) -> Self {
        let mailbox = Mailbox::open().await;
        let given = url.as_ref().map(|url| url.parse().unwrap());
        let server = TestServer::configured(|config| {
            mailbox.receive(config);
            config.store.url = given;
            change(config);
        })
        .await;
        let file = server.folder().join("data/fourauth.db");
        let url = url.unwrap_or_else(|| format!("sqlite:{}", file.display()));
        let mut register = server.registration("alice", "obama.jpg");
        register.email = Email::parse(EMAIL).ok();
        let (alice, _) = server.enrol_as(register).await;
        let house = Self { server, mailbox, alice, url };
        house.keep_only("alice", FACELESS).await;
        house
    }

    /// Takes factors from an account in the database.
    async fn keep_only(&self, name: &str, account: Enrolled) {
        let Enrolled { totp, face, device, .. } = account;
        let [totp, face, device] = [totp, face, device].map(i64::from);
        self.change(&format!(
            "UPDATE users SET has_totp = {totp}, has_face = {face}, has_device = {device} \
             WHERE username = '{name}'"
        ))
        .await;
    }

    /// Changes rows as the server would have.
    async fn change(&self, sql: &str) {
        self.execute(sql).await;
        self.execute("UPDATE users SET row_seal = NULL").await;
        self.server.server().store().seal_rows().await.unwrap();
    }

    async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql);
        if self.url.starts_with("sqlite") {
            SqliteConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        } else {
            PgConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        }
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    async fn request(&self) -> Answer {
        self.send(Command::RequestReset(RequestReset::new(self.alice.username.clone()))).await
    }

    /// The code in the mail after a request.
    async fn code(&mut self) -> ResetCode {
        assert_eq!(said(&self.request().await), SENT);
        self.mailbox.reset_code().await
    }

    async fn validate(&self, code: ResetCode) -> Answer {
        self.send(Command::ValidateReset(ValidateReset::new(self.alice.username.clone(), code)))
            .await
    }

    /// The grant for a new code.
    async fn grant(&mut self) -> GrantToken {
        let code = self.code().await;
        self.validate(code).await.body.grant.unwrap()
    }

    async fn reset(&self, grant: &GrantToken) -> Answer {
        self.send(Command::ResetPassword(reset(&self.alice, grant))).await
    }

    /// True if this is the password of Alice.
    async fn has_password(&self, password: &str) -> bool {
        // A passcode is sent to a peer with the right password, or throttled.
        let password = Secret::new(password.to_owned());
        let request = RequestPasscode::new(self.alice.username.clone(), password);
        self.send(Command::RequestPasscode(request)).await.code != Code::Denied
    }

    /// The details of the newest rows of an action, without the peer and the request.
    async fn details(&self, action: &str) -> Vec<String> {
        let rows = self.server.audit().await.into_iter().filter(|row| row.action == action);
        rows.map(|row| row.detail.split(" peer=").next().unwrap().to_owned()).collect()
    }
}

fn reset(alice: &Persona, grant: &GrantToken) -> ResetPassword {
    ResetPassword::new(alice.username.clone(), NEW_PASSWORD.to_owned()).grant(grant.clone())
}

fn said(answer: &Answer) -> (&str, Code) {
    (&answer.message, answer.code)
}

fn name(text: &str) -> Username {
    Username::parse(text).unwrap()
}

/// Another code.
fn other(code: ResetCode) -> ResetCode {
    ResetCode::from_number(code.as_str().parse::<u128>().unwrap() + 1)
}
