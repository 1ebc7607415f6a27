//! Gateways: names and keys are unique, and a removed one is gone.

use super::fixture::{Database, NOW};
use fourauth_protocol::{device::DeviceKey, gateway::GatewayName};
use fourauth_store::{Error, Gateway, Store};

on_both_databases![a_gateway_has_one_name_and_one_key, a_removed_gateway_is_unknown];

fn gateway(name: &str, key: u8) -> Gateway {
    let key = DeviceKey::from_bytes([key; 32]).unwrap();
    Gateway { name: GatewayName::parse(name).unwrap(), key, added_at: NOW }
}

async fn add(store: &Store, gateway: Gateway) -> bool {
    let added: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.add_gateway(&gateway).await })).await;
    added.unwrap()
}

async fn remove(store: &Store, name: &str) -> bool {
    let name = GatewayName::parse(name).unwrap();
    let removed: Result<bool, Error> =
        store.write(move |tx| Box::pin(async move { tx.remove_gateway(&name).await })).await;
    removed.unwrap()
}

async fn a_gateway_has_one_name_and_one_key(database: Database) {
    let store = database.open().await;
    assert!(add(&store, gateway("portal", 7)).await);
    assert!(!add(&store, gateway("portal", 8)).await, "the name is taken");
    assert!(!add(&store, gateway("other", 7)).await, "the key is taken");
    assert!(add(&store, gateway("dmz", 8)).await);
    assert_eq!(store.gateways().await.unwrap(), [gateway("dmz", 8), gateway("portal", 7)]);
}

async fn a_removed_gateway_is_unknown(database: Database) {
    let store = database.open().await;
    assert!(add(&store, gateway("portal", 7)).await);
    let found = store.gateway(&gateway("portal", 7).name).await.unwrap();
    assert_eq!(found, Some(gateway("portal", 7)));
    assert!(remove(&store, "portal").await);
    assert!(!remove(&store, "portal").await);
    assert_eq!(store.gateway(&gateway("portal", 7).name).await.unwrap(), None);
    assert!(add(&store, gateway("portal", 8)).await);
}
