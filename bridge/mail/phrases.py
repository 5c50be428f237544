"""What mail programs write around an earlier mail, by language; regular expressions, in lower case."""

from __future__ import annotations

WROTE = (
    *(r"a\s+écrit", r"avez\s+écrit", "wrote", "schrieb", "geschrieben", "schreef", "geschreven"),
    *("escribi[óo]", "escreveu", "ha scritto", "scrisse", r"skrev(?:\s+følgende)?", "kirjoitti", "írta"),
    *(r"napisał\s?\(?a?\)?", r"napsala?\(?a?\)?", "a scris", "yazdı", "έγραψε", r"написал\(?а?\)?", "пишет"),
    *("đã viết", "写道", "のメール", "님이 작성", "كتب"),
)
"""Ends « on this date this person wrote: »."""

WROTE_BEFORE = (
    *(
        "schrieb",
        "schreef",
        "skrev",
        "escribi[óo]",
        "escreveu",
        "scrisse",
        "ha scritto",
        "wrote",
        "kirjoitti",
    ),
    r"napisał(?:\(a\))?",
)
"""Stands before the name in some languages."""

LABELS = {
    "from": (
        *("de", "from", "von", "da", "van", "fra", "från", "od", "de la", "lähettäjä", "от", "feladó"),
        *("kimden", "发件人", "寄件者", "差出人", "보낸 사람", "من"),
    ),
    "date": (
        *("envoyé", "envoyé le", "sent", "gesendet", "verzonden", "inviato", "sendt", "skickat", "wysłano"),
        *("enviado(?: el| em)?", "odesláno", "lähetetty", "отправлено", "küldve", "trimis", "gönderildi"),
        *("发送时间", "寄件日期", "送信日時", "보낸 날짜", "إرسال"),
        *("date", "datum", "dato", "data", "fecha", "дата"),
    ),
    "to": (
        *("à", "a", "to", "an", "aan", "til", "till", "para", "pour", "do", "komu", "vastaanottaja", "кому"),
        *("címzett", "către", "kime", "收件人", "收件者", "宛先", "받는 사람", "إلى"),
    ),
    "copy": ("cc", "copie à", "copie", "kopie", "cópia", "dw", "копия"),
    "subject": (
        *(
            "objet",
            "sujet",
            "subject",
            "betreff",
            "onderwerp",
            "oggetto",
            "emne",
            "ämne",
            "asunto",
            "assunto",
        ),
        *(
            "temat",
            "předmět",
            "aihe",
            "тема",
            "tárgy",
            "subiect",
            "konu",
            "主题",
            "主旨",
            "件名",
            "제목",
            "الموضوع",
        ),
    ),
    "other": ("répondre à", "reply-to", "antwort an", "importance", "message du", "organisation"),
}
"""What the headers of a mail are called."""

ORIGINAL = (
    *("mail original", "message d['’]origine", "message original", "original message", "reply message"),
    *("e-mail d['’]origine", "courriel original", "original(?:e)?[- ]nachricht", "ursprüngliche nachricht"),
    *("mensaje original", "messaggio originale", "oorspronkelijk bericht", "mensagem original"),
    *("ursprungligt meddelande", "oprindelig meddelelse", "oryginalna wiadomość", "wiadomość oryginalna"),
    *("oprindelig besked", "opprinnelig (?:melding|beskjed)", "originalmeddelande", "eredeti üzenet"),
    *(
        "mesaj(?:ul)? original",
        "orijinal (?:ileti|mesaj)",
        "özgün ileti",
        "αρχικό μήνυμα",
        "原始邮件",
        "原始郵件",
    ),
    *("元のメッセージ", "원본 메시지", "izvorno sporočilo", "izvorna poruka"),
    *("původní zpráva", "alkuperäinen viesti", "исходное сообщение"),
)
"""Framed in dashes, above an earlier mail."""

FORWARDED = (
    *("forwarded message", "forwarded by", "message transféré", "message transmis", "message réexpédié"),
    *("message forwardé", "mail transféré", "e-mail transféré", "courriel transféré"),
    *("weitergeleitete nachricht", "mensaje reenviado", "messaggio inoltrato", "doorgestuurd bericht"),
    *("mensagem encaminhada", "vidarebefordrat meddelande", "videresendt", "przekazana wiadomość"),
    "wiadomość przekazana",
)
"""Behind dashes, above a mail that somebody forwards."""

FORWARD_BEGINS = (
    *("début du message (?:transféré|réexpédié)", "begin forwarded message", "inizio messaggio inoltrato"),
    *("anfang der weitergeleiteten (?:nachricht|e-mail)", "inicio del mensaje reenviado"),
    "begin doorgestuurd bericht",
)
"""A line of its own, above a mail that somebody forwards."""

DEVICES = (
    *("i-?phone", "ipad", "ipod", "mac(?:book)?", "samsung", "galaxy", "huawei", "honor", "xiaomi", "redmi"),
    *("oppo", "realme", "oneplus", "pixel", "wiko", "sony", "xperia", "nokia", "lg", "htc", "motorola"),
    *("blackberry", "android", "windows", "phone", "t[ée]l[ée]phone", "smartphone", "mobile", "portable"),
    *(
        "appareil",
        "tablette",
        "tablet",
        "handy",
        "device",
        "fairphone",
        "alcatel",
        "outlook",
        "yahoo",
        "gmail",
    ),
    *("mail", "orange", "sfr", "bouygues", "free", "laposte", "proton(?:mail)?", "courrier"),
    *("app(?:lication)?", "messagerie", "k-9", "bluemail", "spark", "aol", "gmx", "thunderbird"),
)
"""What a mail is sent from, as phones say it."""

DEVICE_WORDS = (
    *("pour", "for", "für", "de", "du", "the", "intelligent", "sécurisée?", "secure", "email", "mobile"),
    *("application", "app"),
)
"""Small words around those; a model is told by its capital letter or digit."""

SENT = (
    "envoyé (?:de|depuis|à partir de|à partir d['’]|avec|via|par|à l['’]aide de)",
    *(
        "gesendet (?:von|mit|über)",
        "von",
        "enviado (?:desde|do|de|con|a partir do)",
        "inviato (?:da|dal|con)",
    ),
    *("verzonden (?:vanaf|met)", "verstuurd vanaf", "skickat från", "sendt fra", "wysłane z", "trimis de pe"),
    *("odesláno z", "lähetetty"),
)
MINE = (
    *("mon", "ma", "my", "mein(?:em|er)?", "meu", "mi", "mio", "mijn", "min", "mojego", "l['’]", "la", "le"),
    *("un", "une", "the", "a"),
)
POINTS_BELOW = (
    r"dans (?:le|la|votre|ton) (?:texte|corps|suite|mail|message|e-mail|courriel)",
    *("ci-dessous", "en dessous", "plus bas", "(?:entre|sous) (?:les|vos|chaque|chacune)", "à la suite"),
    "en (?:rouge|bleu|vert|gras|couleur|majuscules|italique)",
    *("in the text", "in ?-?line", "below", "in (?:red|blue|green|bold|capitals)", "between"),
)
"""Where somebody says that they answered, if not above."""

ADVERTISED = (
    *(
        "get outlook for",
        "obtenez outlook pour",
        "obtenir outlook pour",
        "télécharger outlook pour",
        "téléchargez outlook pour",
    ),
    *("outlook für", "scarica outlook per", "obtener outlook para", "holen sie sich outlook für"),
    "sent from (?:mail|yahoo mail|outlook|proton mail) for",
)
"""Followed by the name of a system."""
