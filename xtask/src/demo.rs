//! `cargo xtask demo`: demonstrates a server in a temporary folder, through the programs that
//! people use.
//!
//! Each step states the expected answer, and the demo fails on any other. At the end the demo
//! searches the database and a trace log for secrets.

mod leaks;
mod server;
mod steps;

use crate::{
    binaries::{self, Binaries},
    models,
};
use server::DemoServer;
use std::{
    io::{self, BufRead as _},
    path::Path,
};
use steps::{Person, Steps};

/// What happens before the server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A person may visit the portal, until they press Enter.
    Visit,
    /// Nothing.
    Stop,
}

/// Builds the programs, installs the models and runs the demo.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let binaries = binaries::build(root)?;
    models::run(root, &binaries)?;
    demonstrate(root, &binaries, Ending::Visit)
}

/// Runs the demo with programs and models that are there. Fails at the first unexpected answer.
pub(crate) fn demonstrate(root: &Path, binaries: &Binaries, ending: Ending) -> anyhow::Result<()> {
    let models = models::folder(root);
    let server = DemoServer::start(binaries, &models.join("packs"))?;
    let mut steps = Steps::new(&server, &binaries.fourauth, models.join("faces"))?;

    println!("\nAn administrator registers alice from a photograph.");
    let mut alice = steps.register("alice", "obama.jpg")?;
    println!("\nAlice confirms her authenticator and logs in with another photograph.");
    steps.confirm(&alice)?;
    let spent = alice.phone.next();
    steps.login(&alice, &spent)?;

    println!("\nAny wrong factor is refused.");
    refusals(&mut steps, &alice, &spent)?;
    println!("\nEach factor is recovered by proving the others.");
    steps.recover_password(&mut alice, "amber-Fox-17")?;
    steps.recover_totp(&mut alice)?;
    steps.recover_face(&mut alice, "obama3.jpg")?;
    steps.recover_device(&mut alice, "00:1b:44:11:3a:c9")?;

    println!("\nAlice is told of each by mail, which goes to a folder in this demo.");
    for subject in server.subjects(6)? {
        println!("  {subject}");
    }

    println!("\nThe audit log has a row for each of these, newest first.");
    steps.audit()?;

    println!("\nThe administrator invites bob, and sends him a link.");
    let link = steps.invite("bob")?;
    let secrets = steps.secrets(&alice);
    if ending == Ending::Visit {
        visit(&server, &link)?;
    }
    let scratch = server.stop()?;
    leaks::search(scratch.path(), &secrets)?;
    println!("\nTo run the server, start `target/debug/fourauthd`; README.md describes the setup.");
    Ok(())
}

/// Waits until the person has seen the portal.
fn visit(server: &DemoServer, link: &str) -> anyhow::Result<()> {
    println!("\nThe portal runs at {}. The browser warns of its certificate,", server.portal);
    println!("which the demo has made. With a camera you can be bob:\n\n  {link}\n");
    println!("Press Enter to end the demo.");
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

fn refusals(steps: &mut Steps<'_>, alice: &Person, spent: &str) -> anyhow::Result<()> {
    let code = alice.phone.peek();
    let stranger = Person { face: "biden.jpg".into(), ..alice.clone() };
    steps.refused("another person", &stranger, &code, &[], "Face verification failed.")?;
    let wrong = alice.phone.wrong();
    steps.refused("a wrong code", alice, &wrong, &[], "TOTP verification failed.")?;
    steps.refused("the same code again", alice, spent, &[], "TOTP verification failed.")?;
    // The same device may show another address: its key decides.
    let copied = Person { key: alice.key.with_file_name("other.key"), ..alice.clone() };
    let elsewhere = Person { mac: "00:1b:44:11:3a:ff".into(), ..copied.clone() };
    steps.refused("another device", &elsewhere, &code, &[], "Unauthorized device.")?;
    let early = steps.five_minutes_ago()?;
    steps.refused("a copied address", &copied, &code, &[], "Unauthorized device.")?;
    let late = ["--timestamp", early.as_str()];
    steps.refused(
        "a clock five minutes off",
        alice,
        &code,
        &late,
        "Time out of allowed window.",
    )?;
    let unknown = Person { name: "mallory".into(), ..alice.clone() };
    steps.refused("an unknown user", &unknown, &code, &[], "Invalid username or password.")?;
    let wrong = Person { password: "violet-Ox-43".into(), ..alice.clone() };
    steps.refused("a wrong password", &wrong, &code, &[], "Invalid username or password.")
}
