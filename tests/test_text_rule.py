"""The closed rule on what a text may hold: each refusal at its place, and all that people write let through."""

import re
import unicodedata
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import case
from support.packs import make_pack, persona_text, publish, read_files, release_of, variant_text
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack import __version__
from agentpack.audit.rules import escaped
from agentpack.compose.parse import PersonaText
from agentpack.environment import cache_folder
from agentpack.errors import InvalidFile
from agentpack.input import unicode_table as table
from agentpack.input.hidden_in_files import is_text, name_findings
from agentpack.input.hidden_text import WORDS, HiddenCharacter, HiddenText, text_findings
from agentpack.input.invisible import ALWAYS, OUT_OF_PLACE
from agentpack.model.pack import LeftOut, Release
from agentpack.read import to_pieces
from agentpack.reports.escaping import json_text, safe_text
from agentpack.store.validated import FORMAT, ValidatedCache, place

pytestmark = pytest.mark.usefixtures("unshipped")

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "hidden-text.md"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
TEXAS = "\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f"
MAN, WOMAN, GIRL, SCOPE, TONE = "\U0001f468", "\U0001f469", "\U0001f467", "\U0001f52c", "\U0001f3fd"

REFUSED: dict[str, tuple[str | bytes, str, int, int]] = {
    "a bell": ("a\x07b", "control", 1, 2),
    "a NUL": ("\0", "control", 1, 1),
    "an escape sequence": ("one\ntwo \x1b[31m", "control", 2, 5),
    "a delete": ("x\x7f", "control", 1, 2),
    "a vertical tab": ("x\x0by", "control", 1, 2),
    "a form feed": ("x\n\x0cy", "control", 2, 1),
    "a next line": ("a\x85b", "control", 1, 2),
    "a C1 control": ("\x9b31m", "control", 1, 1),
    "a carriage return by itself": ("one\rtwo\r\n", "control", 1, 4),
    "two carriage returns between words": ("one\r\rtwo\n", "control", 1, 5),
    "a carriage return before the last word": ("one\r\ntwo\rthree", "control", 2, 4),
    "a byte that is not UTF-8": (b"a\n\xc3\xa9\xff", "not-utf-8", 2, 2),
    "UTF-16": ("ab".encode("utf-16"), "not-utf-8", 1, 1),
    "an overlong slash": (b"x\xc0\xaf", "not-utf-8", 1, 2),
    "a surrogate": (b"\xed\xa0\x80", "not-utf-8", 1, 1),
    "beyond the last code point": (b"xy\xf4\x90\x80\x80", "not-utf-8", 1, 3),
    "a character cut off": (b"a\xe2\x80", "not-utf-8", 1, 2),
    "a line separator": ("a\u2028b", "line-separator", 1, 2),
    "a paragraph separator": ("a\nb\u2029", "line-separator", 2, 2),
    "an override from right to left": ("if \u202egnp.exe", "bidi-control", 1, 4),
    "an isolate": ("\u2066x", "bidi-control", 1, 1),
    "a mark from right to left": ("\u05d0\u200f", "bidi-control", 1, 2),
    "an Arabic letter mark": ("a\u061c", "bidi-control", 1, 2),
    "a tag letter": ("say hi\U000e0068", "tag", 1, 7),
    "a language tag": ("\U000e0001", "tag", 1, 1),
    "a cancel tag": ("\u00e9\U000e007f", "tag", 1, 2),
    "a flag that is none": (TEXAS, "tag", 1, 2),
    "a tag behind a flag": (SCOTLAND + "\U000e0067", "tag", 1, 8),
    "half a flag": (SCOTLAND[:4], "tag", 1, 2),
    "a zero-width space": ("ab\u200bc", "zero-width", 1, 3),
    "a word joiner": ("\u2060", "zero-width", 1, 1),
    "a byte-order mark inside": ("a\ufeff", "zero-width", 1, 2),
    "a second byte-order mark": ("\ufeff\ufeffa", "zero-width", 1, 1),
    "a joiner between letters": ("pass\u200dword", "zero-width", 1, 5),
    "a non-joiner between letters": ("pass\u200cword", "zero-width", 1, 5),
    "a non-joiner behind a letter that does not join": ("\u062f\u200c\u0647", "zero-width", 1, 2),
    "a non-joiner at the end of a word": ("\u0645\u06cc\u200c \u062e", "zero-width", 1, 3),
    "two non-joiners": ("\u0645\u06cc\u200c\u200c\u062e", "zero-width", 1, 3),
    "a second joiner behind a virama": ("\u0915\u094d\u200d\u200d\u0937", "zero-width", 1, 4),
    "a joiner between Arabic letters": ("\u0645\u200d\u06cc", "zero-width", 1, 2),
    "a joiner behind an emoji": (f"{MAN}\u200d", "zero-width", 1, 2),
    "a joiner between emoji that do not go together": (f"{SCOPE}\u200d{MAN}", "zero-width", 1, 2),
    "two joiners between emoji": (f"{MAN}\u200d\u200d{WOMAN}", "zero-width", 1, 2),
    "a joiner before an emoji": (f"a\u200d{MAN}", "zero-width", 1, 2),
    "an emoji style behind a letter": ("a\ufe0f", "variation-selector", 1, 2),
    "an emoji style at the start": ("\ufe0f", "variation-selector", 1, 1),
    "an emoji style twice": ("\u2764\ufe0f\ufe0f", "variation-selector", 1, 3),
    "both styles": ("\u2764\ufe0e\ufe0f", "variation-selector", 1, 3),
    "an emoji style behind a digit": ("v1\ufe0f.2", "variation-selector", 1, 3),
    "an emoji style behind an emoji without another": (f"{MAN}{TONE}\ufe0f", "variation-selector", 1, 3),
    "a selector for symbols": ("\u2229\ufe00", "variation-selector", 1, 2),
    "a selector for ideographs": ("\u845b\U000e0100", "variation-selector", 1, 2),
    "bytes in selectors": ("\U0001f600\U000e0158", "variation-selector", 1, 2),
    "a Mongolian selector": ("\u1820\u180b", "variation-selector", 1, 2),
    "a Mongolian separator": ("\u1820\u180e", "default-ignorable", 1, 2),
    "a soft hyphen": ("pass\xadword", "default-ignorable", 1, 5),
    "a grapheme joiner": ("a\u034fb", "default-ignorable", 1, 2),
    "a Hangul filler": ("\u3164", "default-ignorable", 1, 1),
    "a half-width filler": ("x\uffa0", "default-ignorable", 1, 2),
    "a choseong filler": ("\u115f\u1160", "default-ignorable", 1, 1),
    "a Khmer vowel that is not seen": ("\u1780\u17b4", "default-ignorable", 1, 2),
    "an invisible times": ("2\u2062x", "default-ignorable", 1, 2),
    "a musical control": ("\U0001d173", "default-ignorable", 1, 1),
    "private use": ("\ue000", "private-use", 1, 1),
    "private use far up": ("ab\n\n c\U0010fffd", "private-use", 3, 3),
    "what is not assigned": ("\u0378", "unassigned", 1, 1),
    "what is not assigned, and would be ignored": ("a\u2065", "unassigned", 1, 2),
    "a noncharacter": ("a\ufdd0", "noncharacter", 1, 2),
    "the last noncharacter": ("\U0010ffff", "noncharacter", 1, 1),
    "an annotation": ("\ufff9a\ufffa", "annotation", 1, 1),
    "an object": ("see \ufffc", "object-replacement", 1, 5),
    "a hieroglyph's format": ("\U00013000\U00013430", "format", 1, 2),
    "a joiner of Tifinagh": ("a\u2d7fb", "joiner", 1, 2),
    "a joiner of Brahmi numbers": ("1\U0001107f2", "joiner", 1, 2),
    "a joiner behind Brahmi letters": ("\U00011013\U0001107f\U00011013", "joiner", 1, 2),
    "a stacker between Latin letters": ("pass\u17d2word", "joiner", 1, 5),
    "a stacker by itself": ("\u1039", "joiner", 1, 1),
    "a stacker at the start": ("\u1039\u1000", "joiner", 1, 1),
    "a stacker at the end": ("\u1780\u17d2", "joiner", 1, 2),
    "a stacker before a mark": ("\u1000\u1039\u102c", "joiner", 1, 2),
    "a stacker before a joiner": ("\u1000\u1039\u200d\u1000", "joiner", 1, 2),
    "a stacker between lines": ("\u1a20\n\u1a60\u1a20", "joiner", 2, 1),
    "the first of two stackers": ("\u1780\u17d2\u17d2\u1799", "joiner", 1, 2),
    "a stacker of another script": ("\u1780\u1039\u1799", "joiner", 1, 2),
    "a stacker behind a vowel that stacks nothing": ("\U00011d60\U00011d97\U00011d71", "joiner", 1, 2),
    "a filler of Khitan": ("x\U00016fe4", "joiner", 1, 2),
    "a virama of Kharoshthi": ("\U00010a3f", "joiner", 1, 1),
    "a thick letter of nothing": ("a\U0001bc9d", "modifier", 1, 2),
    "a mirrored letter": ("a\U00013440", "modifier", 1, 2),
    "a mirrored blank": ("\U00013000\U00013441", "blank", 1, 2),
    "a turned letter": ("a\U0001daa1", "modifier", 1, 2),
    "a turn before a fill": ("\U0001d800\U0001daa1\U0001da9b", "modifier", 1, 3),
    "half a hieroglyph's blank": ("a\U00013442", "blank", 1, 2),
    "a note without a head": ("\U0001d159", "blank", 1, 1),
    "a Braille pattern without dots": ("pass\u2800word", "blank", 1, 5),
    "a line of Braille patterns without dots": ("\u2801\n\u2800", "blank", 2, 1),
    "a virama twice": ("\u0915\u094d\u094d\u0937", "repeated-mark", 1, 3),
    "a stroke twice": ("a\u0336\u0336", "repeated-mark", 1, 3),
    "a Hebrew point thrice": ("\u05d0\u05b4\n\u05d0\u05b4\u05b4\u05b4", "repeated-mark", 2, 3),
}
BENIGN: dict[str, str] = {
    "nothing": "",
    "ASCII": "Use `x`, then\tgo on.\n~ {}[]\n",
    "line ends of Windows": "one\r\ntwo\r\n\r\n",
    "a last line that ends in a carriage return": "one\r\ntwo\r",
    "line ends converted twice": "one\r\r\ntwo\r\r\n",
    "line ends the wrong way round": "one\n\rtwo\n\r",
    "a byte-order mark at the start": "\ufeff# Title\n",
    "a byte-order mark and Windows": "\ufeffa\r\n\u00e9\r\n",
    "a family": f"{MAN}\u200d{WOMAN}\u200d{GIRL}\u200d\U0001f466",
    "a scientist with a tone": f"{WOMAN}{TONE}\u200d{SCOPE}",
    "hands held": f"{WOMAN}{TONE}\u200d\U0001f91d\u200d{MAN}\U0001f3ff",
    "a kiss": f"{WOMAN}\u200d\u2764\ufe0f\u200d\U0001f48b\u200d{MAN}",
    "a heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "a detective": "\U0001f575\ufe0f\u200d\u2642\ufe0f and \U0001f575\u200d\u2640",
    "a rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "a pirate flag": "\U0001f3f4\u200d\u2620\ufe0f",
    "tones": f"\U0001f44d{TONE}\U0001f44b\U0001f3fb",
    "keycaps": "1\ufe0f\u20e3 #\ufe0f\u20e3 9\u20e3",
    "flags": "\U0001f1e9\U0001f1ea\U0001f1fa\U0001f1e6",
    "Scotland": f"{SCOTLAND}{SCOTLAND} ok",
    "styles": "\u2714\ufe0f \u26a0\ufe0f \u2764\ufe0e \u00a9\ufe0f \u2194\ufe0f",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u062e\u0627\u0646\u0647\u200c\u0647\u0627",
    "Persian with marks": "\u0628\u0651\u064e\u200c\u0650\u062e",
    "Hindi": "\u0915\u094d\u200d\u0937 \u0930\u093e\u091c\u094d\u200c\u092f \u0928\u092e\u0938\u094d\u0924\u0947",
    "Bengali": "\u09b0\u200d\u09cd\u09af\u09be\u09ac \u0989\u09a6\u09cd\u200c\u09af\u09cb\u0997",
    "Malayalam": "\u0d05\u0d35\u0d28\u0d4d\u200d \u0d24\u0d2e\u0d3f\u0d34\u0d4d\u200c\u0d28\u0d3e\u0d1f\u0d4d",
    "Sinhala": "\u0dc1\u0dca\u200d\u0dbb\u0dd3 \u0dbd\u0d82\u0d9a\u0dcf\u0dc0 \u0d9a\u200d\u0dca\u0dc2",
    "Kannada": "\u0cb0\u200d\u0ccd\u0caf",
    "Tamil": "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd",
    "Chinese": "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u3000\U00020bb7",
    "Japanese": "\u30d7\u30ed\u30b0\u30e9\u30e0\u3092\u66f8\u304f\u3002",
    "Hangul": "\uc548\ub155 \u1112\u1161\u11ab",
    "Arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645\u060c \u0660\u0661 \u0600\u0661",
    "Hebrew": "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "accents put together": unicodedata.normalize("NFD", "na\u00efve caf\u00e9 \u1ec7 \u0307"),
    "Thai": "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "Burmese": "\u1019\u103c\u1014\u103a\u1019\u102c",
    "Georgian, Armenian, Amharic": "\u10d0 \u0531 \u1230",
    "signs of mathematics": "\u2200x\u2208\u2115: \U0001d4b3 \u2a7d \u221e \u2211",
    "quotes, dashes, arrows": "\u201cx\u201d \u2014 \u2026 \u2192 \xa0\u202f\u2009\u2011",
    "boxes and blocks": "\u2500\u2502\u251c \u2588 \u2713 \u2717 \u28ff",
    "a broken character": "\ufffd",
    "Latin letters of many languages": "Größe, naïve façade, Đặng Thị Hằng, İstanbul, Łódź.",
    "Russian": "Съешь ещё этих мягких французских булок.",
    "old Greek": "Ἐν ἀρχῇ ἦν ὁ λόγος.",
    "Hebrew with points": "בְּרֵאשִׁית בָּרָא אֱלֹהִים",
    "Arabic with marks": "بِسْمِ اللَّهِ الرَّحْمٰنِ الرَّحِيمِ",
    "Urdu": "یہ ایک چھوٹا جملہ ہے۔",
    "Syriac": "ܫܠܳܡܐ ܥܰܠܟܽܘܢ",
    "Thaana": "ދިވެހި ބަސް",
    "N'Ko": "ߒߞߏ ߞߊ߲",
    "Hindi and Sanskrit": "उद्योग, क्षत्रिय, ज्ञान और संस्कृतम्।",
    "Bengali with conjuncts": "বাংলাদেশের স্বাস্থ্য ও শিক্ষা, উচ্চারণ।",
    "Punjabi": "ਪੰਜਾਬੀ ਭਾਸ਼ਾ ਪੜ੍ਹੋ, ਪ੍ਰੇਮ।",
    "Gujarati": "ગુજરાતી ભાષામાં લખો, ક્ષમા.",
    "Odia": "ଓଡ଼ିଆ ଭାଷା, ସ୍ୱାଧୀନତା।",
    "Tamil with conjuncts": "தமிழ் மொழி, ஸ்ரீ, பக்ஷம்.",
    "Telugu": "తెలుగు భాష, స్త్రీ, విద్యార్థి.",
    "Kannada with conjuncts": "ಕನ್ನಡ ಭಾಷೆ, ವಿದ್ಯಾರ್ಥಿ.",
    "Malayalam with conjuncts": "മലയാളം, വിദ്യാർത്ഥി, അമ്മ.",
    "Thai with tones": "กรุณาอ่านคู่มือก่อนเริ่มใช้งาน น้ำ ผู้ที่",
    "Lao": "ພາສາລາວ ກະລຸນາອ່ານຄູ່ມືກ່ອນ",
    "Khmer": "ភាសាខ្មែរ សូមអានការណែនាំ ស្ត្រី ឲ្យ ប្រព័ន្ធ",
    "Burmese with stacks": "မြန်မာဘာသာ ကမ္ဘာ စင်္ကြံ သတ္တဝါ သင်္ဃာ တက္ကသိုလ်",
    "Tai Tham": "ᨽᩣᩈᩣᩃ᩶ᩣ᩠ᨶᨶᩣ ᨠᩥ᩠ᨶ ᩃ᩠ᨿ",
    "Tibetan": "བཀྲ་ཤིས་བདེ་ལེགས། སངས་རྒྱས།",
    "Balinese": "ᬅᬓ᭄ᬱᬭᬩᬮᬶ",
    "Javanese": "ꦲꦏ꧀ꦱꦫꦗꦮ",
    "Sundanese": "ᮘᮞ ᮞᮥᮔ᮪ᮓ ᮊ᮫ᮞ",
    "Chakma": "𑄌𑄋𑄴𑄟𑄳𑄦",
    "Meetei Mayek": "ꯃꯩꯇꯩꯂꯣꯟ ꯀ꫶ꯀ",
    "Tifinagh": "ⵜⴰⵎⴰⵣⵉⵖⵜ ⵏ⵿ⵜ",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ",
    "Lepcha": "ᰛᰩᰵᰛᰧᰶ ᰕᰩᰵ",
    "Adlam": "𞤀𞤣𞤤𞤢𞤥 𞤆𞤵𞤤𞤢𞤪",
    "Amharic, Cherokee, Inuktitut, Yi": "ሰላም ለዓለም፣ ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ ꆈꌠꉙ",
    "Kana with marks put together": unicodedata.normalize("NFD", "ガギグ ばびぶ"),
    "Brahmi numbers": "\U00011064\U0001107f\U00011053",
    "stacks of rare scripts": "𑩐𑪙𑩐 𑨋𑩇𑨌 𑵱𑶗𑵲 𑴌𑵅𑴍 𑼒𑽂𑼓 𑎒𑏐𑎓 𐨐𐨿𐨐",
    "Khitan": "\U00018b00\U00016fe4\U00018b01",
    "SignWriting": "\U0001d800\U0001da9b\U0001daa1 \U0001d802\U0001daa2",
    "hieroglyphs": "\U00013000\U00013440 \U00013080\U00013447",
    "a picture of Braille patterns": "\u2800\u2800\u28ff\u2800\u28ff\u2800\n\u2800\u2801",
    "Braille": "\u2813\u2811\u2807\u2807\u2815\u2800\u283a\u2815\u2817\u2807\u2819",
    "marks that fonts stack": "a\u0308\u0308 \u0e17\u0e35\u0e48\u0e48",
    "a long line": "word " * 50_000,
}


