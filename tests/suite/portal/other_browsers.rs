//! The key of a browser in Firefox and `WebKitGTK`.

use super::Portal;
use fourauth_factors::device;
use fourauth_protocol::{
    device::{DeviceKey, DeviceNonce, DeviceSignature, message, origin_channel},
    mac_address::MacAddress,
    username::Username,
};
use fourauth_tests::remote_browser::{Firefox, WebKit};
use serde_json::{Value, json};

/// Proves the key as the pages do, for an account and a nonce.
const PROVE: &str = "const [username, nonce, done] = arguments;
    import('/assets/device.js').then(({ deviceProof }) => deviceProof(username, nonce))
        .then(done, (error) => done(String(error)));";

/// A nonce of 32 equal bytes, in base64.
fn nonce(byte: u8) -> DeviceNonce {
    DeviceNonce::from_bytes([byte; 32])
}

fn question(nonce: DeviceNonce) -> Value {
    json!(["alice", nonce.to_string()])
}

impl Portal {
    /// Checks a proof as the server does, and returns the key.
    fn key_of(&self, proof: &Value, nonce: DeviceNonce) -> DeviceKey {
        let text = |field: &str| proof[field].as_str().unwrap_or_else(|| panic!("{proof}"));
        let key = DeviceKey::parse(text("key")).unwrap();
        let mac = MacAddress::parse(text("mac")).unwrap();
        let signature = DeviceSignature::parse(text("signature")).unwrap();
        assert_eq!(mac, key.label());
        let alice = Username::parse("alice").unwrap();
        let signed = message(&origin_channel(&self.origin, &nonce), &alice, mac);
        assert!(device::is_signed(&key, &signed, &signature), "{proof}");
        let elsewhere = message(&origin_channel("https://localhost:1", &nonce), &alice, mac);
        assert!(!device::is_signed(&key, &elsewhere, &signature), "{proof}");
        key
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_keeps_its_key_over_a_restart() {
    let portal = Portal::open().await;
    let profile = portal.folder.path().join("firefox");
    let mut keys = Vec::new();
    for visit in 1..=2 {
        let mut firefox = Firefox::launch(&profile).await;
        firefox.go(&portal.url("/sign-in"));
        let proof = firefox.run(PROVE, &question(nonce(visit)));
        assert!(proof["name"].as_str().unwrap().starts_with("Firefox"), "{proof}");
        keys.push(portal.key_of(&proof, nonce(visit)));
        firefox.close();
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn webkit_keeps_its_key_from_page_to_page() {
    let portal = Portal::open().await;
    let webkit = WebKit::launch().await;
    let mut keys = Vec::new();
    for (visit, path) in [(1, "/sign-in"), (2, "/sign-up")] {
        webkit.go(&portal.url(path)).await;
        let proof = webkit.run(PROVE, &question(nonce(visit))).await;
        keys.push(portal.key_of(&proof, nonce(visit)));
    }
    webkit.close().await;
    assert_eq!(keys[0], keys[1]);
}
