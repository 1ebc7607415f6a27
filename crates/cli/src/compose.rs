//! Gathers what a command needs: from options, files, the camera, the machine and the person.
//!
//! Secrets come in the order in which standard input holds them, and the one-time code last, after
//! the camera: it ages while a person looks for the light.

use crate::{
    args::{Contact, Factor, Options, Rows, Task},
    camera,
    failure::Failure,
    picture,
    secrets::{self, Kind},
    settings::Settings,
    world::World,
};
use fourauth_protocol::{
    command::{
        Command, ConfirmTotp, Hello, Login, NewTotp, ReadAudit, RecoverDevice, RecoverFace,
        RecoverPassword, RecoverTotp, Register,
    },
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    picture::{MAX_PICTURES, Picture},
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// The command for a task.
pub(crate) async fn command(
    task: &Task,
    options: &Options,
    settings: &Settings,
    world: &mut World<'_>,
) -> Result<Command, Failure> {
    refuse_impossible(options)?;
    let mut gather = Gather { options, settings, world };
    Ok(match task {
        Task::Login => Command::Login(gather.login().await?),
        Task::Register(contact) => Command::Register(gather.register(contact).await?),
        Task::Recover(Factor::Totp) => Command::RecoverTotp(gather.recover_totp().await?),
        Task::Recover(Factor::Password) => {
            Command::RecoverPassword(gather.recover_password().await?)
        }
        Task::Recover(Factor::Face) => Command::RecoverFace(gather.recover_face().await?),
        Task::Recover(Factor::Device) => Command::RecoverDevice(gather.recover_device().await?),
        Task::Confirm => Command::ConfirmTotp(gather.confirm()?),
        Task::Audit(rows) => Command::ReadAudit(gather.audit(rows)?),
        Task::Hello | Task::Trust => Command::Hello(Hello::default()),
    })
}

/// Refuses options that exclude each other in ways that argument parsing cannot see.
fn refuse_impossible(options: &Options) -> Result<(), Failure> {
    let files = &options.secrets;
    let secrets = [
        &files.admin_secret_file,
        &files.password_file,
        &files.new_password_file,
        &files.totp_file,
    ];
    let is_input = |path: &&PathBuf| path.as_os_str() == "-";
    let pictures = options.face.iter().filter(is_input).count();
    let secrets = secrets.into_iter().flatten().filter(is_input).count();
    if pictures > 1 || (pictures == 1 && secrets > 0) {
        let reason = "standard input holds one picture, or secrets line by line, not both";
        return Err(Failure::Usage(reason.to_owned()));
    }
    if options.face.len() > MAX_PICTURES {
        return Err(Failure::Usage(format!("at most {MAX_PICTURES} pictures can be sent")));
    }
    Ok(())
}

struct Gather<'a, 'w> {
    options: &'a Options,
    settings: &'a Settings,
    world: &'a mut World<'w>,
}

impl Gather<'_, '_> {
    async fn login(&mut self) -> Result<Login, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        let totp = Some(self.one_time_code()?);
        Ok(Login { username, password, totp, face, faces, mac, client_ts_utc: Some(self.now()) })
    }

    async fn register(&mut self, contact: &Contact) -> Result<Register, Failure> {
        let username = self.username()?;
        let admin_secret = self.secret(Kind::Admin)?;
        let password = self.secret(Kind::FirstPassword)?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_ENROLMENT).await?;
        let Contact { email, phone } = contact.clone();
        let totp = NewTotp::New;
        Ok(Register { admin_secret, username, password, totp, face, faces, mac, email, phone })
    }

    async fn recover_totp(&mut self) -> Result<RecoverTotp, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        Ok(RecoverTotp { username, password, face, faces, mac, client_ts_utc: Some(self.now()) })
    }

    async fn recover_password(&mut self) -> Result<RecoverPassword, Failure> {
        let username = self.username()?;
        let new_password = self.secret(Kind::NewPassword)?;
        let mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        let totp = Some(self.one_time_code()?);
        let client_ts_utc = Some(self.now());
        Ok(RecoverPassword { username, new_password, totp, face, faces, mac, client_ts_utc })
    }

    async fn recover_face(&mut self) -> Result<RecoverFace, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let mac = Some(self.device()?);
        let (new_face, new_faces) = self.faces(camera::AT_ENROLMENT).await?;
        let totp = Some(self.one_time_code()?);
        let client_ts_utc = Some(self.now());
        Ok(RecoverFace { username, password, totp, new_face, new_faces, mac, client_ts_utc })
    }

    async fn recover_device(&mut self) -> Result<RecoverDevice, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        let new_mac = Some(self.device()?);
        let (face, faces) = self.faces(camera::AT_LOGIN).await?;
        let totp = Some(self.one_time_code()?);
        let client_ts_utc = Some(self.now());
        Ok(RecoverDevice { username, password, totp, face, faces, new_mac, client_ts_utc })
    }

    fn confirm(&mut self) -> Result<ConfirmTotp, Failure> {
        let username = self.username()?;
        let password = self.secret(Kind::Password)?;
        Ok(ConfirmTotp { username, password, totp: Some(self.one_time_code()?) })
    }

    fn audit(&mut self, rows: &Rows) -> Result<ReadAudit, Failure> {
        Ok(ReadAudit {
            username: rows.user.clone(),
            action: rows.action.clone(),
            success: (rows.successes || rows.failures).then_some(rows.successes),
            id: rows.id,
            before_id: rows.before,
            limit: rows.limit,
            ..ReadAudit::newest(self.secret(Kind::Admin)?)
        })
    }

    fn username(&mut self) -> Result<Username, Failure> {
        let known = self.options.username.as_ref().or(self.settings.username.as_ref());
        if let Some(username) = known {
            return Ok(username.clone());
        }
        let question = "Username".to_owned();
        let typed = self.world.person.text("Username:");
        let typed = typed.map_err(|reason| Failure::NoReply { question, reason })?;
        Username::parse(typed.trim()).map_err(|error| Failure::Usage(error.to_string()))
    }

    fn secret(&mut self, kind: Kind) -> Result<Secret<String>, Failure> {
        secrets::obtain(kind, &self.options.secrets, self.world)
    }

    fn one_time_code(&mut self) -> Result<OneTimeCode, Failure> {
        secrets::one_time_code(&self.options.secrets, self.world)
    }

    fn device(&self) -> Result<MacAddress, Failure> {
        self.options.mac.or_else(self.world.device_address).ok_or(Failure::NoDeviceAddress)
    }

    /// Pictures from files or the camera: one travels as `faceID`, several as `faceIDs`.
    async fn faces(&mut self, count: usize) -> Result<(Option<Picture>, Vec<Picture>), Failure> {
        let mut pictures = if self.options.face.is_empty() {
            writeln!(self.world.notes, "Look into the camera.")?;
            camera::take(&self.options.camera, count).await?
        } else {
            self.options
                .face
                .iter()
                .map(|path| self.read_picture(path))
                .collect::<Result<_, _>>()?
        };
        Ok(if pictures.len() == 1 { (pictures.pop(), Vec::new()) } else { (None, pictures) })
    }

    fn read_picture(&mut self, path: &Path) -> Result<Picture, Failure> {
        let picture = if path == Path::new("-") {
            picture::read(&mut self.world.input)
        } else {
            File::open(path).map_err(picture::NotAPicture::from).and_then(picture::read)
        };
        picture.map_err(|reason| Failure::Picture { path: path.to_owned(), reason })
    }

    /// Asked for last, so that what travels is the instant of sending.
    fn now(&self) -> UnixMillis {
        self.options.timestamp.unwrap_or_else(self.world.now)
    }
}
