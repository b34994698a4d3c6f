"""Beginnings of comments and texts in many languages, within code: what a vocabulary for code must not break."""

from __future__ import annotations

from rung.cascade.bench.greedy import LineTask

_CODE = {
    "python": "def {name}({parameters}):\n    # {comment}",
    "docstring": 'def {name}({parameters}):\n    """{comment}',
    "c": "int {name}(int *{parameters}) {{\n    /* {comment}",
    "javascript": "function {name}({parameters}) {{\n  // {comment}",
    "string": '    raise ValueError("{comment}',
}
COMMENT_TOKENS = 24  # a comment has no end that small models find: agreement shows within the first words
# Form of the code, function, parameters, comment.
_BEGINNINGS = (
    ("python", "lies_datei", "pfad", "Öffnet die Datei und prüft, ob der Schlüssel gültig"),
    ("docstring", "summe", "werte", "Berechnet die Summe aller Werte, die größer als"),
    ("string", "", "", "Der Zähler darf nicht kleiner als null sein, übergeben wurde"),
    ("python", "lire_fichier", "chemin", "Ouvre le fichier et vérifie que la clé est"),
    ("docstring", "moyenne", "valeurs", "Calcule la moyenne des éléments déjà triés par"),
    ("javascript", "fermer", "fenetre", "Ferme la fenêtre après avoir enregistré les données de l'"),
    ("python", "leer_archivo", "ruta", "Abre el archivo y comprueba si la contraseña es"),
    ("docstring", "contar", "palabras", "Devuelve el número de palabras que aparecen más de"),
    ("javascript", "enviar", "mensaje", "Envía el mensaje al servidor y espera la"),
    ("python", "diavase", "arxeio", "Ανοίγει το αρχείο και ελέγχει αν το κλειδί είναι"),
    ("docstring", "athroisma", "times", "Υπολογίζει το άθροισμα όλων των"),
    ("c", "metrise", "pinakas", "Επιστρέφει το πλήθος των στοιχείων του"),
    ("python", "otkryt", "put", "Открывает файл и проверяет, что ключ"),
    ("docstring", "summa", "znacheniya", "Вычисляет сумму всех значений, которые больше"),
    ("javascript", "otpravit", "soobshchenie", "Отправляет сообщение на сервер и ждёт"),
    ("python", "open_file", "path", "打开文件并检查密钥是否"),
    ("docstring", "sort_items", "items", "返回按名称排序的所有"),
    ("c", "count", "items", "计算数组中大于零的元素的"),
    ("python", "open_file", "path", "ファイルを開いて、キーが正しいかどうかを"),
    ("docstring", "average", "values", "リストの平均値を計算して"),
    ("javascript", "send", "message", "サーバーにメッセージを送信し、応答を"),
    ("python", "read_file", "path", "يفتح الملف ويتحقق من أن المفتاح"),
    ("docstring", "total", "values", "يحسب مجموع جميع القيم التي هي أكبر من"),
    ("javascript", "send", "message", "يرسل الرسالة إلى الخادم وينتظر"),
    ("python", "read_file", "path", "फ़ाइल खोलता है और जाँचता है कि कुंजी"),
    ("docstring", "total", "values", "सूची के सभी मानों का योग"),
    ("c", "count", "items", "सूची में शून्य से बड़े तत्वों की"),
    ("python", "open_file", "path", "파일을 열고 키가 올바른지"),
    ("python", "celebrate", "release", "🎉 Released! 🚀 Now tell everybody about the new"),
    ("docstring", "status", "build", "✅ when the build passed, ❌ when it failed, and ⚠️ when"),
)
COMMENTS = tuple(
    LineTask(_CODE[form].format(name=name, parameters=parameters, comment=comment), "")
    for form, name, parameters, comment in _BEGINNINGS
)