def test_what_no_reader_sees_is_refused_at_its_place() -> None:
    for name, (text, why, line, column) in REFUSED.items():
        with case(name):
            data = text if isinstance(text, bytes) else text.encode()
            first = text_findings(data, "x.md")[0]
            assert (first.why, first.line, first.column, first.file) == (why, line, column, "x.md")
            assert why in WORDS.values()
            if isinstance(text, str):
                assert first.code_point == ord(text.removeprefix("\ufeff").split("\n")[line - 1][column - 1])


def test_every_word_is_shown_by_an_example() -> None:
    assert {why for _, why, _, _ in REFUSED.values()} == set(WORDS.values())


def test_what_people_write_passes() -> None:
    for name, text in BENIGN.items():
        with case(name):
            assert text_findings(text.encode(), "x.md") == []


def test_a_pack_of_what_people_write_is_read() -> None:
    lines = [
        text.removeprefix("\ufeff").replace("\r\n", " ").replace("\r", "")
        for text in BENIGN.values()
        if len(text) < 1000
    ]
    body = "\ufeff" + persona_text(
        body="Text.\n\n" + "".join(f"- {line.strip()} x\n" for line in lines if line.strip())
    )
    found = read_files(make_pack(personas={"reviewer": body.replace("\n", "\r\n")}, description=BENIGN["a family"]))
    assert list(found.personas) == ["reviewer"]


