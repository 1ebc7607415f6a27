//! Spends one-time codes and changes factors. The `WHERE` of one statement decides each race.
//!
//! A change names the `version` that it was decided on and is refused if the account has another
//! version now. It raises the version and ends the account's sessions.

use crate::{
    account::{
        id::{AccountId, IMAGE, TEMPLATE, TOTP},
        login_location::LoginLocation,
    },
    engine::{driver::Value, tx::Tx},
    error::Error,
};
use fourauth_factors::{
    face::Template,
    password,
    totp::{self, Step},
};
use fourauth_protocol::{mac_address::MacAddress, secret::Secret, time::UnixMillis};

/// A new face.
#[derive(Debug, Clone)]
pub struct NewFace {
    /// The template for comparison.
    pub template: Template,
    /// Epoch of the rotation that the template was transformed with.
    pub epoch: i64,
    /// The picture, if it should be stored. A previously stored picture is deleted in any case.
    pub image: Option<Secret<Vec<u8>>>,
}

impl Tx {
    /// Spends the step of a one-time code. This also confirms that the key reached an
    /// authenticator. `false` if this or a later step was spent before, or if the account changed
    /// since `version`.
    ///
    /// It is one statement, so that exactly one of two attempts with the same code wins.
    //
    //= https://www.rfc-editor.org/rfc/rfc6238#section-5.2
    //# The verifier MUST NOT accept the second attempt of the OTP after the
    //# successful validation has been issued for the first OTP
    pub async fn spend_step(
        &mut self,
        account: AccountId,
        version: i64,
        step: Step,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET totp_step = $1, totp_confirmed = 1 \
                           WHERE id = $2 AND version = $3 AND totp_step < $1";

        let Some(values) = advance(account, version, step) else { return Ok(false) };
        self.changes(SQL, &values).await
    }

    /// Records that a code of the current key was used. A proposed key is in use from now on: that is a
    /// change of a factor, so sessions and codes of before are of no use. Confirming has its own watermark, so that confirming a code and logging in with it in the same 30 seconds both
    /// work once.
    pub async fn confirm_step(
        &mut self,
        account: AccountId,
        version: i64,
        step: Step,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET totp_confirm_step = $1, totp_confirmed = 1, \
                           has_totp = CASE WHEN totp_pending = 1 THEN 1 ELSE has_totp END, \
                           version = version + totp_pending, \
                           totp_pending = 0 WHERE id = $2 AND version = $3 AND totp_confirm_step < $1";

        let Some(values) = advance(account, version, step) else { return Ok(false) };
        self.change_account(account, SQL, &values).await
    }

    /// Replaces the password, and drops a proposed key of one-time codes. `false` if the account changed since `version`.
    pub async fn replace_password(
        &mut self,
        account: AccountId,
        version: i64,
        password: &password::Hash,
        must_change: bool,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET password_hash = $1, must_change = $2, \
                           invited_version = NULL, invited_until = NULL, \
                           totp_pending = 0, version = version + 1 WHERE id = $3 AND version = $4";

        let values = [
            Value::Text(password.as_stored().expose()),
            Value::Int(must_change.into()),
            Value::Int(account.0),
            Value::Int(version),
        ];
        self.replace(SQL, &values, account).await
    }

    /// Stores another hash of the same password. No factor changes, so the sessions and the version
    /// stay. `false` if the account changed since `version`.
    pub async fn upgrade_password(
        &mut self,
        account: AccountId,
        version: i64,
        password: &password::Hash,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET password_hash = $1 WHERE id = $2 AND version = $3";

        let stored = password.as_stored().expose();
        let values = [Value::Text(stored), Value::Int(account.0), Value::Int(version)];
        self.change_account(account, SQL, &values).await
    }

    /// Replaces the key of the one-time codes. No step of the new key is spent or confirmed.
    /// `false` if the account changed since `version`.
    pub async fn replace_totp(
        &mut self,
        account: AccountId,
        version: i64,
        key: &totp::Key,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET totp_secret_enc = $1, has_totp = 1, totp_pending = 0, \
             totp_step = 0, totp_confirm_step = 0, totp_confirmed = 0, version = version + 1 \
             WHERE id = $2 AND version = $3";

        let sealed = self.sealing().await?.seal(account.place(TOTP), key.as_bytes());
        let values = [Value::Text(&sealed), Value::Int(account.0), Value::Int(version)];
        self.replace(SQL, &values, account).await
    }

