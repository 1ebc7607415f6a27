//! Recovery codes, and the replacement of a device.

use crate::{
    desk::{Desk, MAC},
    server::Server,
};
use fourauth_cli::exit::Exit;
use serde_json::{Value, json};

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok"}"#;
/// The answer of a server that requires recovery codes, to a greeting and to everything else.
const STRICT: &str = r#"{"status":"ok","message":"Done.","code":"ok","server":{"protocol":1,
    "software":"s","max_frame":1,"max_frame_without_picture":1,"pictures_at_enrolment":5,
    "pictures_at_login":3,"max_skew_seconds":120,"server_ts_utc":"2025-03-01T12:00:00Z",
    "time":"synced","requires":["recovery_code"]}}"#;
const REGISTERED: &str = r#"{"status":"ok","message":"Registered.","code":"ok",
    "provisioning_uri":"otpauth://totp/4Auth:alice?secret=JBSWY3DPEHPK3PXP&issuer=4Auth",
    "recovery_codes":["7K3M-9QXT-0B5H-WZ2D","00H0-M6F4-SADC-G0YZ"]}"#;

const FACTORS: &str = "--username alice --password-file @password --totp-file @totp --face @a.png";
const OTHER: &str = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const OTHER_MAC: &str = "02:00:00:00:00:01";

async fn sent(line: &str) -> Value {
    let server = Server::start(YES).await;
    let printed = Desk::new().asks(&server, line).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    server.request()
}

#[tokio::test]
async fn the_recovery_codes_of_a_new_account_are_shown() {
    let server = Server::start(REGISTERED).await;
    let line = format!("register {FACTORS} --admin-secret-file @admin");
    let printed = Desk::new().asks(&server, &line).await;
    for expected in ["7K3M-9QXT-0B5H-WZ2D", "00H0-M6F4-SADC-G0YZ", "not shown again"] {
        assert!(printed.output.contains(expected), "{}", printed.output);
    }
    let printed = Desk::new().asks(&server, &format!("{line} --output json")).await;
    let answer: Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!(answer["recovery_codes"][1], "00H0-M6F4-SADC-G0YZ");
}

#[tokio::test]
async fn a_small_screen_shows_the_qr_code_then_the_codes() {
    let uri = "otpauth://totp/4Auth-Authentication:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\
        &issuer=4Auth-Authentication&algorithm=SHA1&digits=6&period=30";
    let answer =
        REGISTERED.replace("otpauth://totp/4Auth:alice?secret=JBSWY3DPEHPK3PXP&issuer=4Auth", uri);
    let server = Server::start(answer.leak()).await;
    let line = format!("register {FACTORS} --admin-secret-file @admin");
    let printed = Desk::new().asks(&server, &line).await;
    let pages: Vec<_> = printed.output.split('\x0c').collect();
    let [first, second, _] = pages.as_slice() else { panic!("{}", printed.output) };
    // With the prompt in the last row, a terminal of 24 rows shows the last 23 lines.
    let lines: Vec<_> = first.lines().collect();
    let drawn = lines.iter().filter(|line| line.contains(['█', '▀'])).count();
    let visible = &lines[lines.len().saturating_sub(23)..];
    let shown = visible.iter().filter(|line| line.contains(['█', '▀'])).count();
    assert!(drawn > 15 && shown == drawn, "{shown} of {drawn} rows:\n{first}");
    assert!(first.contains(uri) && !first.contains("7K3M-9QXT-0B5H-WZ2D"));
    assert!(second.contains("7K3M-9QXT-0B5H-WZ2D") && second.lines().count() < 24);
}

#[tokio::test]
async fn a_recovery_code_is_sent_with_every_recovery() {
    for factor in ["totp", "password", "face", "device"] {
        let server = Server::start(YES).await;
        let mut desk = Desk::new();
        desk.put("code", b"7k3m 9qxt 0b5h wz2d\n");
        let line = format!(
            "recover {factor} {FACTORS} --new-password-file @new-password --recovery-code-file @code"
        );
        assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
        assert_eq!(server.request()["recovery_code"], "7K3M-9QXT-0B5H-WZ2D", "{factor}");
    }
}

#[tokio::test]
async fn a_recovery_code_is_asked_for_if_the_server_requires_it() {
    let server = Server::start(STRICT).await;
    let mut desk = Desk::new();
    desk.replies.0.push_back("7k3m9qxt0b5hwz2d");
    let line = format!("recover face {FACTORS}");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    assert_eq!(server.request()["recovery_code"], "7K3M-9QXT-0B5H-WZ2D");

    let printed = desk.asks(&server, &line).await; // No replies are left.
    assert_eq!(printed.exit, Exit::Usage);
    assert!(printed.notes.contains("Recovery code"), "{}", printed.notes);
    assert_eq!(sent(&line).await.get("recovery_code"), None);
}