# Laws.

_KINDS = list(zip(table.STARTS, (*table.STARTS[1:], 0x110000), table.KINDS, strict=True))
_RUNS = [(start, end - 1) for start, end, kind in _KINDS if kind not in ".sr"]
_FREE = st.text(alphabet="ab9#*.-_/ \t\n\u00e9\u2014\u6f22\u3042\uac00\u05d0\u0301", max_size=60)
"""Clean, and nothing in it makes a place for a character that is not seen."""
_FORBIDDEN = st.one_of(st.just("\r"), st.sampled_from(_RUNS).flatmap(lambda run: st.integers(*run)).map(chr))


@given(_FREE, _FREE, _FORBIDDEN)
def test_one_forbidden_character_is_found_where_it_was_put(before: str, after: str, forbidden: str) -> None:
    if forbidden == "\ufeff" and not before:
        return
    if forbidden == "\r" and (before[-1:] in ("", "\n") or after[:1] in ("", "\n")):  # no text that it could hide
        return
    place = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1, ord(forbidden))
    found = text_findings((before + forbidden + after).encode(), "x")
    assert [(one.line, one.column, one.code_point) for one in found] == [place]


_KNOWN = st.lists(st.sampled_from([text for text in BENIGN.values() if len(text) < 1000 and text[:1] != "\ufeff"]))
_NEVER = st.sampled_from("\u200b\u2060\u202e\xad\ue000\u2028\x1b\U000e0100\u3164\ufeff")


