//! Commands about a forgotten password.

use super::AccountArgs;
use clap::Subcommand;

/// A command about a forgotten password.
#[derive(Debug, Clone, Subcommand)]
pub enum Passwords {
    /// Have a code sent by mail or as a text message
    Forgot(AccountArgs),
    /// Exchange the code for a grant, which is shown
    Validate(AccountArgs),
    /// Set a new password with the grant
    Reset(AccountArgs),
}