#[tokio::test]
async fn a_typing_error_in_a_code_uses_up_no_attempt() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    desk.put("code", b"7k3m 9qxt\n");
    let line = format!("recover face {FACTORS} --recovery-code-file @code");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Usage);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_recovery_code_is_read_before_the_one_time_code() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    desk.input = b"Tr0ub4dor&3\n7K3M-9QXT-0B5H-WZ2D\n287082\n".to_vec();
    let line = "recover face --username alice --face @a.png --totp-file - \
        --recovery-code-file - --password-file -";
    assert_eq!(desk.asks(&server, line).await.exit, Exit::Ok);
    let request = server.request();
    assert_eq!(request["totp"], "287082");
    assert_eq!(request["recovery_code"], "7K3M-9QXT-0B5H-WZ2D");
}

#[tokio::test]
async fn this_device_replaces_another_with_its_own_key() {
    let request = sent(&format!("recover device {FACTORS} --old-mac {OTHER_MAC}")).await;
    assert_eq!((&request["mac"], &request["new_mac"]), (&json!(OTHER_MAC), &json!(MAC)));
    assert!(request["new_device_pubkey"].as_str().unwrap().starts_with("ed25519:"));
    assert_eq!(request["device_name"], "desk");
}

#[tokio::test]
async fn another_device_is_not_bound_to_this_ones_key() {
    let line = format!("recover device {FACTORS} --mac {OTHER_MAC}");
    let request = sent(&line).await;
    assert_eq!(request["new_mac"], OTHER_MAC);
    assert_eq!((request.get("new_device_pubkey"), request.get("device_name")), (None, None));

    let request = sent(&format!("{line} --device-pubkey {OTHER} --device-name phone")).await;
    assert_eq!(
        (&request["new_device_pubkey"], &request["device_name"]),
        (&json!(OTHER), &json!("phone"))
    );
}

#[tokio::test]
async fn replacing_a_device_by_a_third_one_needs_a_proof() {
    let server = Server::start(YES).await;
    let line = format!("recover device {FACTORS} --mac {OTHER_MAC} --device-pubkey {OTHER}");
    assert_eq!(Desk::new().asks(&server, &line).await.exit, Exit::Ok);
    let requests = server.requests();
    assert_eq!(requests.len(), 3); // A greeting, one proof, and the command.
    assert_eq!((&requests[1]["cmd"], &requests[1]["mac"]), (&json!("150"), &json!(MAC)));
}

#[tokio::test]
async fn a_denied_recovery_says_what_to_do() {
    for (answer, advice, exit) in [
        (
            r#"{"status":"error","message":"Key.","code":"device_key_needed"}"#,
            "--device-pubkey",
            Exit::MoreNeeded,
        ),
        (
            r#"{"status":"error","message":"","code":"cooling_down","retry_after_ms":86400000}"#,
            "Try again in 24 h.",
            Exit::TryLater,
        ),
    ] {
        let server = Server::start(answer).await;
        let line = format!("recover device {FACTORS} --recovery-code-file @code");
        let mut desk = Desk::new();
        desk.put("code", b"7K3M-9QXT-0B5H-WZ2D\n");
        let printed = desk.asks(&server, &line).await;
        assert_eq!(printed.exit, exit);
        assert!(printed.notes.contains(advice), "{}", printed.notes);
    }
}

/// A server that needs a challenge for recoveries, and draws two steps.
const CHALLENGING: &str = r#"{"status":"ok","message":"Done.","code":"ok","server":{"protocol":1,
    "software":"fourauth","max_frame":4194304,"max_frame_without_picture":65536,
    "pictures_at_enrolment":5,"pictures_at_login":3,"max_skew_seconds":120,
    "server_ts_utc":"2025-03-01T12:00:00Z","time":"synced","requires":[],
    "face_challenge":"recovery"},
    "challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","steps":["left","mouth"]}"#;

const FRAMES: &str = "@a.png @b.png @b.png @a.png @a.png";