@given(_KNOWN, st.data())
def test_in_what_people_write_it_is_found_as_well(texts: list[str], data: st.DataObject) -> None:
    text = "\n".join(texts)
    assert text_findings(text.encode(), "x") == []
    at = data.draw(st.integers(1, len(text))) if text else 0
    forbidden = data.draw(_NEVER) if at else "\u200b"
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    found = text_findings((text[:at] + forbidden + text[at:]).encode(), "x", limit=1000)
    assert (line, column, ord(forbidden)) in {(one.line, one.column, one.code_point) for one in found}


_SIDES = st.sampled_from(table.PLACES).flatmap(
    lambda row: st.tuples(st.integers(row[0], row[1]), _of(row[2]), _of(row[3] or (0x61, 0x7B))).map(
        lambda points: "".join(map(chr, points))
    )
)


def _of(edges: tuple[int, ...]) -> st.SearchStrategy[int]:
    return st.sampled_from(list(zip(edges[::2], edges[1::2], strict=True))).flatmap(
        lambda run: st.integers(run[0], run[1] - 1)
    )


@given(_SIDES, st.sampled_from(["", "a", " ", "\n", "\u0301", "\u0915", "\u2800"]))
def test_a_joiner_passes_between_its_own_and_nowhere_else(characters: str, other: str) -> None:
    joiner, before, after = tuple(characters)
    sign = (
        "\U0001d800" if before in "\U0001da9b\U0001da9c\U0001da9d\U0001da9e\U0001da9f" else "x"
    )  # a fill fills a sign
    assert text_findings(f"{sign}{before}{joiner}{after}x".encode(), "x") == []
    for text in (f"{other}{joiner}{after}", f"{other}{joiner}{other}", f"{before}{joiner}{joiner}{after}"):
        assert ord(joiner) in {found.code_point for found in text_findings(text.encode(), "x")}


