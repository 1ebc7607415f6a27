//! One source cannot block the compute pool for others.

use fourauth_config::ComputeConfig;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login},
    username::Username,
};
use fourauth_tests::{models::picture, raw::RawConnection, server::TestServer, with::With as _};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::task::JoinSet;

const GREEDY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

async fn log_in(from: Ipv4Addr, server: SocketAddr, login: Login) -> Answer {
    let mut connection = RawConnection::open_from(from, server).await;
    connection.send_payload(Command::Login(login).to_json().expose()).await;
    connection.answer().await.expect("an answer")
}

#[tokio::test]
async fn a_second_source_is_served_while_one_fills_the_queue() {
    let server = TestServer::configured(|config| {
        config.compute =
            ComputeConfig { threads: 1, queue: 8, queue_per_source: 8, ..config.compute.clone() };
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let address = server.server().address();
    let mut crowd = JoinSet::new();
    for index in 0..12 {
        let login = alice.login(server.now()).with(|login| {
            login.username = Username::parse(&format!("unknown-{index}")).unwrap();
            login.faces = vec![picture("obama2.jpg"); 5];
        });
        crowd.spawn(log_in(GREEDY, address, login));
    }
    while crowd.join_next().await.unwrap().unwrap().code != Code::Unavailable {}

    let answer = log_in(ELSEWHERE, address, alice.login(server.now())).await;
    assert_eq!(answer.code, Code::Ok, "{answer:?}");
    crowd.join_all().await;
}
