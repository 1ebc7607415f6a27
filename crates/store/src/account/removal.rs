//! Factors that an administrator takes from an account. What stays in their columns belongs to no person.

use crate::{
    account::{
        factor::NewFace,
        id::{AccountId, IMAGE, TEMPLATE, TOTP},
    },
    engine::{driver::Value, tx::Tx},
    error::Error,
};
use fourauth_factors::totp;

impl Tx {
    /// Removes the authenticator and ends the sessions. Another one is proposed at the next sign-in with
    /// the password, and `key` is in its place until then. `false` if the account has none.
    pub async fn remove_totp(
        &mut self,
        account: AccountId,
        key: &totp::Key,
    ) -> Result<bool, Error> {
        const SQL: &str = "UPDATE users SET totp_secret_enc = $1, has_totp = 0, totp_pending = 1, \
             totp_step = 0, totp_confirm_step = 0, totp_confirmed = 0, totp_issued = 0, \
             version = version + 1 WHERE id = $2 AND has_totp = 1";

        let sealed = self.sealing().await?.seal(account.place(TOTP), key.as_bytes());
        let values = [Value::Text(&sealed), Value::Int(account.0)];
        let removed = self.change_account(account, SQL, &values).await?;
        self.end_sessions(account).await?;
        Ok(removed)
    }

    /// Removes the face with its picture and consent, and ends the sessions. `decoy` takes its place. An
    /// account without an authenticator is proposed one at its next sign-in, so that a password alone never
    /// opens it. `false` if the account has no face.
    pub async fn remove_face(
        &mut self,
        account: AccountId,
        decoy: &NewFace,
    ) -> Result<bool, Error> {
        const FACE: &str = "UPDATE users SET face_template_enc = $1, has_face = 0, face_image_enc = $2, \
             face_epoch = $3, version = version + 1, \
             totp_pending = CASE WHEN has_totp = 1 THEN totp_pending ELSE 1 END \
             WHERE id = $4 AND has_face = 1";
        const CONSENT: &str = "DELETE FROM consents WHERE account = $1";

        let sealing = self.sealing().await?;
        let seal = |column, value: &[u8]| sealing.seal(account.place(column), value);
        let template = seal(TEMPLATE, decoy.template.to_bytes().expose());
        let image = decoy.image.as_ref().map(|image| seal(IMAGE, image.expose()));
        let values = [
            Value::Text(&template),
            Value::TextOrNull(image.as_deref()),
            Value::Int(decoy.epoch),
            Value::Int(account.0),
        ];
        let removed = self.change_account(account, FACE, &values).await?;
        self.end_sessions(account).await?;
        self.execute(CONSENT, &[Value::Int(account.0)]).await?;
        Ok(removed)
    }
}