_MARK = st.sampled_from(
    [point for start, end, kind in _KINDS if kind == "r" for point in range(start, end)],
).map(chr)


@given(_FREE, _MARK, st.integers(1, 9))
def test_a_mark_passes_once_and_each_repetition_is_found(before: str, mark: str, times: int) -> None:
    found = text_findings(f"{before}{mark * times}a".encode(), "x")
    assert [one.why for one in found] == ["repeated-mark"] * (times - 1)
    assert text_findings(f"{before}{f'{mark}a' * times}".encode(), "x") == []


@given(st.binary(max_size=80))
def test_any_bytes_get_an_answer_in_order(data: bytes) -> None:
    found = text_findings(data, "x", limit=1000)
    places = [(one.line, one.column) for one in found]
    assert places == sorted(set(places))
    assert any(one.why == "not-utf-8" for one in found) is not _is_utf8(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.many
@pytest.mark.parametrize(
    "text",
    [
        "\u200d" * 350_000,
        f"{MAN}\u200d" * 150_000,
        "\u0628" + "\u064b" * 500_000 + "\u200c",
        "\u0628" + "\u064b\u200c" * 260_000,
        "\U0001f3f4" + "\U000e0067" * 260_000,
        "\ufe0f" * 350_000,
        "a\r" * 524_288 + "a",
    ],
    ids=["joiners", "emoji", "marks", "marks and joiners", "tags", "selectors", "carriage returns"],
)
def test_no_more_than_asked_for_comes_back_of_a_mebibyte(text: str) -> None:
    assert 1 <= len(text_findings(text.encode(), "x", limit=7)) <= 7


# The table.


def test_the_table_is_in_order() -> None:
    for starts, letters in ((table.STARTS, table.KINDS), (table.JOINING_STARTS, table.JOINING)):
        assert len(starts) == len(letters)
        assert starts[0] == 0
        assert list(starts) == sorted(set(starts))
        assert all(one != other for one, other in pairwise(letters))
    assert set(table.KINDS) == {".", *WORDS}
    for edges in (table.VIRAMAS, table.CONSONANTS, table.STYLED):
        assert list(edges) == sorted(set(edges))
        assert len(edges) % 2 == 0
    assert MAN in table.JOINED_EMOJI[WOMAN]


@pytest.mark.campaign
def test_the_table_agrees_with_what_python_knows() -> None:
    allowed = {"Cc": "c.", "Cf": "bztvadf.", "Cn": "unt", "Co": "p", "Cs": "s", "Zl": "l", "Zp": "l", "Lo": ".dw"}
    allowed |= {"Mn": ".dvjmr", "Me": ".r", "So": ".ow"}
    wrong = []
    for start, end, kind in zip(table.STARTS, (*table.STARTS[1:], 0x110000), table.KINDS, strict=True):
        for point in range(start, end):
            category = unicodedata.category(chr(point))
            newer = category == "Cn" or kind == "u"  # assigned in one of both only
            if not newer and kind not in allowed.get(category, "."):
                wrong.append((hex(point), category, kind))
    assert wrong == []
    viramas = {p for p in range(0x110000) if unicodedata.combining(chr(p)) == 9}
    assert {p for p in viramas if bisect_right(table.VIRAMAS, p) % 2 == 0} == set()
    assert [p for p in range(0x20, 0x7F) if table.KINDS[bisect_right(table.STARTS, p) - 1] != "."] == []


@pytest.mark.campaign
def test_what_is_escaped_wherever_it_is_shown_is_what_the_table_refuses() -> None:
    always, places = re.compile(f"[{ALWAYS}]"), re.compile(f"[{OUT_OF_PLACE}]")
    either_way = "npu.rv"  # shown as a box or a letter; of selectors, only a second one is escaped
    wrong = [
        f"{point:04X} {kind}"
        for start, end, kind in _KINDS
        for point in range(start, end)
        if kind not in either_way and bool(always.match(chr(point))) + bool(places.match(chr(point))) != 1
    ]
    assert wrong == []
    own = {point for first, last, *_ in table.PLACES for point in range(first, last + 1)} | {0x2800}
    assert {point for point in range(0x110000) if places.match(chr(point))} == own
    assert [
        chr(point)
        for start, end, kind in _KINDS
        if kind in ".r"
        for point in range(start, end)
        if always.match(chr(point)) and chr(point) != "\r"
    ] == []


def test_a_joiner_is_shown_in_its_place_and_escaped_elsewhere() -> None:
    assert safe_text("\u1780\u17d2\u1799 \u2801\u2800") == "\u1780\u17d2\u1799 \u2801\u2800"
    assert safe_text("a\u17d2b \u2800") == r"a\u{17d2}b \u{2800}"
    assert escaped("a\u17d2b \u1780\u17d2\u1799") == "a\\u{17d2}b \u1780\u17d2\u1799"
    assert json_text("a\U00013441\u1780\u17d2\u1799") == '"a\\ud80d\\udc41\u1780\u17d2\u1799"'


def test_the_page_names_the_table_and_every_word() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"Unicode {table.VERSION}" in page
    rows = [line.split("|")[1].strip().strip("`") for line in page.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(WORDS.values())


# What is told.


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (HiddenCharacter("a.md", 3, 7, 0x200B, "zero-width"), "a.md:3:7: U+200B ZERO WIDTH SPACE (zero-width)"),
        (HiddenCharacter("a.md", 1, 1, 0x7, "control"), "a.md:1:1: U+0007 (control)"),
        (HiddenCharacter("a.md", 1, 2, 0xE0041, "tag"), "a.md:1:2: U+E0041 TAG LATIN CAPITAL LETTER A (tag)"),
        (HiddenCharacter("a.md", 1, 2, 0xFF, "not-utf-8"), "a.md:1:2: byte 0xFF (not-utf-8)"),
        (
            HiddenCharacter("a.md", 0, 2, 0x200B, "zero-width"),
            "a.md: U+200B ZERO WIDTH SPACE (zero-width) in its name, character 2",
        ),
    ],
)
def test_a_place_is_told_by_number_and_name(finding: HiddenCharacter, words: str) -> None:
    assert str(finding) == words


