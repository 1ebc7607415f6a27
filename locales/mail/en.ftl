# Mail and text messages to the owners of accounts. For each event: a subject, and a sentence that the mail begins with
# and the text message consists of. A subject must be short and must not repeat text from a peer.

greeting = Hello { $user },

totp_replaced-subject = { $issuer }: your one-time codes were replaced
totp_replaced-text = The one-time codes of your account { $user } come from a new secret. Codes of the old one no longer work.

totp_sent_again-subject = { $issuer }: the secret of your one-time codes was sent again
totp_sent_again-text = The present secret of the one-time codes of your account { $user } was sent again.

password_replaced-subject = { $issuer }: your password was replaced
password_replaced-text = The password of your account { $user } was replaced.

face_replaced-subject = { $issuer }: your face was replaced
face_replaced-text = The face that opens your account { $user } was replaced.

face_enrolled-subject = { $issuer }: a face was enrolled
face_enrolled-text = A face was enrolled for your account { $user }. From now on the account opens only with this face.

face_outdated-subject = { $issuer }: enrol your face again
face_outdated-text = A login to your account { $user } was refused, because the server has a new face model. The login had everything else right. Enrol your face again with “recover face”.

authenticator_removed-subject = { $issuer }: your authenticator was removed
authenticator_removed-text = An administrator removed the authenticator of your account { $user }. Its codes are not valid any more. You set up a new one when you sign in again.

face_removed-subject = { $issuer }: your face was removed
face_removed-text = An administrator removed the face of your account { $user }, with everything that was stored for it. You can enrol it again on the page of your account.

device_replaced-subject = { $issuer }: your device was replaced
device_replaced-text = The device of your account { $user } was replaced.

device_bound-subject = { $issuer }: a device was added
device_bound-text = The device “{ $name }” was added to your account { $user }.

device_revoked-subject = { $issuer }: a device was revoked
device_revoked-text = The device “{ $name }” of your account { $user } was revoked.

device_asked-subject = { $issuer }: a browser asks to be added
device_asked-text = The browser “{ $name }” asks to become a device of your account { $user }. It had the password, a code and the face right. One of your devices has to confirm it, on the page “Your account”, within ten minutes.

login_with_settling_factor-subject = { $issuer }: a login with recently changed data
login_with_settling_factor-text = A login to your account { $user } used what was changed recently from an unknown device: { $factors }.

password_used_elsewhere-subject = { $issuer }: your password is known elsewhere
password_used_elsewhere-text = A login to your account { $user } was refused. It had the right password, but another part was wrong.

passcode-subject = { $issuer }: your passcode
passcode-text = The passcode for your account { $user } is { $code }. It works once, until { $until }.

reset_code-subject = { $issuer }: the code for a new password
reset_code-text = The code for a new password of your account { $user } is { $code }. It works once, until { $until }.

factor-password = password
factor-totp = one-time codes
factor-face = face
factor-device = device
separator = {", "}

label-when = Time
label-settles = Counts fully from
label-from = Address
label-gateway = Through
label-device = Device
label-request = Request

device-key = { $name }
device-address = without a device key
device-unproven = with a device proof that does not hold

advice-change = If this was you, there is nothing to do. If not, tell your administrator now, and give the request above.
advice-attempt = If this was you, there is nothing to do. If not, change your password now, and tell your administrator.
advice-asked = If this was you, compare the number that both pages show before you confirm it. If not, refuse the request, change your password now, and tell your administrator.
advice-enrol = If this was you, enrol your face again. If not, change your password now, and tell your administrator.
advice-passcode = If you did not ask for it, someone knows your password: change it now, and tell your administrator. Never tell anyone this passcode.
advice-reset = The request came from the address above. If it was not yours, do nothing: without this code, your password stays as it is. Never tell anyone this code. If more of these messages come, tell your administrator.

footer = { $issuer } sent this message automatically. It never asks for a password or a code.

sms = { $issuer }: { $text } { $when }, { $peer }.
