//! The record that an attempt is checked against: the account's, or a decoy of the same shape.
//!
//! It is read once, by one statement, and never changes. It may be outdated when the attempt
//! writes; every write therefore compares `version`.

use crate::{
    account::{
        decoy::SealedDecoy,
        device_seal,
        login_location::LoginLocation,
        record::{Record, Seeking, Subject},
        row_seal::{self, sealed_columns},
    },
    engine::driver::Value,
    error::Error,
    store::Store,
};

impl Store {
    /// The record of the claimed name, or the decoy. Both take one statement and two openings.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails or a value does not open. An unknown name is not an error.
    pub async fn subject(
        &self,
        seeking: Seeking<'_>,
        decoy: &SealedDecoy,
    ) -> Result<Subject, Error> {
        const SQL: &str = concat!(
            "SELECT ",
            sealed_columns!(),
            ", u.id, u.version, u.totp_secret_enc, u.totp_step, u.totp_confirm_step, \
             u.totp_confirmed, u.totp_pending, u.face_template_enc, u.face_epoch, u.mac_address, \
             u.must_change, u.keyed, u.first_used, u.password_settles, u.totp_settles, \
             u.face_settles, u.device_settles, u.totp_issued, u.totp_issued_to, \
             d.name AS device_name, d.pubkey AS device_key, d.mac AS device_mac, \
             COALESCE(d.trusted_from, 0) AS device_trusted_from, d.row_seal AS device_seal, \
             COALESCE(p.last_seen, 0) AS place_seen, \
             CASE WHEN u.keyed = 1 THEN (SELECT COUNT(*) FROM devices k WHERE k.account = u.id \
             AND k.revoked_at IS NULL) ELSE (SELECT COUNT(*) FROM places k \
             WHERE k.account = u.id) END AS known_lanes FROM users u \
             LEFT JOIN devices d ON d.account = u.id AND d.device_id = $2 \
             AND d.revoked_at IS NULL \
             LEFT JOIN places p ON p.account = u.id AND p.place = $3 WHERE u.username = $1"
        );

        // Empty bytes match no device id and no place.
        let device = seeking.device.as_ref().map_or(&[][..], |id| id.as_bytes());
        let place = seeking.place.as_ref().map_or(&[][..], LoginLocation::as_bytes);
        // No account has the empty name.
        let name = if seeking.may_exist { seeking.name.as_str() } else { "" };
        let values = [Value::Text(name), Value::Bytes(device), Value::Bytes(place)];
        let record = if let Some(row) = self.row(SQL, &values).await? {
            let record = Record::read(&row)?;
            let keyring = self.sealer.keyring();
            row_seal::check(record.account, &row, &keyring)?;
            if let Some(device) = &record.device {
                device_seal::check(record.account, device, &row, &keyring)?;
            }
            record
        } else {
            // As much work as the check of a row.
            let _seal = row_seal::of_admin(name, &"x".repeat(150), &self.sealer.keyring());
            decoy.record(&self.sealer)
        };
        record.open(&self.sealer, seeking.name.clone())
    }
}
