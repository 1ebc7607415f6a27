//! The system with codes by text message, where people are known by their telephone numbers.

use super::{
    House, PASSWORD, StatusCode, json,
    otp::{NEW_PASSWORD, PHONE, login, registered},
    said,
};
use fourauth_tests::{mailbox::reset_code_in, sms_provider::Text};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_from_a_text_message_resets_the_password() {
    let (house, provider) = House::with_sms().await;
    registered(&house).await;
    let sent = house.post("/forgot-password", &json!({ "identifier": PHONE })).await;
    assert_eq!(sent, (StatusCode::OK, said("OTP sent successfully")));
    let read =
        |text: &Text| (text["To"] == PHONE).then(|| reset_code_in(&text["Body"], "alice"))?;
    let code = provider.first(read).await;
    let validate = json!({ "identifier": PHONE, "otp": code.as_str() });
    let (status, answer) = house.post("/validate-otp", &validate).await;
    let verified = json!("OTP verified. Proceed to reset password.");
    assert_eq!((status, &answer["message"]), (StatusCode::OK, &verified));
    let reset = json!({ "identifier": PHONE, "new_password": NEW_PASSWORD });
    let done = house.post("/reset-password", &reset).await;
    assert_eq!(done, (StatusCode::OK, said("Password reset successful")));

    let old = house.post("/login", &login(PHONE, PASSWORD)).await;
    assert_eq!(old.0, StatusCode::BAD_REQUEST, "{old:?}");
    let new = house.post("/login", &login(PHONE, NEW_PASSWORD)).await;
    assert_eq!(new, (StatusCode::OK, said("Login successful")));
}
