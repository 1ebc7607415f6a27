//! Pickled answers, read by Python.

use super::{House, MAC, PASSWORD, request};
use data_encoding::HEXLOWER;
use fourauth_server::text::pickle;
use fourauth_tests::{python, text_client::TextClient};
use std::process::Command;

/// For each pickle: the text that Python reads from it as hexadecimal digits of UTF-8, and true if
/// Python writes the same pickle.
const PROGRAM: &str = "
import pickle, sys
for written in map(bytes.fromhex, sys.argv[1:]):
    text = pickle.loads(written)
    assert type(text) is str
    print(text.encode().hex(), pickle.dumps(text, protocol=4) == written)
";

/// What Python reads from these pickles.
fn read(pickles: &[Vec<u8>]) -> Vec<String> {
    let mut command = Command::new("python3");
    command.args(["-c", PROGRAM]).args(pickles.iter().map(|pickle| HEXLOWER.encode(pickle)));
    let said = python::said(&mut command);
    let lines = said.lines().map(|line| line.split_once(' ').unwrap());
    lines
        .map(|(text, is_same)| {
            assert_eq!(is_same, "True", "Python writes another pickle");
            String::from_utf8(HEXLOWER.decode(text.as_bytes()).unwrap()).unwrap()
        })
        .collect()
}

#[test]
fn python_reads_each_pickle_and_would_write_the_same() {
    let texts = [
        String::new(),
        "False".to_owned(),
        "renew|𝔄𝔴𝔣𝔢𝔯_𝔥𝔢𝔩𝔩𝔴𝔞𝔩𝔩_x".to_owned(),
        "x".repeat(255),
        "x".repeat(256),
        "é".repeat(128),
        "𝔄".repeat(1000),
    ];
    let pickles: Vec<_> = texts.iter().map(|text| pickle::dumps(text)).collect();
    assert_eq!(read(&pickles), texts);
}

#[tokio::test]
async fn every_answer_is_pickled_if_that_is_switched_on() {
    let house = House::with_alice(|config| config.compat.pickle_replies = true, PASSWORD).await;
    let mut answers = Vec::new();
    for line in ["no-message\n".to_owned(), request(PASSWORD) + "\n", format!("x|{MAC}|read\n")] {
        let mut client = TextClient::open(house.passcodes()).await;
        client.send(line.as_bytes()).await.unwrap();
        answers.push(client.rest().await.unwrap());
    }
    assert_eq!(read(&answers), ["False", "Passcode is sent", "unauthorized"]);
}
