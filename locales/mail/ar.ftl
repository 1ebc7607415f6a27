# رسائل البريد والرسائل النصية إلى أصحاب الحسابات؛ انظر en.ftl.

greeting = مرحبًا { $user }،

totp_replaced-subject = { $issuer }: تم استبدال رموزك لمرة واحدة
totp_replaced-text = تستند الرموز لمرة واحدة لحسابك { $user } إلى مفتاح جديد. لم تعد الرموز القديمة صالحة.

totp_sent_again-subject = { $issuer }: أُرسل مفتاح رموزك لمرة واحدة مجددًا
totp_sent_again-text = أُرسل المفتاح الحالي للرموز لمرة واحدة لحسابك { $user } مجددًا.

password_replaced-subject = { $issuer }: تم استبدال كلمة مرورك
password_replaced-text = تم استبدال كلمة مرور حسابك { $user }.

face_replaced-subject = { $issuer }: تم استبدال صورة وجهك
face_replaced-text = تم استبدال الوجه الذي يفتح حسابك { $user }.

face_enrolled-subject = { $issuer }: تم تسجيل وجه
face_enrolled-text = تم تسجيل وجه لحسابك { $user }. من الآن لا يُفتح الحساب إلا بهذا الوجه.

face_outdated-subject = { $issuer }: سجّل وجهك من جديد
face_outdated-text = رُفض تسجيل دخول إلى حسابك { $user } لأن للخادم نموذج وجوه جديدًا. كان كل شيء آخر صحيحًا. سجّل وجهك من جديد بالأمر «recover face».

authenticator_removed-subject = { $issuer }: تمت إزالة تطبيق المصادقة
authenticator_removed-text = أزال أحد المسؤولين تطبيق المصادقة من حسابك { $user }. لم تعد رموزه صالحة. ستُعِدّ تطبيقًا جديدًا عند تسجيل الدخول التالي.

face_removed-subject = { $issuer }: تمت إزالة وجهك
face_removed-text = أزال أحد المسؤولين الوجه المسجَّل لحسابك { $user } وكل ما كان محفوظًا عنه. يمكنك تسجيله من جديد في صفحة حسابك.

device_replaced-subject = { $issuer }: تم استبدال جهازك
device_replaced-text = تم استبدال جهاز حسابك { $user }.

device_bound-subject = { $issuer }: تمت إضافة جهاز
device_bound-text = تمت إضافة الجهاز «{ $name }» إلى حسابك { $user }.

device_revoked-subject = { $issuer }: تم إلغاء جهاز
device_revoked-text = تم إلغاء الجهاز «{ $name }» من حسابك { $user }.

device_asked-subject = { $issuer }: متصفح يطلب إضافته
device_asked-text = يطلب المتصفح «{ $name }» أن يصبح جهازًا لحسابك { $user }. كانت كلمة المرور والرمز والوجه صحيحة. يجب أن يؤكّده أحد أجهزتك في صفحة «حسابك» خلال عشر دقائق.

login_with_settling_factor-subject = { $issuer }: تسجيل دخول ببيانات غُيّرت حديثًا
login_with_settling_factor-text = استُخدم في تسجيل الدخول إلى حسابك { $user } ما غُيّر حديثًا من جهاز غير معروف: { $factors }.

password_used_elsewhere-subject = { $issuer }: كلمة مرورك معروفة في مكان آخر
password_used_elsewhere-text = رُفض تسجيل دخول إلى حسابك { $user }. كانت كلمة المرور صحيحة، لكن جزءًا آخر كان خاطئًا.

passcode-subject = { $issuer }: رمز المرور الخاص بك
passcode-text = رمز المرور لحسابك { $user } هو { $code }. يعمل مرة واحدة، حتى { $until }.

reset_code-subject = { $issuer }: رمز لكلمة مرور جديدة
reset_code-text = رمز كلمة المرور الجديدة لحسابك { $user } هو { $code }. يعمل مرة واحدة، حتى { $until }.

factor-password = كلمة المرور
factor-totp = الرموز لمرة واحدة
factor-face = الوجه
factor-device = الجهاز
separator = {"، "}

label-when = الوقت
label-settles = يُحتسب كاملًا من
label-from = العنوان
label-gateway = عبر
label-device = الجهاز
label-request = الطلب

device-key = { $name }
device-address = بلا مفتاح جهاز
device-unproven = بإثبات جهاز غير صالح

advice-change = إذا كنت أنت من فعل ذلك فلا داعي لأي إجراء. وإلا فأبلغ المسؤول فورًا واذكر الطلب أعلاه.
advice-attempt = إذا كنت أنت من فعل ذلك فلا داعي لأي إجراء. وإلا فغيّر كلمة مرورك فورًا وأبلغ المسؤول.
advice-asked = إذا كنت أنت من طلب ذلك فقارن الرقم الذي تعرضه الصفحتان قبل التأكيد. وإلا فارفض الطلب وغيّر كلمة مرورك فورًا وأبلغ المسؤول.
advice-enrol = إذا كنت أنت من فعل ذلك فسجّل وجهك من جديد. وإلا فغيّر كلمة مرورك فورًا وأبلغ المسؤول.
advice-passcode = إذا لم تطلبه فإن أحدًا يعرف كلمة مرورك: غيّرها فورًا وأبلغ المسؤول. لا تُعطِ رمز المرور هذا لأحد.
advice-reset = جاء الطلب من العنوان المذكور أعلاه. إذا لم يكن طلبك فلا داعي لأي إجراء: تبقى كلمة مرورك كما هي من دون هذا الرمز. لا تُعطِ هذا الرمز لأحد. وإذا وصلت رسائل أخرى من هذا النوع فأبلغ المسؤول.

footer = أرسل { $issuer } هذه الرسالة تلقائيًا. لا تُطلب فيها أبدًا كلمة مرور أو رمز.

sms = { $issuer }: { $text } { $when }، { $peer }.