#[tokio::test]
async fn a_recovery_answers_a_challenge_with_the_files_of_its_frames() {
    for factor in ["totp", "password", "device"] {
        let server = Server::start(CHALLENGING).await;
        let mut desk = Desk::new();
        let factors = FACTORS.replace("@a.png", FRAMES);
        let line = format!("recover {factor} {factors} --new-password-file @new-password");
        let printed = desk.asks(&server, &line).await;
        assert_eq!(printed.exit, Exit::Ok, "{}", printed.notes);
        let requests = server.requests();
        let of = |cmd: &str| requests.iter().position(|request| request["cmd"] == cmd).unwrap();
        let (begin, recover) = (&requests[of("154")], requests.last().unwrap());
        assert_eq!((&begin["cmd"], &begin["username"]), (&"154".into(), &"alice".into()));
        assert_eq!(recover["challenge"]["frames"].as_array().unwrap().len(), 5, "{factor}");
        let id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(recover["challenge"]["id"], id);
        assert_eq!(recover.get("faceID"), None);
    }
}

#[tokio::test]
async fn a_wrong_number_of_frames_is_not_sent() {
    let server = Server::start(CHALLENGING).await;
    let mut desk = Desk::new();
    let printed = desk.asks(&server, &format!("recover totp {FACTORS}")).await;
    assert_eq!(printed.exit, Exit::Usage);
    for words in ["YOUR left. Open your mouth wide. Give 5 files", "30 s"] {
        assert!(printed.notes.contains(words), "{}", printed.notes);
    }
    assert_eq!(server.request()["cmd"], "154", "the recovery was sent");
}

#[tokio::test]
async fn programs_get_the_steps_of_a_challenge() {
    let server = Server::start(CHALLENGING).await;
    let line = format!("recover totp {FACTORS} --output json");
    let printed = Desk::new().asks(&server, &line).await;
    let failure: Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!(failure["steps"], json!(["left", "mouth"]));
}

#[tokio::test]
async fn without_a_camera_no_secret_is_asked_for() {
    let server = Server::start(CHALLENGING).await;
    let mut desk = Desk::new();
    let printed =
        desk.asks(&server, "recover totp --username alice --camera /dev/video-none").await;
    assert_eq!(printed.exit, Exit::LocalDevice, "{printed:?}");
    for words in ["this needs a camera", "no camera at /dev/video-none", "ask the operator"] {
        assert!(printed.notes.contains(words), "{}", printed.notes);
    }
    // The control: a login needs no challenge here, so pictures from files will do.
    let printed = desk.asks(&server, "login --username alice --camera /dev/video-none").await;
    assert!(printed.notes.contains("use --face FILE"), "{}", printed.notes);
    assert!(!printed.notes.contains("Password"), "{}", printed.notes);

    desk.replies.0.extend(["3", "1", "1", "9"]);
    let printed = desk.asks(&server, "--username alice --camera /dev/video-none").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(printed.notes.contains("this needs a camera"), "{}", printed.notes);
    assert!(!printed.notes.contains("--face"), "the menu takes no options: {}", printed.notes);
}

#[tokio::test]
async fn a_face_of_another_model_is_enrolled_again() {
    let server = Server::start(
        r#"{"status":"error","message":"Enrol your face again.","code":"more_needed",
            "missing":["face"]}"#,
    )
    .await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS}")).await;
    assert_eq!(printed.exit, Exit::MoreNeeded);
    assert!(printed.notes.contains("`fourauth recover face`: it takes five pictures"));
    assert!(printed.notes.contains("was not spent"));
    for other in ["lower level", "`fourauth login`", "Not proved"] {
        assert!(!printed.notes.contains(other), "{}", printed.notes);
    }
}

#[tokio::test]
async fn a_wait_is_said_once() {
    let server = Server::start(
        r#"{"status":"error","message":"Too many attempts. Try again later.","code":"throttled",
            "retry_after_ms":900}"#,
    )
    .await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS}")).await;
    assert_eq!(printed.notes, "Too many attempts.\nTry again in 1 s.\n");
}

#[tokio::test]
async fn pictures_that_did_not_count_are_named() {
    let server = Server::start(
        r#"{"status":"ok","message":"Done.","code":"ok","face_quality":{"pictures":1,"recommended":5}}"#,
    )
    .await;
    let line = format!("recover face {}", FACTORS.replace("@a.png", "@a.png @b.png @a.png"));
    let printed = Desk::new().asks(&server, &line).await;
    assert!(printed.output.contains("from 1 picture; 2 of 3 did not count"), "{}", printed.output);
}

#[tokio::test]
async fn a_new_face_and_a_login_need_no_challenge_for_recoveries() {
    for line in [format!("recover face {FACTORS}"), format!("login {FACTORS}")] {
        let server = Server::start(CHALLENGING).await;
        let printed = Desk::new().asks(&server, &line).await;
        assert_eq!(printed.exit, Exit::Ok, "{}", printed.notes);
        assert!(server.requests().iter().all(|request| request["cmd"] != "154"));
    }
}
