# Mail und Textnachrichten an die Inhaber von Konten; siehe en.ftl.

greeting = Guten Tag { $user },

totp_replaced-subject = { $issuer }: Ihre Einmalcodes wurden ersetzt
totp_replaced-text = Die Einmalcodes Ihres Kontos { $user } beruhen auf einem neuen Schlüssel. Die alten Codes gelten nicht mehr.

totp_sent_again-subject = { $issuer }: der Schlüssel Ihrer Einmalcodes wurde erneut ausgegeben
totp_sent_again-text = Der jetzige Schlüssel der Einmalcodes Ihres Kontos { $user } wurde erneut ausgegeben.

password_replaced-subject = { $issuer }: Ihr Passwort wurde ersetzt
password_replaced-text = Das Passwort Ihres Kontos { $user } wurde ersetzt.

face_replaced-subject = { $issuer }: Ihr Gesicht wurde ersetzt
face_replaced-text = Das Gesicht, das Ihr Konto { $user } öffnet, wurde ersetzt.

face_enrolled-subject = { $issuer }: Ein Gesicht wurde registriert
face_enrolled-text = Für Ihr Konto { $user } wurde ein Gesicht registriert. Von jetzt an öffnet sich das Konto nur mit diesem Gesicht.

face_outdated-subject = { $issuer }: Gesicht neu registrieren
face_outdated-text = Eine Anmeldung an Ihrem Konto { $user } wurde abgelehnt, weil der Server ein neues Gesichtsmodell hat. Alles andere war richtig. Registrieren Sie Ihr Gesicht neu („recover face“).

authenticator_removed-subject = { $issuer }: Ihre Authenticator-App wurde entfernt
authenticator_removed-text = Die Administration hat die Authenticator-App Ihres Kontos { $user } entfernt. Deren Codes gelten nicht mehr. Bei der nächsten Anmeldung richten Sie eine neue ein.

face_removed-subject = { $issuer }: Ihr Gesicht wurde entfernt
face_removed-text = Die Administration hat das Gesicht Ihres Kontos { $user } entfernt, mit allem, was dazu gespeichert war. Auf der Seite Ihres Kontos können Sie es neu registrieren.

device_replaced-subject = { $issuer }: Ihr Gerät wurde ersetzt
device_replaced-text = Das Gerät Ihres Kontos { $user } wurde ersetzt.

device_bound-subject = { $issuer }: ein Gerät wurde hinzugefügt
device_bound-text = Das Gerät „{ $name }“ wurde zu Ihrem Konto { $user } hinzugefügt.

device_revoked-subject = { $issuer }: ein Gerät wurde gesperrt
device_revoked-text = Das Gerät „{ $name }“ Ihres Kontos { $user } wurde gesperrt.

device_asked-subject = { $issuer }: ein Browser möchte hinzugefügt werden
device_asked-text = Der Browser „{ $name }“ möchte ein Gerät Ihres Kontos { $user } werden. Passwort, Code und Gesicht waren richtig. Eines Ihrer Geräte muss ihn auf der Seite „Ihr Konto“ innerhalb von zehn Minuten bestätigen.

login_with_settling_factor-subject = { $issuer }: eine Anmeldung mit kürzlich geänderten Daten
login_with_settling_factor-text = Eine Anmeldung an Ihrem Konto { $user } verwendete, was kürzlich von einem unbekannten Gerät aus geändert wurde: { $factors }.

password_used_elsewhere-subject = { $issuer }: Ihr Passwort ist anderswo bekannt
password_used_elsewhere-text = Eine Anmeldung an Ihrem Konto { $user } wurde abgelehnt. Das Passwort war richtig, ein anderer Teil war falsch.

passcode-subject = { $issuer }: Ihr Passcode
passcode-text = Der Passcode für Ihr Konto { $user } lautet { $code }. Er gilt einmal, bis { $until }.

reset_code-subject = { $issuer }: der Code für ein neues Passwort
reset_code-text = Der Code für ein neues Passwort Ihres Kontos { $user } lautet { $code }. Er gilt einmal, bis { $until }.

factor-password = Passwort
factor-totp = Einmalcodes
factor-face = Gesicht
factor-device = Gerät
separator = {", "}

label-when = Zeit
label-settles = Zählt voll ab
label-from = Adresse
label-gateway = Über
label-device = Gerät
label-request = Vorgang

device-key = { $name }
device-address = ohne Geräteschlüssel
device-unproven = mit einem ungültigen Gerätenachweis

advice-change = Wenn Sie das waren, ist nichts zu tun. Wenn nicht, melden Sie es sofort Ihrer Administration und nennen Sie den Vorgang.
advice-attempt = Wenn Sie das waren, ist nichts zu tun. Wenn nicht, ändern Sie sofort Ihr Passwort und melden Sie es Ihrer Administration.
advice-asked = Wenn Sie das waren, vergleichen Sie die Zahl auf beiden Seiten, bevor Sie bestätigen. Wenn nicht, lehnen Sie die Anfrage ab, ändern Sie sofort Ihr Passwort und melden Sie es Ihrer Administration.
advice-enrol = Wenn Sie das waren, registrieren Sie Ihr Gesicht neu. Wenn nicht, ändern Sie sofort Ihr Passwort und melden Sie es Ihrer Administration.
advice-passcode = Wenn Sie ihn nicht angefordert haben, kennt jemand Ihr Passwort: Ändern Sie es sofort, und melden Sie es Ihrer Administration. Geben Sie diesen Passcode niemandem weiter.
advice-reset = Die Anfrage kam von der oben genannten Adresse. Wenn das nicht Sie waren, ist nichts zu tun: Ohne diesen Code bleibt Ihr Passwort, wie es ist. Geben Sie ihn niemandem weiter. Wenn weitere solche Nachrichten kommen, melden Sie es Ihrer Administration.

footer = { $issuer } hat diese Nachricht automatisch gesendet. Darin wird nie nach einem Passwort oder einem Code gefragt.

sms = { $issuer }: { $text } { $when }, { $peer }.
