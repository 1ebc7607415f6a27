//! G-31: an attacker with all of an owner's factors except the device is refused.
//!
//! The factors in each attack are correct and unspent: right after it the owner logs in with the
//! same ones. Rate limits are off, so that the device key is what refuses the attacker.

use crate::{
    peer::{Caller, HELLO, Peer, framed},
    report::Figures,
    setup::{Defence, Setup},
};
use anyhow::{Context as _, ensure};
use data_encoding::HEXLOWER_PERMISSIVE;
use fourauth_client::{Client, Fingerprint, Identity, ServerAddress, Trust};
use fourauth_config::TlsVersion;
use fourauth_daemon::tls::{self, Certificate};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login, ProveDevice},
    device::{Binding, DeviceNonce, message},
    frame::{self, Decoder},
};
use fourauth_tests::{
    persona::Persona,
    server::{TestServer, quick},
    with::With as _,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Time from one code to the first that is not valid together with it, in milliseconds.
const TWO_STEPS_MS: i64 = 60_000;

/// How an attacker without the device tries to pass for it.
#[derive(Debug, Clone, Copy)]
enum Attack {
    /// The victim talks to a relay that passes everything on, the proof included.
    Relay,
    /// The same, if the victim's TLS library has no exporter.
    RelayByCertificate,
    /// All factors and the MAC address, and no proof; or a proof by another key under the device's
    /// id.
    WithoutKey,
    /// The proof of another account's device, for the victim's name or for the attacker's own.
    ForeignKey,
    /// A proof that was valid on the connection it was made for.
    Replay,
    /// The same without an exporter: the nonce is quoted after its owner has used it. In the control
    /// the owner has not.
    ReplayByCertificate,
}

/// A person with an account and a device known to it.
struct Owner {
    persona: Persona,
    identity: Arc<Identity>,
}

struct Scene {
    server: TestServer,
    relay: Relay,
    alice: Owner,
    mallory: Owner,
    defence: Defence,
}

/// Terminates the victim's TLS with a certificate of its own, and opens its own TLS to the server.
struct Relay {
    listener: TcpListener,
    tls: TlsAcceptor,
    fingerprint: Fingerprint,
}

pub(crate) async fn figures(setup: &Setup, defence: Defence) -> anyhow::Result<Figures> {
    let rounds = match defence {
        Defence::On => setup.count(100, 2),
        Defence::Off => setup.count(10, 1),
    };
    let scene = Scene::set(defence).await?;
    let mut figures = Figures::default();
    figures.note("of_each", rounds);
    let (mut for_the_device, mut owners_in) = (0, 0);
    for (name, attack) in Attack::ALL {
        setup.say(name);
        let mut got_in = 0;
        for round in 0..rounds {
            scene.server.clock().advance_ms(TWO_STEPS_MS);
            let login = scene.alice.persona.login(scene.server.now());
            let answer = Box::pin(scene.attack(attack, login.clone(), round)).await?;
            got_in += u32::from(answer.is_ok());
            for_the_device += u32::from(answer.code == Code::DeviceMismatch);
            owners_in += u32::from(scene.owner_login(login, round).await?.is_ok());
        }
        figures.exactly(&format!("{name}_got_in"), got_in, 0);
    }
    let all = rounds * u32::try_from(Attack::ALL.len())?;
    figures.exactly("refused_for_the_device", for_the_device, all);
    figures.exactly("owner_then_in_with_the_same_factors", owners_in, all);
    scene.server.stop().await;
    Ok(figures)
}

impl Attack {
    const ALL: [(&str, Self); 6] = [
        ("relay", Self::Relay),
        ("relay_by_certificate", Self::RelayByCertificate),
        ("without_key", Self::WithoutKey),
        ("foreign_key", Self::ForeignKey),
        ("replay", Self::Replay),
        ("replay_by_certificate", Self::ReplayByCertificate),
    ];
}

impl Scene {
    async fn set(defence: Defence) -> anyhow::Result<Self> {
        let relay = Relay::listen().await?;
        let server = TestServer::configured(|config| {
            config.compat.mac_only = defence == Defence::Off;
        })
        .await;
        let alice = Owner::enrol(&server, "alice").await?;
        let mallory = Owner::enrol(&server, "mallory").await?;
        Ok(Self { server, relay, alice, mallory, defence })
    }

    /// The server's answer to an attacker with everything in `login`.
    async fn attack(&self, attack: Attack, login: Login, round: u32) -> anyhow::Result<Answer> {
        match attack {
            Attack::Relay => self.relayed(login).await,
            Attack::RelayByCertificate => self.relayed_by_certificate(login).await,
            Attack::WithoutKey => self.without_key(login, round).await,
            Attack::ForeignKey => self.foreign_key(login, round).await,
            Attack::Replay => self.replay(login).await,
            Attack::ReplayByCertificate => self.replay_by_certificate(login).await,
        }
    }

    async fn relayed(&self, login: Login) -> anyhow::Result<Answer> {
        let deceived = self.relay.client()?.with_identity(Arc::clone(&self.alice.identity));
        let (_, heard) = tokio::try_join!(
            async { Ok(deceived.send_once(Command::Login(login)).await?) },
            self.relay.pass_on(self.server.server().address()),
        )?;
        heard.into_iter().next_back().context("nothing was passed on")
    }

    async fn relayed_by_certificate(&self, login: Login) -> anyhow::Result<Answer> {
        let victim = async {
            let mut peer = call(self.relay.address()?).await?;
            let proof = self.alice.prove_by_certificate(&mut peer, self.relay.fingerprint).await?;
            say(&mut peer, Command::ProveDevice(proof)).await?;
            say(&mut peer, Command::Login(login)).await
        };
        let (_, heard) =
            tokio::try_join!(victim, self.relay.pass_on(self.server.server().address()))?;
        heard.into_iter().next_back().context("nothing was passed on")
    }

    async fn without_key(&self, login: Login, round: u32) -> anyhow::Result<Answer> {
        let mut connection = self.server.connect().await;
        if !round.is_multiple_of(2) {
            let Owner { persona, identity } = &self.alice;
            let stolen = &self.mallory.identity;
            let mut proof = connection.device_proof(stolen, &persona.username, persona.mac)?;
            proof.device_id = identity.key().id();
            connection.send(Command::ProveDevice(proof)).await?;
        }
        Ok(connection.send(Command::Login(login)).await?)
    }

    async fn foreign_key(&self, login: Login, round: u32) -> anyhow::Result<Answer> {
        let mut connection = self.server.connect().await;
        let named = if round.is_multiple_of(2) { &self.alice } else { &self.mallory };
        let Persona { username, mac, .. } = &named.persona;
        let proof = connection.device_proof(&self.mallory.identity, username, *mac)?;
        connection.send(Command::ProveDevice(proof)).await?;
        Ok(connection.send(Command::Login(login)).await?)
    }

    async fn replay(&self, login: Login) -> anyhow::Result<Answer> {
        let Owner { persona, identity } = &self.alice;
        let (mut heard, mut other) = (self.server.connect().await, self.server.connect().await);
        let proof = heard.device_proof(identity, &persona.username, persona.mac)?;
        heard.send(Command::ProveDevice(proof.clone())).await?;
        other.send(Command::ProveDevice(proof)).await?;
        Ok(other.send(Command::Login(login)).await?)
    }

    async fn replay_by_certificate(&self, login: Login) -> anyhow::Result<Answer> {
        let server = self.server.server().address();
        let (mut heard, mut other) = (call(server).await?, call(server).await?);
        let proof = self.alice.prove_by_certificate(&mut heard, self.server.fingerprint()).await?;
        say(&mut heard, Command::ProveDevice(proof.clone())).await?;
        if self.defence == Defence::On {
            let used = Command::ConfirmTotp(self.alice.persona.confirm(self.server.now()));
            ensure!(say(&mut heard, used).await?.is_ok(), "the owner cannot use the proof");
        }
        ensure!(other.ask(HELLO).await?.is_ok(), "190 was refused");
        say(&mut other, Command::ProveDevice(proof)).await?;
        say(&mut other, Command::Login(login)).await
    }

    /// The server's answer to the owner, with and without an exporter in turn.
    async fn owner_login(&self, login: Login, round: u32) -> anyhow::Result<Answer> {
        if round.is_multiple_of(2) {
            let client = self.server.client().with_identity(Arc::clone(&self.alice.identity));
            return Ok(client.send_once(Command::Login(login)).await?);
        }
        let mut peer = call(self.server.server().address()).await?;
        let proof = self.alice.prove_by_certificate(&mut peer, self.server.fingerprint()).await?;
        say(&mut peer, Command::ProveDevice(proof)).await?;
        say(&mut peer, Command::Login(login)).await
    }
}

async fn call(address: SocketAddr) -> anyhow::Result<Peer> {
    Ok(Caller::new(address).open(Ipv4Addr::LOCALHOST).await?)
}

async fn say(peer: &mut Peer, command: Command) -> anyhow::Result<Answer> {
    Ok(peer.ask(command.to_json().expose()).await?)
}

impl Owner {
    /// Enrols a person and stores the key of their device with a first login.
    async fn enrol(server: &TestServer, name: &str) -> anyhow::Result<Self> {
        let persona = server.enrol(name, "obama.jpg").await;
        let identity = Arc::new(Identity::generate()?);
        let client = server.client().with_identity(Arc::clone(&identity));
        let first =
            persona.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
        let answer = client.send_once(Command::Login(first)).await?;
        ensure!(answer.is_ok(), "{name} did not get in: {answer:?}");
        Ok(Self { persona, identity })
    }

    /// The proof of a device without an exporter: it signs the certificate that it sees and the
    /// nonce of this connection.
    async fn prove_by_certificate(
        &self,
        peer: &mut Peer,
        shown: Fingerprint,
    ) -> anyhow::Result<ProveDevice> {
        let Persona { username, mac, .. } = &self.persona;
        let certificate = shown.to_string().replace(':', "");
        let certificate = HEXLOWER_PERMISSIVE.decode(certificate.as_bytes())?;
        let told = peer.ask(HELLO).await?.body.server.and_then(|server| server.device_nonce);
        let nonce = DeviceNonce::parse(&told.context("the server sent no nonce")?)?;
        let channel = [&certificate[..], nonce.as_bytes()].concat();
        Ok(ProveDevice::new(
            username.clone(),
            self.identity.key().id(),
            self.identity.sign(&message(&channel, username, *mac)),
        )
        .with(|proof| {
            proof.mac = Some(*mac);
            proof.binding = Binding::Certificate;
            proof.device_nonce = Some(nonce);
        }))
    }
}

impl Relay {
    /// Uses the certificate of another server, which has already stopped.
    async fn listen() -> anyhow::Result<Self> {
        let other = TestServer::start().await;
        let fingerprint = other.fingerprint();
        let folder = other.stop().await;
        let config = quick(folder.path());
        let certificate =
            Certificate::load(&config.certificate_file(), &config.private_key_file())?;
        let tls =
            TlsAcceptor::from(tls::server_config(certificate, TlsVersion::V1_3, &[frame::ALPN])?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { listener, tls, fingerprint })
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// A client that takes the relay for the server.
    fn client(&self) -> anyhow::Result<Client> {
        let address = ServerAddress::parse(&self.address()?.to_string())?;
        Ok(Client::new(address, Trust::Pin(self.fingerprint)))
    }

    /// Passes one victim's messages on to the server and the answers back. Returns the answers.
    async fn pass_on(&self, server: SocketAddr) -> anyhow::Result<Vec<Answer>> {
        let (socket, _) = self.listener.accept().await?;
        let mut victim = self.tls.accept(socket).await?;
        let (mut peer, mut decoder, mut heard) = (call(server).await?, Decoder::default(), vec![]);
        while let Some(payload) = next(&mut victim, &mut decoder).await? {
            peer.say(&payload).await?;
            let answer = peer.hear().await?;
            heard.push(Answer::from_json(&answer)?);
            victim.write_all(&framed(&answer)).await?;
            victim.flush().await?;
        }
        Ok(heard)
    }
}

/// The victim's next message, or `None` after its connection has ended in any way.
async fn next(
    victim: &mut TlsStream<TcpStream>,
    decoder: &mut Decoder,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(payload) = decoder.next_payload()? {
            return Ok(Some(payload.to_vec()));
        }
        match victim.read(&mut chunk).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(count) => decoder.push(&chunk[..count]),
        }
    }
}