def test_places_of_all_files_of_a_pack_come_together() -> None:
    files = make_pack(
        personas={"reviewer": persona_text() + "Hidden\u200b.\n"},
        variants={"reviewer/terse": variant_text() + "\u202e"},
        files={"LICENSE": "MIT\u2060", "notes.txt": "x\u00ad", "logo.png": b"\0\xff", ".DS_Store": b"\0\x01"},
    )
    with pytest.raises(HiddenText) as refused:
        read_files(files)
    assert [f"{one.file}:{one.line}:{one.column}" for one in refused.value.findings] == [
        "data-reviewer-1.0.0/LICENSE:1:4",
        "data-reviewer-1.0.0/notes.txt:1:2",
        "data-reviewer-1.0.0/personas/reviewer.md:11:7",
        "data-reviewer-1.0.0/variants/reviewer/terse.md:4:1",
    ]
    assert (refused.value.code, refused.value.exit_code) == ("hidden-text", 5)


def test_more_places_than_are_listed_are_said_to_be_there() -> None:
    with pytest.raises(HiddenText) as refused:
        read_files(make_pack(files={"README.md": "\u200b" * 30}))
    assert len(refused.value.findings) == 20
    assert refused.value.details[-1] == "and more"


def test_a_folder_of_agents_is_held_to_the_same() -> None:
    in_text = read_files({"a.md": "---\nname: a-b\ndescription: x\n---\nx\u200b\n".encode()})
    assert not in_text.personas
    assert "hidden text" in in_text.left_out[0].reason
    hidden = b'---\nname: a-b\ndescription: "x\\u200B"\n---\nx\n'
    alone = read_files({"a.md": hidden})
    assert not alone.personas
    found = read_files(
        {"a.md": hidden, "b.md": b"---\nname: b\ndescription: x\n---\nx\n", "README.md": b"\xe2\x80\x8b"}
    )
    assert [*found.personas] == ["b"]
    assert found.left_out == (
        LeftOut("a.md", "", "hidden text on line 3, column 14: U+200B ZERO WIDTH SPACE (zero-width)"),
    )
    assert alone.left_out == found.left_out