    /// Stores a key of one-time codes for an account that has none. No command asks for its codes
    /// before one of them is [confirmed](Self::confirm_step).
    pub async fn propose_totp(
        &mut self,
        account: AccountId,
        key: &totp::Key,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET totp_secret_enc = $1, totp_pending = 1, \
             totp_confirm_step = 0 WHERE id = $2 AND has_totp = 0";

        let sealed = self.sealing().await?.seal(account.place(TOTP), key.as_bytes());
        self.changes(SQL, &[Value::Text(&sealed), Value::Int(account.0)]).await
    }

    /// Locks the account until the transaction ends. `false` if it changed since `version`.
    pub async fn hold(&mut self, account: AccountId, version: i64) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET version = version WHERE id = $1 AND version = $2";

        self.changes(SQL, &[Value::Int(account.0), Value::Int(version)]).await
    }

    /// Records the first use of the account.
    pub async fn note_first_use(
        &mut self,
        account: AccountId,
        at: UnixMillis,
    ) -> Result<(), Error> {
        const SQL: &str = "UPDATE users SET first_used = $1 WHERE id = $2 AND first_used = 0";

        self.execute(SQL, &[Value::Int(at.0), Value::Int(account.0)]).await.map(|_| ())
    }

    /// Records the time and the recipient of the current one-time code secret. `None` if the
    /// address does not identify a peer.
    pub async fn note_issue(
        &mut self,
        account: AccountId,
        at: UnixMillis,
        to: Option<LoginLocation>,
    ) -> Result<(), Error> {
        const SQL: &str = "UPDATE users SET totp_issued = $1, totp_issued_to = $2 WHERE id = $3";

        let to = to.as_ref().map_or(&[][..], LoginLocation::as_bytes);
        let values = [Value::Int(at.0), Value::Bytes(to), Value::Int(account.0)];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// Replaces the face. `false` if the account changed since `version`.
    pub async fn replace_template(
        &mut self,
        account: AccountId,
        version: i64,
        face: &NewFace,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET face_template_enc = $1, has_face = 1, face_image_enc = $2, \
             face_epoch = $3, version = version + 1 WHERE id = $4 AND version = $5";

        let sealing = self.sealing().await?;
        let seal = |column, value: &[u8]| sealing.seal(account.place(column), value);
        let template = seal(TEMPLATE, face.template.to_bytes().expose());
        let image = face.image.as_ref().map(|image| seal(IMAGE, image.expose()));
        let values = [
            Value::Text(&template),
            Value::TextOrNull(image.as_deref()),
            Value::Int(face.epoch),
            Value::Int(account.0),
            Value::Int(version),
        ];
        self.replace(SQL, &values, account).await
    }

    /// Replaces the MAC address of the device. `false` if the account changed since `version`.
    pub async fn replace_mac(
        &mut self,
        account: AccountId,
        version: i64,
        mac: MacAddress,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET mac_address = $1, has_device = 1, version = version + 1 \
                           WHERE id = $2 AND version = $3";

        let mac = mac.to_string();
        let values = [Value::Text(&mac), Value::Int(account.0), Value::Int(version)];
        self.replace(SQL, &values, account).await
    }

    async fn replace(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        account: AccountId,
    ) -> Result<bool, Error> {
        let changed = self.change_account(account, sql, values).await?;
        if changed {
            self.end_sessions(account).await?;
        }
        Ok(changed)
    }
}

/// The values of a statement that spends a step. No clock reaches a step without one; its code is
/// refused.
fn advance(account: AccountId, version: i64, step: Step) -> Option<[Value<'static>; 3]> {
    let step = i64::try_from(step.0).ok()?;
    Some([Value::Int(step), Value::Int(account.0), Value::Int(version)])
}
