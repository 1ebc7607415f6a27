//! What the bodies and answers of these routes have, for the description of the API.

use crate::shape::{Kind, Member, Shape};

const ACCOUNTS: &str = "accounts";
const CODES: &str = "one-time codes";
const PASSWORDS: &str = "forgotten passwords";

const MESSAGE: Member = Member::text("message", "What was done, word for word as documented.");
const EMAIL: Member =
    Member::text("email", "The mail address of the account.").of_kind(Kind::Syntax(&["Email"]));
const PASSWORD: Member = Member::text("password", "The password.");
const IDENTIFIER: Member =
    Member::text("identifier", "A username, a mail address or a telephone number.")
        .of_kind(Kind::Syntax(&["Email", "Phone", "Username"]));
const JWT: Member = Member::optional("token", "A signed token of the session (RFC 7519).");
const GRANT: Member = Member::optional(
    "mfa_token",
    "Leads from one step to the next, for a client that keeps no cookies.",
)
.of_kind(Kind::Syntax(&["GrantToken"]));
const OTP: Member = Member::text("otp", "A code of six digits. Spaces in it are dropped.");

const SAID: &[Member] = &[MESSAGE];

pub(super) const REGISTER: Shape = Shape {
    tag: ACCOUNTS,
    summary: "Register an account: with a username for codes by mail, without one for an authenticator",
    bodies: &[
        &[
            Member::text("username", "The name of the new account.")
                .of_kind(Kind::Syntax(&["Username"])),
            EMAIL,
            Member::optional("phone", "A telephone number (E.164).")
                .of_kind(Kind::Syntax(&["Phone"])),
            PASSWORD,
        ],
        &[absent("username"), EMAIL, absent("phone"), PASSWORD],
    ],
    granted: &[
        MESSAGE,
        Member::optional("mfa_qr_data_url", "A picture of the provisioning URI, as a `data:` URL."),
        Member::optional("mfa_provisioning_uri", "The `otpauth://` URI of the authenticator."),
        Member::optional("mfa_secret", "The secret of that URI, as Base32."),
        GRANT,
    ],
    takes_token: false,
};

pub(super) const LOGIN: Shape = Shape {
    tag: ACCOUNTS,
    summary: "Log in with a password; the answer has a token, or asks for a one-time code",
    bodies: &[&[IDENTIFIER, PASSWORD], &[absent("identifier"), EMAIL, PASSWORD]],
    granted: &[MESSAGE, JWT, GRANT],
    takes_token: false,
};

pub(super) const LOGOUT: Shape = Shape {
    tag: ACCOUNTS,
    summary: "End the session of the token or of the cookie; it answers alike without either",
    bodies: &[],
    granted: SAID,
    takes_token: true,
};

pub(super) const ENABLE_MFA: Shape = Shape {
    tag: CODES,
    summary: "Confirm that the authenticator of a new account works",
    bodies: &[&[EMAIL, OTP, GRANT]],
    granted: SAID,
    takes_token: false,
};

pub(super) const VERIFY_MFA: Shape = Shape {
    tag: CODES,
    summary: "Prove a one-time code after the password; the answer has a token",
    bodies: &[&[EMAIL, OTP, GRANT]],
    granted: &[MESSAGE, JWT],
    takes_token: false,
};

pub(super) const FORGOT: Shape = Shape {
    tag: PASSWORDS,
    summary: "Send a code for a forgotten password, by mail or text message",
    bodies: &[&[IDENTIFIER]],
    granted: SAID,
    takes_token: false,
};

pub(super) const VALIDATE: Shape = Shape {
    tag: PASSWORDS,
    summary: "Exchange that code for a grant, which is in the answer and in a cookie",
    bodies: &[&[IDENTIFIER, OTP]],
    granted: &[MESSAGE, Member::optional("reset_token", "The grant.")],
    takes_token: false,
};

pub(super) const RESET: Shape = Shape {
    tag: PASSWORDS,
    summary: "Replace the password with that grant",
    bodies: &[&[
        IDENTIFIER,
        Member::text("new_password", "The new password."),
        Member::optional("reset_token", "The grant, for a client that keeps no cookies.")
            .of_kind(Kind::Syntax(&["GrantToken"])),
    ]],
    granted: SAID,
    takes_token: false,
};

pub(super) const KEYS: Shape = Shape {
    tag: ACCOUNTS,
    summary: "The public keys that verify the tokens of logins",
    bodies: &[],
    granted: &[Member::text("keys", "The keys (RFC 7517).").of_kind(Kind::List("PublicKey"))],
    takes_token: false,
};

/// A member that the other body of a route has.
const fn absent(name: &'static str) -> Member {
    Member::optional(name, "With it, this is the other body.").of_kind(Kind::Absent)
}