@pytest.mark.parametrize(
    ("path", "data", "place"),
    [
        ("pack.yaml", make_pack()["pack.yaml"] + b'license: "MIT\\u200b"\n', "5:10"),
        (
            "personas/reviewer.md",
            persona_text().replace("Reviews data as", '"\\x1B').replace("er.\n", '"\n', 1),
            "3:14",
        ),
        ("variants/reviewer/terse.md", '---\nsummary: "A\\UE000"\n---\n', None),
    ],
)
def test_an_escape_hides_nothing(path: str, data: str | bytes, place: str | None) -> None:
    files = make_pack(files={path: data})
    with pytest.raises(InvalidFile if place is None else HiddenText) as refused:
        read_files(files)
    if place is not None:
        assert refused.value.details[0].startswith(f"data-reviewer-1.0.0/{path}:{place}: U+")


@pytest.mark.parametrize(
    ("path", "column", "why"),
    [
        ("a\u200b.md", 2, "zero-width"),
        ("a\nb", 2, "control"),
        ("\ufeffx", 1, "zero-width"),
        ("docs/\U000e0041", 6, "tag"),
    ],
)
def test_a_file_name_is_held_to_more(path: str, column: int, why: str) -> None:
    (found,) = name_findings(path)
    assert (found.line, found.column, found.why) == (0, column, why)
    assert found.file.isprintable()
    assert name_findings("personas/r\u00e9vision \U0001f44d.md") == []
    with pytest.raises(HiddenText):
        read_files(make_pack(files={path: b"x"}))


def test_what_is_never_read_is_not_looked_into() -> None:
    assert is_text("LICENSE", b"x")
    assert is_text("docs/README.MD", b"\0")
    assert not is_text("tool", b"\x7fELF\0")
    assert not is_text("logo.png", b"x")


# Through the command.


@pytest.mark.parametrize("bare", [False, True], ids=["pack", "bare"])
def test_an_install_is_refused_and_writes_nothing(
    agentpack: Agentpack, project: Path, tmp_path: Path, bare: bool
) -> None:
    folder = tmp_path / "packs"
    if bare:
        write_tree(folder / "data-reviewer" / "agents", {"reviewer.md": persona_text() + "Do\u200b it.\n"})
        place, name = "data-reviewer/agents/reviewer.md:11:3", "data-reviewer"
    else:
        publish(folder, make_pack(personas={"reviewer": persona_text() + "Do\u200b it.\n"}))
        place, name = "data-reviewer-1.0.0/personas/reviewer.md:11:3", "data-reviewer"
    before = tree(project)
    words = ["install", name, "--source", str(folder), "--client", "claude"]
    told = agentpack(*words, real=True, expect=5)
    assert f"{place}: U+200B ZERO WIDTH SPACE (zero-width)" in told.err
    assert "\u200b" not in told.err + told.out
    (error,) = agentpack(*words, "--json", new=True, expect=5).envelope["errors"]
    assert error["code"] == "hidden-text"
    assert error["details"] == [f"{place}: U+200B ZERO WIDTH SPACE (zero-width)"]
    assert agentpack(*words, "--dry-run", expect=5).out == ""
    assert tree(project) == before


def installed(agentpack: Agentpack, tmp_path: Path, *more: str, expect: int = 0) -> str:
    greeting = {"greeting": {"type": "string", "default": "Hello", "description": "What to say first"}}
    text = persona_text(body="Say {{ greeting }}. {#say}\n")
    folder = publish(tmp_path / "packs", make_pack(personas={"reviewer": text}, parameters=greeting))
    requirement = "data-reviewer" + ("[mine]" if "mine" in more else "")
    words = [word for word in more if word != "mine"]
    ran = agentpack("install", requirement, "--source", str(folder), "--client", "claude", *words, expect=expect)
    return ran.err


