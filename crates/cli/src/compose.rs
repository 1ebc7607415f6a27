//! Gathers the inputs of a command from options, files, the camera, the machine and prompts.
//!
//! Secrets are read in their order on standard input. The one-time code is read last, after the
//! camera, because it could expire while the pictures are taken.

mod device;
mod passcode;
mod recover;
mod reset;
mod sign_in;

use crate::{
    args::{
        AccountArgs, AuditFilter, Devices, Enrolment, Factor, InviteArgs, LoginArgs, Options,
        Passwords, Task, Tokens,
    },
    camera, challenge, device_address,
    environment::{Environment, NoReply},
    failure::Failure,
    picture,
    secrets::{self, Kind},
    settings::Settings,
};
use fourauth_client::Identity;
use fourauth_protocol::{
    answer::ServerInfo,
    challenge::ChallengeUse,
    command::{Command, ConfirmTotp, Hello, Invite, Login, ReadAudit, Register},
    device::{DeviceKey, DeviceName},
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::{MAX_PICTURES, Picture},
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use std::{fs::File, path::Path};

/// What the server says about itself, if it was asked and says it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// It was not asked.
    NotYet,
    /// Its answer.
    Said(Option<&'a ServerInfo>),
}

/// The inputs that are known before the first prompt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) options: &'a Options,
    pub(crate) settings: &'a Settings,
    /// The key that proves this device, if any.
    pub(crate) identity: Option<&'a Identity>,
    /// True if the command includes a recovery code.
    pub(crate) recovery_code: bool,
    /// What the server says that it requires.
    pub(crate) server: Asked<'a>,
}

/// How a face is shown to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By pictures.
    Pictures,
    /// By the answer to a face challenge.
    Challenge,
}

/// Builds the command for a task.
pub(crate) async fn command(
    task: &Task,
    inputs: Inputs<'_>,
    environment: &mut Environment<'_>,
) -> Result<Command, Failure> {
    let mut gather = Gather { inputs, environment };
    Ok(match task {
        Task::Login(this) => Command::Login(gather.login(this).await?),
        Task::Register(enrolment) => Command::Register(gather.register(enrolment).await?),
        Task::Invite(person) => Command::Invite(gather.invite(person)?),
        Task::Recover(Factor::Totp) => Command::RecoverTotp(gather.recover_totp().await?),
        Task::Recover(Factor::Password) => {
            Command::RecoverPassword(gather.recover_password().await?)
        }
        Task::Recover(Factor::Face(agreement)) => {
            Command::RecoverFace(gather.recover_face(agreement).await?)
        }
        Task::Recover(Factor::Device(new)) => {
            Command::RecoverDevice(gather.recover_device(new).await?)
        }
        Task::Password(Passwords::Forgot(named)) => {
            Command::RequestReset(gather.request_reset(named)?)
        }
        Task::Password(Passwords::Validate(named)) => {
            Command::ValidateReset(gather.validate_reset(named)?)
        }
        Task::Password(Passwords::Reset(named)) => {
            Command::ResetPassword(gather.reset_password(named)?)
        }
        Task::Confirm(named) => Command::ConfirmTotp(gather.confirm(named)?),
        Task::Device(Devices::Add(other)) => Command::BindDevice(gather.bind_device(other)?),
        Task::Device(Devices::Revoke { name }) => {
            Command::RevokeDevice(gather.revoke_device(name)?)
        }
        Task::Token(Tokens::Request(named)) => {
            Command::RequestPasscode(gather.request_passcode(named)?)
        }
        Task::Token(Tokens::Redeem(named)) => {
            Command::RedeemPasscode(gather.redeem_passcode(named)?)
        }
        Task::SignUp(args) => Command::SelfRegister(gather.self_register(args)?),
        Task::Audit(filter) => Command::ReadAudit(gather.audit(filter)?),
        Task::Hello
        | Task::Trust
        | Task::Device(Devices::Key | Devices::List)
        | Task::Receipt(_)
        | Task::Session(_)
        | Task::SignIn(_)
        | Task::Token(Tokens::Check(_) | Tokens::End { .. })
        | Task::Whoami(_) => Command::Hello(Hello::default()),
    })
}

/// Refuses combinations of options that argument parsing does not detect.
pub(crate) fn refuse_impossible(options: &Options) -> Result<(), Failure> {
    let pictures = options.face.iter().filter(|path| path.as_os_str() == "-").count();
    if pictures > 1 || (pictures == 1 && options.secrets.on_standard_input() > 0) {
        let reason = "standard input can contain one picture or lines of secrets, not both";
        return Err(Failure::Usage(reason.to_owned()));
    }
    Ok(())
}

