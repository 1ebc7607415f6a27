//! The names of an account in the bodies of the two systems.

use crate::problem::Problem;
use fourauth_protocol::{
    command::Identifier,
    contact::{Email, Phone},
    username::Username,
};

/// The account that an `identifier` names: a mail address, a telephone number or a username.
pub(crate) fn any(identifier: &str) -> Result<Identifier, Problem> {
    Identifier::parse(identifier).map_err(|_| invalid("identifier"))
}

/// A mail address.
pub(super) fn email(text: &str) -> Result<Email, Problem> {
    Email::parse(text).map_err(|_| invalid("email"))
}

/// A new account with three names. A telephone number may be absent.
pub(super) fn of_three(
    username: &str,
    address: &str,
    phone: Option<&str>,
) -> Result<Identifier, Problem> {
    let name = Username::parse(username).map_err(|_| invalid("username"))?;
    let phone = phone.map(|text| Phone::parse(text).map_err(|_| invalid("phone"))).transpose()?;
    Identifier::of(Some(name), Some(email(address)?), phone).map_err(|_| invalid("username"))
}

fn invalid(field: &str) -> Problem {
    Problem::bad(format!("Invalid field: {field}"))
}
