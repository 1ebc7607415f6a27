//! The items of the menu, and the values that an item asks for because the command line has no place
//! for them.

use super::no_reply;
use crate::{
    args::{
        AccountArgs, AddDeviceArgs, ConsentArgs, Devices, Enrolment, Factor, LoginArgs, NewDevice,
        Options, Passwords, Sessions, SignUpArgs, Task, Tokens, WhoamiArgs,
    },
    environment::Environment,
    failure::Failure,
    settings::Settings,
};
use fourauth_protocol::{
    device::{DeviceKey, DeviceName},
    mac_address::MacAddress,
    username::Username,
};

pub(super) const MAIN: [&str; 9] = [
    "1  Log in",
    "2  Register",
    "3  Recovery",
    "4  Confirm a new authenticator",
    "5  Devices",
    "6  Sessions",
    "7  Passcodes, and accounts without a face",
    "8  Another server or account",
    "9  Exit",
];

const RECOVERY: [&str; 7] = [
    "1  One-time codes (TOTP)",
    "2  Password",
    "3  Face",
    "4  Device (MAC address)",
    "5  Forgotten password: have a code sent",
    "6  Forgotten password: enter the code",
    "7  Back",
];

const DEVICES: [&str; 5] = [
    "1  List the devices",
    "2  Show the key of this device",
    "3  Add another device",
    "4  Revoke a device",
    "5  Back",
];

const SESSIONS: [&str; 6] = [
    "1  Show your account and session",
    "2  List the sessions",
    "3  Log out",
    "4  End another session",
    "5  End all sessions",
    "6  Back",
];

const OTHERS: [&str; 5] = [
    "1  Log in with a password and a one-time code",
    "2  Register oneself",
    "3  Have a passcode sent",
    "4  Log in with a passcode",
    "5  Back",
];

/// What was chosen.
pub(super) enum Choice {
    /// A command, with these options.
    Do(Task, Box<Options>),
    /// The code of a forgotten password, and the new password.
    EnterResetCode,
    /// Another server or account.
    ChangeServer,
    /// The menu again.
    Back,
    /// The end.
    Leave,
}

/// The choice at `item` of [`MAIN`], after the questions that belong to it.
pub(super) fn choice(
    item: usize,
    options: &Options,
    environment: &mut Environment<'_>,
) -> Result<Choice, Failure> {
    let task = match item {
        0 => Task::Login(LoginArgs::default()),
        1 => Task::Register(Enrolment::default()),
        2 => return recovery(options, environment),
        3 => Task::Confirm(AccountArgs::default()),
        4 => return devices(options, environment),
        5 => return sessions(options, environment),
        6 => return others(options, environment),
        7 => return Ok(Choice::ChangeServer),
        _ => return Ok(Choice::Leave),
    };
    Ok(with(task, options))
}

/// The name to remember: the one that is typed, or the saved one for an empty line.
pub(super) fn username_to_remember(
    settings: &Settings,
    environment: &mut Environment<'_>,
) -> Result<Option<Username>, Failure> {
    let saved = settings.username.as_ref();
    let proposal = saved.map_or_else(|| "none".to_owned(), |name| name.as_str().to_owned());
    let question = format!("Username to remember [{proposal}]");
    optional(&question, Username::parse, environment)
}

fn recovery(options: &Options, environment: &mut Environment<'_>) -> Result<Choice, Failure> {
    let factor = match choose("Recover", &RECOVERY, environment)? {
        0 => Factor::Totp,
        1 => Factor::Password,
        2 => Factor::Face(ConsentArgs::default()),
        3 => Factor::Device(NewDevice::default()),
        4 => {
            let forgot = Passwords::Forgot(AccountArgs::default());
            return Ok(with(Task::Password(forgot), options));
        }
        5 => return Ok(Choice::EnterResetCode),
        _ => return Ok(Choice::Back),
    };
    Ok(with(Task::Recover(factor), options))
}

fn devices(options: &Options, environment: &mut Environment<'_>) -> Result<Choice, Failure> {
    let task = match choose("Devices", &DEVICES, environment)? {
        0 => Devices::List,
        1 => Devices::Key,
        2 => return add_device(options, environment),
        3 => Devices::Revoke {
            name: required("Name of the device", DeviceName::parse, environment)?,
        },
        _ => return Ok(Choice::Back),
    };
    Ok(with(Task::Device(task), options))
}

/// The address of the new device takes the place of `--mac`.
fn add_device(options: &Options, environment: &mut Environment<'_>) -> Result<Choice, Failure> {
    let pubkey = required("Public key of the new device", DeviceKey::parse, environment)?;
    let mac = required("Address of the new device", MacAddress::parse, environment)?;
    let name = optional("Name for it (may be empty)", DeviceName::parse, environment)?;
    let add = Devices::Add(AddDeviceArgs { pubkey, name, own_mac: options.mac });
    let options = Options { mac: Some(mac), ..options.clone() };
    Ok(with(Task::Device(add), &options))
}

fn sessions(options: &Options, environment: &mut Environment<'_>) -> Result<Choice, Failure> {
    let task = match choose("Sessions", &SESSIONS, environment)? {
        0 => Task::Whoami(WhoamiArgs::default()),
        1 => Task::Session(Sessions::List),
        2 => Task::Session(Sessions::End { session: None, all: false }),
        3 => {
            let id = required("Id of the session", given, environment)?;
            Task::Session(Sessions::End { session: Some(id), all: false })
        }
        4 => Task::Session(Sessions::End { session: None, all: true }),
        _ => return Ok(Choice::Back),
    };
    Ok(with(task, options))
}

fn others(options: &Options, environment: &mut Environment<'_>) -> Result<Choice, Failure> {
    let account = AccountArgs::default();
    let task = match choose("Without a face", &OTHERS, environment)? {
        0 => Task::SignIn(account),
        1 => Task::SignUp(SignUpArgs::default()),
        2 => Task::Token(Tokens::Request(account)),
        3 => Task::Token(Tokens::Redeem(account)),
        _ => return Ok(Choice::Back),
    };
    Ok(with(task, options))
}

fn with(task: Task, options: &Options) -> Choice {
    Choice::Do(task, Box::new(options.clone()))
}

fn choose(
    question: &str,
    items: &[&str],
    environment: &mut Environment<'_>,
) -> Result<usize, Failure> {
    environment.prompt.choose(question, items).map_err(|reason| no_reply(question, reason))
}

fn required<T, E: ToString>(
    question: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
    environment: &mut Environment<'_>,
) -> Result<T, Failure> {
    let typed = environment.prompt.text(&format!("{question}:"));
    let typed = typed.map_err(|reason| no_reply(question, reason))?;
    parse(typed.trim()).map_err(|error| Failure::Usage(error.to_string()))
}

/// `None` for an empty line.
fn optional<T, E: ToString>(
    question: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
    environment: &mut Environment<'_>,
) -> Result<Option<T>, Failure> {
    let parse = |text: &str| if text.is_empty() { Ok(None) } else { parse(text).map(Some) };
    required(question, parse, environment)
}

fn given(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("there is no session without an id") } else { Ok(text.to_owned()) }
}