/// Gathers the inputs of one command.
pub(crate) struct Gather<'a, 'w> {
    pub(crate) inputs: Inputs<'a>,
    pub(crate) environment: &'a mut Environment<'w>,
}

impl Gather<'_, '_> {
    async fn login(&mut self, this: &LoginArgs) -> Result<Login, Failure> {
        let username = self.username()?;
        let way = self.way_to_show(ChallengeUse::Always).await?;
        let password = self.secret(Kind::Password)?;
        let mac = Some(self.device()?);
        let device_pubkey = self.own_key();
        let device_name = device_pubkey.and_then(|_| self.own_name(this.device_name.as_ref()));
        let (face, faces) = self.shown(way).await?;
        let mut login = Login::new(username, password);
        login.totp = Some(self.one_time_code()?);
        login.face = face;
        login.faces = faces;
        login.mac = mac;
        login.client_ts_utc = Some(self.now());
        login.device_pubkey = device_pubkey;
        login.device_name = device_name;
        login.recovery_code = self.recovery_code()?;
        login.audience.clone_from(&this.audience);
        login.level = this.level;
        Ok(login)
    }

    /// The device is that of the new account, so the administrator's own key is not sent.
    async fn register(&mut self, enrolment: &Enrolment) -> Result<Register, Failure> {
        let username = for_new_account(self.new_username()?)?;
        self.check_pictures()?;
        let admin_secret = self.secret(Kind::Admin)?;
        let password = self.secret(Kind::FirstPassword)?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_ENROLMENT).await?;
        let Enrolment { email, phone, device_pubkey, device_name, agreement } = enrolment.clone();
        let mut register = Register::new(admin_secret, username, password);
        register.face = face;
        register.faces = faces;
        register.mac = mac;
        register.email = email;
        register.phone = phone;
        register.device_pubkey = device_pubkey;
        register.device_name = device_name;
        register.consent = agreement.consent;
        Ok(register)
    }

    fn invite(&mut self, person: &InviteArgs) -> Result<Invite, Failure> {
        let username = for_new_account(self.new_username()?)?;
        let mut invite = Invite::new(self.secret(Kind::Admin)?, username);
        invite.email.clone_from(&person.email);
        invite.phone.clone_from(&person.phone);
        Ok(invite)
    }

    fn confirm(&mut self, named: &AccountArgs) -> Result<ConfirmTotp, Failure> {
        let account = self.account(named)?;
        let mut confirm = if self.inputs.options.secrets.grant_file.is_some() {
            let grant = secrets::grant(&self.inputs.options.secrets, self.environment)?;
            ConfirmTotp::by_grant(account, Some(grant))
        } else {
            ConfirmTotp::new(account, self.secret(Kind::Password)?)
        };
        confirm.totp = Some(self.one_time_code()?);
        Ok(confirm)
    }

    fn audit(&mut self, filter: &AuditFilter) -> Result<ReadAudit, Failure> {
        let mut read = ReadAudit::newest(self.secret(Kind::Admin)?);
        read.username.clone_from(&filter.user);
        read.action.clone_from(&filter.action);
        read.success = (filter.successes || filter.failures).then_some(filter.successes);
        read.id = filter.id;
        read.before_id = filter.before;
        read.limit = filter.limit;
        Ok(read)
    }

    fn username(&mut self) -> Result<Username, Failure> {
        let known =
            self.inputs.options.username.as_ref().or(self.inputs.settings.username.as_ref());
        if let Some(username) = known {
            return Ok(username.clone());
        }
        let question = "Username".to_owned();
        let typed = self.environment.prompt.text("Username:");
        let typed = typed.map_err(|reason| Failure::NoReply { question, reason })?;
        Username::parse(typed.trim()).map_err(|error| Failure::Usage(error.to_string()))
    }

    /// The name of a new account. The saved name is only proposed: mostly it is of an account that
    /// exists.
    pub(crate) fn new_username(&mut self) -> Result<Username, Failure> {
        if let Some(username) = &self.inputs.options.username {
            return Ok(username.clone());
        }
        let question = "Username of the new account".to_owned();
        let saved = self.inputs.settings.username.as_ref();
        let proposal = saved.map(|saved| format!(" [{}]", saved.as_str())).unwrap_or_default();
        match (self.environment.prompt.text(&format!("{question}{proposal}:")), saved) {
            (Ok(typed), Some(saved)) if typed.trim().is_empty() => Ok(saved.clone()),
            (Ok(typed), _) => {
                Username::parse(typed.trim()).map_err(|error| Failure::Usage(error.to_string()))
            }
            // Scripts register under the saved name.
            (Err(NoReply::NoTerminal), Some(saved)) => Ok(saved.clone()),
            (Err(reason), _) => Err(Failure::NoReply { question, reason }),
        }
    }

    fn secret(&mut self, kind: Kind) -> Result<Secret<String>, Failure> {
        secrets::obtain(kind, &self.inputs.options.secrets, self.environment)
    }

    fn one_time_code(&mut self) -> Result<OneTimeCode, Failure> {
        secrets::one_time_code(&self.inputs.options.secrets, self.environment)
    }

    fn device(&self) -> Result<MacAddress, Failure> {
        let address = self.inputs.options.mac.or_else(|| device_address::own(self.environment));
        address.ok_or(Failure::NoDeviceAddress { option: "--mac" })
    }

    fn own_key(&self) -> Option<DeviceKey> {
        self.inputs.identity.map(Identity::key)
    }

    fn own_name(&self, given: Option<&DeviceName>) -> Option<DeviceName> {
        given.cloned().or_else(self.environment.host_name)
    }

    /// How a face can be shown for commands of this kind. It is found out before a secret is asked for,
    /// and files are read before the server is asked.
    pub(crate) async fn way_to_show(&mut self, from: ChallengeUse) -> Result<Way, Failure> {
        let checked = self.check_pictures();
        if let Err(Failure::Picture { .. }) = checked {
            return checked.map(|()| Way::Pictures);
        }
        match (challenge::is_needed(from, self.inputs).await?, checked) {
            (true, Err(Failure::Camera(reason))) => Err(Failure::NoCameraForChallenge(reason)),
            (_, Err(failure)) => Err(failure),
            (true, Ok(())) => Ok(Way::Challenge),
            (false, Ok(())) => Ok(Way::Pictures),
        }
    }

    /// Checks the files of `--face`, or else the camera.
    pub(crate) fn check_pictures(&mut self) -> Result<(), Failure> {
        let files = self.inputs.options.face.clone();
        for path in files.iter().filter(|path| *path != Path::new("-")) {
            self.read_picture(path)?;
        }
        if files.is_empty() {
            camera::check(&self.inputs.options.camera)?;
        }
        Ok(())
    }

    /// Pictures of a face that is to be verified. None by a challenge, which is filmed when everything
    /// else is known.
    pub(crate) async fn shown(
        &mut self,
        way: Way,
    ) -> Result<(Option<Picture>, Vec<Picture>), Failure> {
        match way {
            Way::Challenge => Ok((None, Vec::new())),
            Way::Pictures => self.faces(camera::AT_LOGIN).await,
        }
    }

    /// Pictures from files or the camera. One is sent as `faceID`, several as `faceIDs`.
    async fn faces(&mut self, count: usize) -> Result<(Option<Picture>, Vec<Picture>), Failure> {
        if self.inputs.options.face.len() > MAX_PICTURES {
            return Err(Failure::Usage(format!("at most {MAX_PICTURES} pictures can be sent")));
        }
        let mut pictures = if self.inputs.options.face.is_empty() {
            writeln!(self.environment.notes, "Look into the camera.")?;
            camera::take(&self.inputs.options.camera, count).await?
        } else {
            self.inputs
                .options
                .face
                .iter()
                .map(|path| self.read_picture(path))
                .collect::<Result<_, _>>()?
        };
        Ok(if pictures.len() == 1 { (pictures.pop(), Vec::new()) } else { (None, pictures) })
    }

    fn read_picture(&mut self, path: &Path) -> Result<Picture, Failure> {
        let picture = if path == Path::new("-") {
            picture::read(&mut self.environment.input)
        } else {
            File::open(path).map_err(picture::NotAPicture::from).and_then(picture::read)
        };
        picture.map_err(|reason| Failure::Picture { path: path.to_owned(), reason })
    }

    /// Read last, so that it is the time of sending.
    fn now(&self) -> UnixMillis {
        self.inputs.options.timestamp.unwrap_or_else(self.environment.now)
    }
}

/// Says why a name is refused before the server calls it an impossible value.
fn for_new_account(name: Username) -> Result<Username, Failure> {
    name.for_new_account().map_err(|error| Failure::Usage(error.to_string()))
}