def test_a_value_on_the_command_line_is_ones_own_mistake(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    told = installed(agentpack, tmp_path, "--set", "greeting=a\u202eb", expect=2)
    assert "--set greeting:1: U+202E RIGHT-TO-LEFT OVERRIDE (bidi-control) at column 2" in told
    installed(agentpack, tmp_path, "--set", "greeting=\ufeffa", expect=2)
    assert not (project / ".claude").exists()
    installed(agentpack, tmp_path, "--set", "greeting=\u0645\u06cc\u200c\u062e")
    assert "\u0645\u06cc\u200c\u062e" in (project / ".claude/agents/reviewer.md").read_text()


@pytest.mark.parametrize("value", ["a\u200bb", '"a\\u200Bb"'], ids=["as it is", "escaped"])
def test_a_manifest_is_ones_own_file(agentpack: Agentpack, project: Path, tmp_path: Path, value: str) -> None:
    installed(agentpack, tmp_path, "--set", "greeting=marker")
    file = project / "agentpack.yaml"
    text = file.read_text()
    file.write_text(text.replace("marker", value), encoding="utf-8")
    before = tree(project)
    told = agentpack("sync", expect=2).err
    assert "agentpack.yaml:" in told
    assert "U+200B ZERO WIDTH SPACE (zero-width) at column" in told
    assert tree(project) == before


def test_a_local_variant_is_ones_own_file(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    write_tree(project / ".agentpack/variants/reviewer", {"mine.md": variant_text("- Be\u00ad kind.\n")})
    told = installed(agentpack, tmp_path, "mine", expect=2)
    assert ".agentpack/variants/reviewer/mine.md:4: U+00AD SOFT HYPHEN (default-ignorable) at column 5" in told
    assert not (project / ".claude").exists()


def test_a_declared_client_is_ones_own_file(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / ".agentpack/clients", {"mine.yaml": "schema: 1\ntitle: Mi\u200bne\nproject: .mine\n"})
    told = agentpack("clients", expect=2).err
    assert ".agentpack/clients/mine.yaml:2: U+200B ZERO WIDTH SPACE (zero-width) at column 10" in told


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("---\nname: tidy\ndescription: Tidies.\n---\nTidy\u200b up.\n", "U+200B ZERO WIDTH SPACE (zero-width) at 5:5"),
        (
            '---\nname: tidy\ndescription: "a\\u202E"\n---\nTidy.\n',
            "U+202E RIGHT-TO-LEFT OVERRIDE (bidi-control) at 3:14",
        ),
    ],
)
def test_an_agent_with_hidden_text_is_not_adopted(agentpack: Agentpack, project: Path, text: str, place: str) -> None:
    write_tree(project / ".claude/agents", {"tidy.md": text})
    before = tree(project)
    told = agentpack("adopt", ".claude/agents/tidy.md", expect=2).err
    assert f"it holds hidden text: {place}" in " ".join(told.split())
    assert tree(project) == before


def test_an_edit_with_hidden_text_is_not_kept(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    file = project / ".claude/agents/python-engineer.md"
    file.write_text(file.read_text() + "\n- Also\u200b this.\n", encoding="utf-8")
    before = tree(project)
    told = agentpack("keep", "python-engineer", expect=3).err
    line = len(file.read_text().splitlines())
    assert f".claude/agents/python-engineer.md:{line}:7: U+200B ZERO WIDTH SPACE (zero-width)" in told
    assert tree(project) == before


def poisoned(tmp_path: Path) -> tuple[Path, Release, bytes]:
    """A clean pack, published, and what a check without the rule would have kept of it had it been another."""
    files = make_pack()
    release = release_of(files)
    clean = read_files(files)
    layer = PersonaText({}).persona(persona_text() + "Do\u200b it.\n", "data-reviewer-1.0.0/personas/reviewer.md")
    pieces = to_pieces(clean._replace(personas={"reviewer": layer}, prepared={}), release.digest)
    return publish(tmp_path / "packs", files), release, pieces


def test_what_is_rendered_is_looked_at_last_of_all(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    folder, release, pieces = poisoned(tmp_path)
    ValidatedCache(cache_folder()).put_pieces("pack", release.digest, [pieces])
    before = tree(project)
    words = ["install", "data-reviewer", "--source", str(folder), "--client", "claude"]
    told = agentpack(*words, expect=5).err
    assert ".claude/agents/reviewer.md:" in told
    assert "U+200B ZERO WIDTH SPACE (zero-width)" in told
    assert tree(project) == before


def test_what_was_checked_without_the_rule_is_not_trusted(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    folder, release, pieces = poisoned(tmp_path)
    now, before = place("pack", release.digest), place("pack", release.digest).replace(FORMAT, f"3-{__version__}")
    assert now != before
    kept = Path(cache_folder() or "", before)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(pieces)
    agentpack("install", "data-reviewer", "--source", str(folder), "--client", "claude")
    assert "\u200b" not in (project / ".claude/agents/reviewer.md").read_text(encoding="utf-8")
