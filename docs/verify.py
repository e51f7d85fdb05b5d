#!/usr/bin/env python3
"""Verifies Sealbook's evidence packages and receipts: the second implementation.

    python3 verify.py FILE... [--key KEY]... [--json]
    python3 verify.py --vectors docs/vectors.json

It is written from docs/ledger-format.md and docs/evidence-package.md, shares no
code with the program that makes packages, needs nothing but Python 3.8, and is
meant to be read from top to bottom.

Its verdicts are integrity, completeness and authenticity, each ok, failed or
cannot_tell; authenticity is unpinned when the signatures hold with the key in the
package and no key was named. Exit code 0: verified. 1: something failed. 2:
something cannot be told.

It reaches them from the evidence: the container, the signed lists of files, the
records and their hashes, the tree, the request's filter, the signatures. The files
that are derived from these for people and spreadsheets (see DERIVED) it only
compares with the signed lists, and says so. It does not make them again: that they
say what the entries lead to is what "sealbook verify" tells.

A copy of this file that came inside a package proves nothing about that package:
whoever made the one made the other. Take it from where you trust it.
"""
import argparse
import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import re
import struct
import sys
import zlib

OK, UNPINNED, CANNOT_TELL, FAILED = "ok", "unpinned", "cannot_tell", "failed"
INTEGRITY, COMPLETENESS, AUTHENTICITY = "integrity", "completeness", "authenticity"
DERIVED = ("entries.csv", "IPE.json", "population.json", "gaps.json", "index.html", "bag-info.txt",
           "KEY-FINGERPRINTS.txt", "README-VERIFY.md", "verify.py")

# docs/evidence-package.md, Limits.
LIMITS = {"Files": 10_000, "UnpackedBytes": 1 << 40, "DocumentBytes": 8 << 20, "LineBytes": 16 << 20,
          "Ratio": 1100, "Findings": 1000}


class Invalid(Exception):
    """What was read breaks a rule of its format."""


class Report:
    """The verdicts about one package or receipt, and what speaks against them."""

    def __init__(self, kind, *verdicts):
        self.kind = kind
        self.status = {v: OK for v in verdicts}
        self.findings, self.more, self.notes = [], 0, []
        self.about = {}  # what the file says of itself, and counts

    def find(self, verdict, message, status=FAILED, **where):
        if self.status[verdict] != FAILED:
            self.status[verdict] = status
        if len(self.findings) < LIMITS["Findings"]:
            self.findings.append(dict(verdict=verdict, status=status, message=message, **where))
        else:
            self.more += 1

    @contextlib.contextmanager
    def blaming(self, verdict, **where):
        """What is invalid inside speaks against the verdict."""
        try:
            yield
        except Invalid as e:
            self.find(verdict, str(e), **where)

    def exit(self):
        found = set(self.status.values())
        return 1 if FAILED in found else 0 if found <= {OK, UNPINNED} else 2


# ---------------------------------------------------------------- base64, hashes, time

def encode_base64(raw):
    return base64.b64encode(raw).decode()


def decode_base64(text, size, what):
    """Padded, of that many bytes (None: any), and of several spellings only the one that encoding gives."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != (len(raw) if size is None else size) or encode_base64(raw) != text:
        raise Invalid("%s: %.90r is not base64 of %d bytes in its one spelling" % (what, text, size))
    return raw


def decode_hash(text, what="hash"):
    return decode_base64(text, 32, what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(record):
    return sha256(b"\x00", record)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


def format_hash(h):
    return "sha256:" + h.hex()


# Times are nanoseconds since 1970, so that none is rounded.
SECOND = 10**9
EPOCH = datetime.datetime(1970, 1, 1)
RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))",
                     re.ASCII)
RECORD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def parse_time(text, form=RFC3339, what="time"):
    m = RFC3339.fullmatch(text)
    if not m or not form.fullmatch(text):
        raise Invalid("%s %.64r" % (what, text))
    try:
        time = datetime.datetime(*(int(g) for g in m.group(1, 2, 3, 4, 5, 6)))
    except ValueError:
        raise Invalid("%s %.64r" % (what, text))
    seconds = (time - EPOCH) // datetime.timedelta(seconds=1)
    if m.group(8):
        seconds -= (int(m.group(9)) * 60 + int(m.group(10))) * (60 if m.group(8) == "+" else -60)
    return seconds * SECOND + int(((m.group(7) or "") + "0" * 9)[:9])


# ---------------------------------------------------------------- canonical JSON (RFC 8785)

MAX_DEPTH = 16
MAX_INTEGER = 2**53 - 1


def checked_number(text):
    """A number that every reader understands alike. Written without fraction or exponent, it is an int."""
    if not any(c in text for c in ".eE"):
        if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
            raise Invalid("an integer is beyond ±(2^53−1)")
        return int(text)
    number = float(text)
    if abs(number) == float("inf"):
        raise Invalid("a number is too large for a double")
    if MAX_INTEGER < abs(number) < 1e21:
        raise Invalid("a number is beyond ±(2^53−1)")
    return number


def ecmascript_number(number):
    """As Number::toString prints it. repr has the same digits, but its exponents start at 1e16 and 1e-5."""
    mantissa, _, exponent = repr(number).partition("e")
    if mantissa.endswith(".0"):
        mantissa = mantissa[:-2]
    if exponent and -7 < int(exponent) < 0:
        sign = "-" if number < 0 else ""
        return sign + "0." + "0" * (-int(exponent) - 1) + mantissa.lstrip("-").replace(".", "")
    return "0" if number == 0 else mantissa + "e%+d" % int(exponent) if exponent else mantissa


def unique_members(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Invalid("an object names a key twice")
    return members


def refuse_constant(text):
    raise Invalid("the JSON is malformed: %s" % text)


def quote(text):
    return json.dumps(text, ensure_ascii=False)


def canonical(value, depth=0):
    """The one text of a value: names in the order of their UTF-16 code units, no white space."""
    if isinstance(value, str):
        if "\x00" in value:
            raise Invalid("a string holds a NUL character")
        return quote(value)
    if isinstance(value, (list, dict)) and depth == MAX_DEPTH:
        raise Invalid("the JSON is nested deeper than %d levels" % MAX_DEPTH)
    if isinstance(value, list):
        return "[" + ",".join(canonical(v, depth + 1) for v in value) + "]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(n) + ":" + canonical(value[n], depth + 1) for n in names) + "}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return ecmascript_number(value)


def parse_i_json(data):
    """One value of I-JSON (RFC 7493), and its canonical form."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique_members, parse_int=checked_number,
                           parse_float=checked_number, parse_constant=refuse_constant)
        return value, canonical(value).encode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("the text is not valid UTF-8")
    except UnicodeEncodeError:
        raise Invalid("a string holds half a surrogate pair")
    except RecursionError:
        raise Invalid("the JSON is nested deeper than %d levels" % MAX_DEPTH)
    except ValueError as e:
        after = "Extra data" in str(e)
        raise Invalid("there is something after the JSON value" if after else "the JSON is malformed: %s" % e)


# ---------------------------------------------------------------- Ed25519 (RFC 8032)

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def point_add(a, b):
    """Section 5.1.4, extended homogeneous coordinates; complete, so it also doubles."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    g, h = 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_decode(raw):
    """Section 5.1.3. As in Go's crypto/ed25519, y is taken modulo p and x may be zero with its sign set."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, (y & (2**255 - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * SQRT_MINUS_1 % P
    if v * x * x % P != u:
        raise Invalid("the key is not a point of the curve")
    if x & 1 != sign:
        x = -x % P
    return x, y, 1, x * y % P


BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verify(public, message, signature):
    """Section 5.1.7 without the cofactor: S is below the order, and R is compared byte by byte."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    try:
        x, y, z, t = point_decode(public)
    except Invalid:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus_a = (-x % P, y, z, -t % P)
    terms = (NEUTRAL, BASE, minus_a, point_add(BASE, minus_a))
    r = NEUTRAL  # becomes [S]B - [k]A, both products side by side from the highest bit
    for i in range(252, -1, -1):
        r = point_add(r, r)
        r = point_add(r, terms[(s >> i & 1) + 2 * (k >> i & 1)])
    inverse = pow(r[2], P - 2, P)
    x, y = r[0] * inverse % P, r[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# ---------------------------------------------------------------- keys and signed notes (C2SP signed-note)

def key_id(name, public):
    return sha256(name.encode() + b"\n\x01", public)[:4]


def valid_key_name(name):
    return name != "" and "+" not in name and not any(c.isspace() for c in name)


def make_vkey(name, public):
    return "%s+%s+%s" % (name, key_id(name, public).hex(), encode_base64(b"\x01" + public))


def parse_vkey(vkey):
    """<name>+<key id>+<base64 of 0x01 and the key>; returns the name and the Ed25519 public key."""
    name, _, rest = vkey.partition("+")
    raw = decode_base64(rest.partition("+")[2], 33, "verifier key")
    if not valid_key_name(name) or make_vkey(name, raw[1:]) != vkey:
        raise Invalid("verifier key: %.80r is not an Ed25519 key with its own id" % vkey)
    return name, raw[1:]


def fingerprint(public):
    return "SHA256:" + encode_base64(sha256(public)).rstrip("=")


def open_note(note, vkey):
    """Returns the text of a note that vkey has signed. Signatures of unknown keys are ignored."""
    name, public = parse_vkey(vkey)
    try:
        content = note.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("malformed note")
    text, blank, signatures = content.rpartition("\n\n")
    lines = signatures.split("\n")
    if any(c < " " and c != "\n" for c in content) or not blank or lines.pop() != "" or not 1 <= len(lines) <= 100:
        raise Invalid("malformed note")
    text, signature = text + "\n", None
    for line in lines:
        signer, _, encoded = line[2:].partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:
            raw = b""
        if not line.startswith("— ") or not valid_key_name(signer) or len(raw) < 5:
            raise Invalid("malformed note")
        if signer == name and raw[:4] == key_id(name, public) and signature is None:
            signature = raw[4:]
    if signature is None:
        raise Invalid("unknown key: none of the signatures is by the key %s" % vkey)
    if not ed25519_verify(public, text.encode(), signature):
        raise Invalid("invalid signature for key %s" % name)
    return text


# ---------------------------------------------------------------- record, genesis, checkpoint

def checked_origin(origin):
    if not re.fullmatch(r"[!-*,-~]{1,200}", origin):
        raise Invalid("an origin has 1 to 200 visible ASCII characters without '+', not %.80r" % origin)
    return origin


def decimal(text, what):
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text) or int(text) >= 2**63:
        raise Invalid("%s %.64r" % (what, text))
    return int(text)


def text_lines(data, count, what):
    lines = data.decode("utf-8", "replace").split("\n")
    if len(lines) != count + 1 or lines[-1] != "":
        raise Invalid("%s has %d lines, each ended by a line feed" % (what, count))
    return lines


class Record:
    """Eight lines; their form is checked one by one, so that there is only one encoding."""

    def __init__(self, data):
        version, origin, seq, prev, recorded_at, event_type, event_id, root, _ = text_lines(data, 8, "a record")
        if version != "audit-entry/v1":
            raise Invalid("record version %.64r is not one that this program knows" % version)
        self.origin, self.seq = checked_origin(origin), decimal(seq, "sequence number")
        self.prev = decode_hash(prev, "previous leaf hash")
        self.recorded_at = parse_time(recorded_at, RECORD_TIME, "recorded-at time")
        if not re.fullmatch("[a-z0-9._-]{1,64}", event_type):
            raise Invalid("event type %.80r" % event_type)
        if not re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", event_id):
            raise Invalid("event id %.64r" % event_id)
        self.event_type, self.payload_root = event_type, decode_hash(root, "payload root")
        self.entry_id = "audit_entry_%s_%06d" % (recorded_at[:10].replace("-", ""), self.seq)


class Genesis:
    def __init__(self, data):
        if not data.startswith(b"audit-ledger/v1\n"):
            raise Invalid("genesis version %.64r is not one that this program knows" % data.split(b"\n")[0])
        _, origin, vkey, created, _ = text_lines(data, 4, "a genesis descriptor")
        self.origin, self.public, self.hash = checked_origin(origin), parse_vkey(vkey)[1], sha256(data)
        parse_time(created, RECORD_TIME, "creation time")


class Checkpoint:
    """The text of a C2SP tlog-checkpoint without extension lines."""

    def __init__(self, text):
        origin, size, root, _ = text_lines(text.encode(), 3, "a checkpoint")
        self.origin, self.size = checked_origin(origin), decimal(size, "checkpoint size")
        self.root = decode_hash(root, "checkpoint root")


def unsigned_checkpoint(note):
    """The content, whoever signed it."""
    text, blank, _ = note.decode("utf-8", "replace").partition("\n\n")
    return Checkpoint(text + "\n" if blank else text)


def open_checkpoint(note, vkey):
    """A name is part of its key's id, so a checkpoint of another ledger looks as if an unknown key had signed it."""
    name = parse_vkey(vkey)[0]
    try:
        origin = unsigned_checkpoint(note).origin
    except Invalid:
        origin = name  # what it is, open_note tells
    if origin != name:
        raise Invalid("wrong origin: the checkpoint is of %s, the key of %s" % (origin, name))
    return Checkpoint(open_note(note, vkey))


# ---------------------------------------------------------------- the tree (RFC 6962, RFC 9162)

def check_inclusion(index, size, leaf, proof, root):
    """RFC 9162 section 2.1.3.2."""
    if index >= size:
        raise Invalid("the proof is of entry %d, the checkpoint covers %d entries" % (index, size))
    below = (index ^ (size - 1)).bit_length()
    want = below + bin(index >> below).count("1")
    if len(proof) != want:
        raise Invalid("inclusion of entry %d: the proof has %d hashes, not %d" % (index, len(proof), want))
    f, s, r = index, size - 1, leaf
    for p in proof:
        if f & 1 or f == s:
            r = node_hash(p, r)
            while not f & 1 and f:
                f, s = f >> 1, s >> 1
        else:
            r = node_hash(r, p)
        f, s = f >> 1, s >> 1
    if r != root:
        raise Invalid("inclusion of entry %d: the proof leads to another root" % index)


def subtrees(first, end):
    """The levels of the fewest complete subtrees that cover [first, end), from left to right."""
    levels = []
    while first < end:
        level = (end - first).bit_length() - 1
        if first:
            level = min(level, (first & -first).bit_length() - 1)
        levels.append(level)
        first += 1 << level
    return levels


def right_side(end, size):
    """The levels of the complete subtrees that follow a tree of end leaves up to size, and what is left after them."""
    levels = []
    while 0 < end < size:
        level = (end & -end).bit_length() - 1
        if end + (1 << level) > size:
            break
        levels.append(level)
        end += 1 << level
    return levels, size - end


class RangeRoot:
    """Computes a tree's root from the leaves [first, end) and the hashes beside them."""

    def __init__(self, first, end, size, left, right):
        if not 0 <= first <= end <= size:
            raise Invalid("the range [%d,%d) is not in a tree of %d" % (first, end, size))
        levels, rest = right_side(end, size)
        for side, want, hashes in (("left", len(subtrees(0, first)), left), ("right", len(levels) + (rest > 0), right)):
            if len(hashes) != want:
                raise Invalid("the range proof has %d hashes on its %s, not %d" % (len(hashes), side, want))
        self.edge = list(zip(subtrees(0, first), left))  # complete subtrees, their levels falling
        self.right, self.rest = list(zip(levels, right)), right[len(levels):]

    def add(self, h, level=0):
        while self.edge and self.edge[-1][0] == level:
            level, h = level + 1, node_hash(self.edge.pop()[1], h)
        self.edge.append((level, h))

    def root(self):
        for level, h in self.right:
            self.add(h, level)
        parts = [h for _, h in self.edge] + self.rest
        root = parts.pop() if parts else sha256(b"")
        while parts:
            root = node_hash(parts.pop(), root)
        return root


# ---------------------------------------------------------------- proofs and receipts

class Proof:
    """A C2SP tlog-proof."""

    def __init__(self, text):
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if lines[0] != "c2sp.org/tlog-proof@v1":
            raise Invalid("proof version %.64r is not one that this program knows" % lines[0])
        if not blank:
            raise Invalid("a proof holds a checkpoint after an empty line")
        if lines[1:] and lines[1].startswith("extra "):
            del lines[1]  # nothing authenticates it
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise Invalid("a proof has an index line")
        self.index = decimal(lines[1][len("index "):], "proof index")
        if len(lines) - 2 > 63:
            raise Invalid("oversized proof: it has more than 63 hashes")
        self.hashes = [decode_hash(line, "proof") for line in lines[2:]]
        self.note = note.encode()


class Trust:
    """The keys that were named: vkeys and fingerprints. A vkey may name the installation of a ledger."""

    def __init__(self, keys):
        self.keys = [k.strip() for k in keys]
        self.vkeys = [parse_vkey(k) for k in self.keys if is_vkey(k)]

    def of(self, origin):
        """The vkeys, under the ledger's own name, that may sign for it."""
        return [make_vkey(origin, p) for name, p in self.vkeys if origin == name or origin.startswith(name + "/")]

    def covers(self, origin, public):
        return fingerprint(public) in self.keys or make_vkey(origin, public) in self.of(origin)


def is_vkey(text):
    try:
        return bool(parse_vkey(text))
    except Invalid:
        return False


def verify_receipt(receipt, trust):
    """receipt is a JSON object: {"receipt","record","proof"}."""
    report = Report("receipt", INTEGRITY, AUTHENTICITY)
    report.status[AUTHENTICITY] = CANNOT_TELL
    if receipt["receipt"] != "sealbook/v1":
        report.find(INTEGRITY, "the receipt has a version that this program does not know", CANNOT_TELL)
        return report
    try:
        data, text = (take(receipt, name, str).encode("utf-8", "replace") for name in ("record", "proof"))
        proof, record = Proof(text.decode()), Record(data)
    except Invalid as e:
        report.find(INTEGRITY, "the receipt cannot be read: %s" % e)
        return report
    report.about = {"entry_id": record.entry_id, "origin": record.origin, "seq": record.seq,
                    "hash": format_hash(leaf_hash(data))}
    try:
        for line in proof.note.decode().partition("\n\n")[2].split("\n"):
            encoded = line.rpartition(" ")[2]
            decode_base64(encoded, len(base64.b64decode(encoded + "===")), "signature")  # one spelling, whoever signed
        c = unsigned_checkpoint(proof.note)
        if c.origin != record.origin:
            raise Invalid("the record is of %s, the checkpoint of %s" % (record.origin, c.origin))
        if proof.index != record.seq:
            raise Invalid("the record is entry %d, the proof of entry %d" % (record.seq, proof.index))
        check_inclusion(proof.index, c.size, leaf_hash(data), proof.hashes, c.root)
    except (Invalid, ValueError) as e:
        report.find(INTEGRITY, str(e))
    if not trust.vkeys:
        report.find(AUTHENTICITY, "a receipt does not show its key; name the ledger's verifier key", CANNOT_TELL)
        return report
    why = "none of them is of this ledger"
    for vkey in trust.of(record.origin):
        try:
            open_checkpoint(proof.note, vkey)
            report.status[AUTHENTICITY] = OK
            return report
        except Invalid as e:
            why = e
    report.find(AUTHENTICITY, "no trusted key of %s has signed this checkpoint: %s" % (record.origin, why))
    return report


# ---------------------------------------------------------------- the container: zip in one form

# A reader of zips is lenient, and two readers are in different ways. So only names, sizes and
# checksums are taken from the directory; every header is made again from them and compared, and
# with the packed data they must fill the file from its first byte to its last.

MAX32 = 0xFFFFFFFF
ZIP64_SIZE = 0xF0000000  # from here on a file has ZIP64 fields
STORED, DEFLATED = 0, 8
NAME = re.compile(r"[A-Za-z0-9._/-]{1,200}")
MANIFEST, PACKED, TAGMANIFEST, SEAL = LISTS = ("manifest-sha256.txt", "packed-sha256.txt", "tagmanifest-sha256.txt",
                                               "tagmanifest-sha256.txt.sig")


class Fault(Invalid):
    """The file is no package as they are written; file is the one concerned, or empty."""

    def __init__(self, file, message):
        super().__init__(message)
        self.file = file


class Member:
    """A file of the zip, with the headers that it must have."""

    def __init__(self, name, stored, crc, packed, size, offset, dos):
        self.name, self.stored, self.crc, self.packed, self.size, self.offset = name, stored, crc, packed, size, offset
        big, encoded, small = size >= ZIP64_SIZE, name.encode(), (packed & MAX32, size & MAX32)
        form = (45 if big else 20, 0 if stored else 8, STORED if stored else DEFLATED, dos)
        # Checksum and sizes of a deflated file come after its data.
        here = (crc,) + small if stored else (0, MAX32, MAX32) if big else (0, 0, 0)
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if big and not stored else b""
        self.header = struct.pack("<IHHHIIIIHH", 0x04034B50, *form, *here, len(encoded), len(extra)) + encoded + extra
        self.trailer = struct.pack("<II", 0x08074B50, crc)
        self.trailer += struct.pack("<QQ", packed, size) if big else struct.pack("<II", *small)
        if stored:
            self.trailer = b""
        wide = ([size, packed] if big else []) + ([offset] if offset >= MAX32 else [])
        extra = struct.pack("<HH%dQ" % len(wide), 1, 8 * len(wide), *wide) if wide else b""
        self.entry = struct.pack("<IHHHHIIIIHHHHHII", 0x02014B50, 3 << 8 | form[0], *form, crc,
                                 *((MAX32, MAX32) if big else small), len(encoded), len(extra), 0, 0, 0,
                                 0o100644 << 16, min(offset, MAX32)) + encoded + extra
        self.data = offset + len(self.header)  # where its packed bytes start
        self.end = self.data + packed + len(self.trailer)


def end_records(count, size, offset):
    records = b""
    if offset >= MAX32:
        records = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 3 << 8 | 45, 45, 0, 0, count, count, size, offset)
        records += struct.pack("<IIQI", 0x07064B50, 0, offset + size, 1)
    return records + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, size, min(offset, MAX32), 0)


class Archive:
    def __init__(self, f):
        self.f, self.size = f, f.seek(0, 2)
        start = self.read_directory()
        self.check_names()
        self.check_layout(start)

    def read_at(self, offset, n):
        self.f.seek(offset)
        data = self.f.read(n)
        if len(data) < n:
            raise Fault("", "the zip ends too early")
        return data

    def read_directory(self):
        """Returns where it starts."""
        if self.size < 22:
            raise Fault("", "it is too short for a zip file")
        tail = self.read_at(max(0, self.size - 98), min(self.size, 98))  # with the two records of ZIP64
        count, length, start = struct.unpack("<HII", tail[-12:-2])
        if start == MAX32 and len(tail) == 98:
            count, length, start = struct.unpack("<QQQ", tail[32:56])
        if count > LIMITS["Files"]:
            raise Fault("", "the zip has %d files, more than %d (limit Files)" % (count, LIMITS["Files"]))
        if not 0 < length <= count * (46 + 200 + 32) or start + length > self.size:
            raise Fault("", "the zip is empty, or its directory is not where its end says")
        records = end_records(count, length, start)
        if start + length + len(records) != self.size or not tail.endswith(records):
            raise Fault("", "the zip's end record is not the one of such a zip, or something lies around it")
        directory, self.members, self.dos, at = self.read_at(start, length), [], 0, 0
        for i in range(count):
            at += self.read_member(directory[at:at + 46 + 200 + 32], i)
        if at != length:
            raise Fault("", "the zip's directory holds more than its files")
        return start

    def read_member(self, b, i):
        """Returns the length of the directory's entry with which b starts."""
        if len(b) < 46:
            raise Fault("", "the zip's directory has no entry %d" % i)
        method, dos, crc, packed, size, name_len = struct.unpack("<HIIIIH", b[10:30])
        name, extra = b[46:46 + name_len].decode("latin-1"), b[46 + name_len + 4:]
        if not NAME.fullmatch(name):
            raise Fault(name, "the name is longer than 200 bytes, or holds a character that names do not have")
        if i == 0:
            self.dos = dos
        sizes = [size, packed, struct.unpack("<I", b[42:46])[0]]
        for k, v in enumerate(sizes):  # what does not fit stands in the extra field, in this order
            if v == MAX32 and len(extra) >= 8:
                sizes[k], extra = struct.unpack("<Q", extra[:8])[0], extra[8:]
        m = Member(name, method == STORED, crc, sizes[1], sizes[0], sizes[2], self.dos)
        if not b.startswith(m.entry):
            raise Fault(name, "its entry in the zip's directory is not in the one form that packages have: "
                              "no links, folders, encryption, comments or other methods")
        self.members.append(m)
        return len(m.entry)

    def check_names(self):
        """Refuses names that lead elsewhere, that repeat even in another case, and any order but the one."""
        self.folder, seen = self.members[0].name.split("/")[0], {}
        for m in self.members:
            steps = m.name.split("/")
            if len(steps) < 2 or steps[0] != self.folder or any(s in ("", ".", "..") for s in steps):
                raise Fault(m.name, "the name leads out of the package's one folder")
            for i in range(1, len(steps) + 1):
                path = ("/".join(steps[:i]), i == len(steps))
                if seen.setdefault(path[0].lower(), path) != path:
                    raise Fault(m.name, "the name differs from another in case only, or is a file and a folder")
            m.local = "/".join(steps[1:])
        order = [(m.name.rpartition("/")[2] in LISTS, m.name) for m in self.members]  # the lists of the others last
        if any(a >= b for a, b in zip(order, order[1:])):
            raise Fault("", "the zip's files are not in the order of their names, or one is there twice")

    def check_layout(self, start):
        offset = unpacked = 0
        for m in self.members:
            unpacked += m.size
            if m.offset != offset or m.packed > self.size:
                raise Fault(m.name, "something lies between or before the files, or they overlap")
            if unpacked > LIMITS["UnpackedBytes"]:
                raise Fault(m.name, "the zip is too large unpacked (limit UnpackedBytes)")
            if m.size > 1 << 20 and m.size // LIMITS["Ratio"] > m.packed:
                raise Fault(m.name, "%d bytes unpack to %d (limit Ratio)" % (m.packed, m.size))
            trailer = self.read_at(m.data + m.packed, len(m.trailer))
            if self.read_at(offset, len(m.header)) != m.header or trailer != m.trailer:
                raise Fault(m.name, "its header in the zip is not the one that its directory entry leads to")
            offset = m.end
        if offset != start:
            raise Fault("", "there are bytes between the last file and the directory that belong to nothing")


class Reader:
    """Reads one file once, in blocks, and hashes it packed and unpacked. What is wrong with it goes to the report."""

    BLOCK = 1 << 18

    def __init__(self, archive, member, report):
        self.archive, self.member, self.report = archive, member, report
        self.packed_sha, self.sha = hashlib.sha256(), hashlib.sha256()
        self.blocks, self.finished = self.checked_blocks(), False

    def packed_blocks(self):
        at, end = self.member.data, self.member.data + self.member.packed
        for start in range(at, end, self.BLOCK):
            block = self.archive.read_at(start, min(self.BLOCK, end - start))
            self.packed_sha.update(block)
            yield block

    def inflated(self, packed):
        inflate, rest = zlib.decompressobj(-15), b""
        while not inflate.eof:
            rest = rest or next(packed, b"")
            try:
                block = inflate.decompress(rest, self.BLOCK)
            except zlib.error as e:
                raise Invalid("the packed data is damaged: %s" % e)
            if not block and not rest and not inflate.eof:
                raise Invalid("the packed data ends too early")
            rest = inflate.unconsumed_tail
            yield block
        if inflate.unused_data or next(packed, b""):
            raise Invalid("there are bytes behind the packed data")

    def checked_blocks(self):
        m, n, crc = self.member, 0, 0
        with self.report.blaming(INTEGRITY, file=m.local):
            for block in self.packed_blocks() if m.stored else self.inflated(self.packed_blocks()):
                n, crc = n + len(block), zlib.crc32(block, crc)
                if n > m.size:
                    break
                self.sha.update(block)
                yield block
            if (n, crc) != (m.size, m.crc):
                raise Invalid("the file has not the size and checksum that the zip says: its content was changed")
            self.finished = True

    def lines(self):
        """The lines without their line feeds, with their numbers from 1."""
        number, rest, limit = 0, b"", LIMITS["LineBytes"]
        with self.report.blaming(INTEGRITY, file=self.member.local):
            for block in self.blocks:
                *lines, rest = (rest + block).split(b"\n")
                for number, line in enumerate(lines, number + 1):
                    if len(line) >= limit:
                        raise Invalid("a line is longer than %d bytes (limit LineBytes)" % limit)
                    yield number, line
                if len(rest) >= limit:
                    raise Invalid("a line is longer than %d bytes (limit LineBytes)" % limit)
            if rest and self.finished:
                raise Invalid("the last line has no end")


# ---------------------------------------------------------------- lines of entries.jsonl and skeleton.jsonl

STRING = rb'"(?:[^"\\]|\\.)*"'
RECORD_HEAD = re.compile(rb'"record":(' + STRING + rb'),"fields":\[', re.DOTALL)
FIELD_HEAD = re.compile(rb'\{"path":(' + STRING + rb'),(?:"commitment":"([^"]{44})"\}|"salt":"([^"]{24})","value":)',
                        re.DOTALL)
LEAF = re.compile(rb'\{"seq":(0|[1-9][0-9]{0,18}),"leaf":"([^"]{44})"(?=[,}])')
TOKEN = re.compile(STRING + rb'|[\[\]{},"]', re.DOTALL)


class Field:
    """A part of the payload: disclosed with salt and value, or withheld with its commitment alone."""

    def __init__(self, path, salt=None, value=None, commitment=None):
        self.path, self.disclosed, self.value = path, commitment is None, value
        self.commitment = commitment
        if self.disclosed:
            self.commitment = sha256(b"audit-field/v1\x00", salt, sized(path.encode()), sized(value))


def sized(data):
    return struct.pack(">I", len(data)) + data


def payload_root(fields):
    parts = [sized(f.path.encode()) + f.commitment for f in fields]
    return sha256(b"audit-payload/v1\x00", struct.pack(">I", len(fields)), *parts)


def unquote(quoted):
    """A JSON string that is written in the one form that canonical JSON has."""
    text, form = parse_i_json(quoted)
    if form != quoted:
        raise Invalid("%.80r is not written in its one form" % quoted)
    return text


def value_end(line, start):
    """Where the JSON value that starts there ends. What is inside, the commitment decides."""
    depth = 0
    for token in TOKEN.finditer(line, start):
        t = token.group()
        if t in (b"}", b"]", b",") and depth == 0:
            if token.start() > start:
                return token.start()
            break
        if t == b'"':
            break  # the string has no end
        depth += 1 if t in (b"{", b"[") else -1 if t in (b"}", b"]") else 0
    raise Invalid("expected a JSON value")


def parse_record_and_fields(line, at):
    head = RECORD_HEAD.match(line, at)
    if not head:
        raise Invalid("expected a record and fields")
    record, fields, at = unquote(head.group(1)).encode(), [], head.end()
    while line[at:] != b"]}":
        if fields:
            if line[at:at + 1] != b",":
                raise Invalid("expected a comma between fields, or the end of the line")
            at += 1
        m = FIELD_HEAD.match(line, at)
        if not m:
            raise Invalid("expected a field")
        path, at = unquote(m.group(1)), m.end()
        if path.count("/") > MAX_DEPTH:
            raise Invalid("the path %.80r is deeper than %d levels" % (path, MAX_DEPTH))
        if m.group(2):
            fields.append(Field(path, commitment=decode_hash(m.group(2).decode("latin-1"))))
            continue
        salt, end = decode_base64(m.group(3).decode("latin-1"), 16, "salt"), value_end(line, at)
        fields.append(Field(path, salt, line[at:end]))
        if line[end:end + 1] != b"}":
            raise Invalid("field %s: there is something after its value" % path)
        at = end + 1
    return record, fields


def parse_entry_line(line):
    if line[:1] != b"{":
        raise Invalid("expected an object")
    return Entry(*parse_record_and_fields(line, 1))


def parse_skeleton_line(line):
    """Returns number and leaf, and for an entry that is not shown what Entry takes."""
    m = LEAF.match(line)
    if not m:
        raise Invalid("expected an entry's number and leaf")
    seq, leaf, rest = decimal(m.group(1).decode(), "number"), decode_hash(m.group(2).decode("latin-1")), line[m.end():]
    return seq, leaf, None if rest == b"}" else parse_record_and_fields(rest, 1)


class Entry:
    """A record and the fields of its payload; after check, what the request's filter sees of them."""

    def __init__(self, record, fields):
        self.record, self.leaf, self.fields, self.sound = Record(record), leaf_hash(record), fields, False

    def check(self):
        paths = [f.path.encode() for f in self.fields]
        if any(not p.startswith(b"/") for p in paths) or any(a >= b for a, b in zip(paths, paths[1:])):
            raise Invalid("field paths are JSON Pointers, sorted and without repetition")
        root = payload_root(self.fields)
        if root != self.record.payload_root:
            raise Invalid("the payload's fields hash to %s, which is not what the record says" % format_hash(root))
        values = {}
        for f in self.fields:
            if f.disclosed:
                values[f.path], form = parse_i_json(f.value)
                if form != f.value:
                    raise Invalid("field %s: the value is not in canonical form" % f.path)
        self.read_tested({f.path for f in self.fields if not f.disclosed}, values)
        return values

    def read_tested(self, erased, values):
        self.event_type, self.time = self.record.event_type, self.record.recorded_at
        self.class_erased, self.event_class = "/class" in erased, take(values, "/class", str)
        self.time_erased = "/timestamp" in erased
        if values.get("/timestamp") is not None:
            self.time = parse_time(take(values, "/timestamp", str))
        self.repository_erased = "/repository" in erased
        self.repository = take(values, "/repository", dict).get("id")
        if "/repository/id" in erased or "/repository/id" in values:  # a field of its own
            self.repository_erased = "/repository/id" in erased
            self.repository = take(values, "/repository/id", str) or self.repository


def join(fields, values):
    """Puts the disclosed fields back at their pointers. A payload is ambiguous when one does not fit beside another."""
    payload = {}
    for f in sorted((f for f in fields if f.disclosed), key=lambda f: f.path.count("/")):  # parents first
        *parents, last = [s.replace("~1", "/").replace("~0", "~") for s in f.path.split("/")[1:]]
        at = payload
        for step in parents:
            if isinstance(at, list) and re.fullmatch("[0-9]{1,9}", step) and int(step) < len(at):
                at = at[int(step)]
            elif isinstance(at, dict):
                if at.get(step) is None:
                    at[step] = {}  # the parent was withheld
                at = at[step]
            else:
                raise Invalid("field %.80s has no place in the payload" % f.path)
        if not isinstance(at, dict) or last in at:
            raise Invalid("field %.80s has no place in the payload, or is given twice" % f.path)
        at[last] = values[f.path]
    return payload


EVENT = {bool: ("requires_investigation",), list: ("frameworks",),
         str: ("class", "timestamp", "category", "severity", "description", "external_id", "schema"),
         dict: ("actor", "resource", "repository", "action", "context", "details", "metadata", "impact_assessment",
                "electronic_signature", "auto_response")}


def check_event(payload):
    for kind, names in EVENT.items():
        for name in names:
            take(payload, name, kind)
    take_strings(payload, "frameworks")


# ---------------------------------------------------------------- the request and its filter

CATEGORIES = ("compliance_reports", "scan_results", "issue_history", "fix_records", "access_logs",
              "configuration_history")
CLASSES = ("login", "logout", "data_change", "system_event", "security_event")
FRAMEWORKS = ("soc2", "fda21cfr11", "21cfr11", "fda21cfrpart11", "21cfrpart11", "part11", "iso27001", "gdpr", "sox",
              "nistcsf")
FAMILIES = {"report": "compliance_reports", "scan": "scan_results", "issue": "issue_history", "fix": "fix_records",
            "access": "access_logs"}
MAX_FUTURE_EVENT = 300 * SECOND  # how long an event's time may lie after its recording
EXPORTED, UNDETERMINED = "exported", "undetermined"


def take(members, name, kind):
    """A member of an object by its type; absent and null are the type's empty value."""
    value = members.get(name)
    if value is None:
        return kind()
    if type(value) is not kind or kind is int and abs(value) >= 2**63:
        raise Invalid("%s is not what stands there" % name)
    return value


def take_strings(members, name):
    return [take({"element": v}, "element", str) for v in take(members, name, list)]


def parse_bound(text):
    """A date or a time of a request, and how long what it names lasts: a day, or as long as its last digit."""
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        t, span = parse_time(text + "T00:00:00Z"), 86400 * SECOND
    else:
        t = parse_time(text) // 1000 * 1000
        span = SECOND if t % SECOND == 0 else 10**6 if t % 10**6 == 0 else 1000
    if t < 0:
        raise Invalid("%s is before 1970" % text)
    return t, span


class Request:
    """data/request/request.json, request: what was asked for."""

    def __init__(self, members):
        self.format, self.framework = take(members, "format", str), take(members, "framework", str)
        period = take(members, "audit_period", dict)
        self.period = {"from": take(period, "from", str), "to": take(period, "to", str)}
        self.include, self.repositories = take_strings(members, "include"), take_strings(members, "repository_ids")
        if self.format not in ("zip", "json", "csv"):
            raise Invalid("format is one of zip, json, csv")
        if re.sub("[-_ .]", "", self.framework.lower()) not in FRAMEWORKS:
            raise Invalid("the framework %.40r is unknown" % self.framework)
        self.start, (last, span) = parse_bound(self.period["from"])[0], parse_bound(self.period["to"])
        self.until = last + span
        if self.start >= self.until:
            raise Invalid("the period ends before it starts")
        if not 0 < len(set(self.include) & set(CATEGORIES)) == len(self.include):
            raise Invalid("include names at least one category, and each once")
        sizes = [len(r.encode("utf-8", "replace")) for r in self.repositories]
        if len(sizes) > 1000 or len(set(self.repositories)) < len(sizes) or any(not 1 <= n <= 256 for n in sizes):
            raise Invalid("repository_ids are at most 1000, of 1 to 256 bytes, each once")

    def document(self):
        d = {"format": self.format, "framework": self.framework, "audit_period": self.period, "include": self.include}
        return dict(d, repository_ids=self.repositories) if self.repositories else d

    def judge(self, entry):
        """The filter: category and reason. An erased class decides nothing if every class would give the same."""
        classes = ("",) + CLASSES if entry.class_erased else (entry.event_class,)
        outcomes = {self.judge_class(entry, c) for c in classes}
        return outcomes.pop() if len(outcomes) == 1 else ("", UNDETERMINED)

    def judge_class(self, entry, event_class):
        c = category_of(entry.event_type, event_class)
        if not c:
            return "", "no_category"
        if c not in self.include:
            return c, "category_not_included"
        if entry.time_erased:
            return c, UNDETERMINED
        if not self.start <= entry.time < self.until:
            return c, "outside_period"
        if self.repositories and entry.repository_erased:
            return c, UNDETERMINED
        if self.repositories and entry.repository not in self.repositories:
            return c, "other_repository"
        return c, EXPORTED


def category_of(event_type, event_class):
    family = event_type.partition(".")[0]
    if family in FAMILIES:
        return FAMILIES[family]
    if family == "audit":  # Sealbook's own actions
        return ""
    if event_class in ("login", "logout", "security_event"):
        return "access_logs"
    return "configuration_history" if event_type == "config.changed" or event_class == "data_change" else ""


# ---------------------------------------------------------------- introductions of keys

def parse_introductions(data):
    try:
        notes = [json.loads(line) for line in data.decode("utf-8").rstrip("\n").split("\n")] if data else []
    except ValueError as e:
        raise Invalid("introductions: %s" % e)
    if len(notes) > 1000 or not all(isinstance(note, str) for note in notes):
        raise Invalid("introductions are at most 1000, each a JSON string on its line")
    return notes


def introduced(note):
    """The key that a note introduces, whoever signed it; None when it introduces nobody."""
    vkey = (note.split("\n") + ["", ""])[2]
    return parse_vkey(vkey)[1] if is_vkey(vkey) else None


def open_introduction(note, older):
    """The key that a note introduces which the older key has signed."""
    lines = note.partition("\n\n")[0].split("\n")
    if len(lines) != 4 or lines[0] != "sealbook-key/v1":
        raise Invalid("an introduction has 4 lines, the first of them sealbook-key/v1")
    parse_time(lines[3], RECORD_TIME, "introduction time")
    origin, public = parse_vkey(lines[2])
    if origin != checked_origin(lines[1]):
        raise Invalid("the introduced key is of %s, the introduction of %s" % (origin, lines[1]))
    if open_note(note.encode(), make_vkey(origin + "/keys", older)) != "\n".join(lines) + "\n":
        raise Invalid("the introduction is not in its one form")
    return public


def leads_to(trusted, wanted, introductions):
    """Whether introductions, each signed by the key before it, lead from one key to the other."""
    for note in introductions:
        if trusted == wanted:
            break
        try:
            trusted = open_introduction(note, trusted)
        except Invalid:
            pass  # of a key that is not on the way
    return trusted == wanted


# ---------------------------------------------------------------- the package

BAGIT, INFO, KEY, INTRODUCTIONS = "bagit.txt", "bag-info.txt", "keys/ledger.vkey", "keys/introductions.jsonl"
REQUEST, POPULATION = "data/request/request.json", "data/population/population.json"
CONTROLS = "data/controls/controls.json"
FIRST_VERSION, VERSION = b"1", b"1.1"  # the first has no controls.json
GENESIS, CHECKPOINT, RANGE, SKELETON = ("data/ledger/" + n for n in ("genesis.txt", "checkpoint.note", "range.json",
                                                                     "skeleton.jsonl"))
DOCUMENTS = {BAGIT, INFO, "README-VERIFY.md", "verify/verify.py", KEY, "keys/KEY-FINGERPRINTS.txt", "data/index.html",
             REQUEST, POPULATION, "data/population/gaps.json", GENESIS, CHECKPOINT, RANGE} | set(LISTS)
ANCHORS, ANCHOR_ENTRY, ANCHOR_PROOF, REGISTRY_NOTE = (
    "data/ledger/anchors/" + n for n in ("anchors.json", "entry.jsonl", "entry.tlog-proof", "registry.note"))
UNPACKED = (PACKED, TAGMANIFEST, SEAL)  # as the other lists cover the packed bytes


def category_file(category, name):
    return "data/categories/%s/%s" % (category, name)


def write_document(value, indent=2, escaped="\u2028\u2029"):
    """The one form of a package's JSON documents: indented, members in their order, a line feed at the end."""
    text = json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
    return re.sub("[%s]" % escaped, lambda m: "\\u%04x" % ord(m.group()), text).encode("utf-8", "replace")


def token_file(place):
    return "data/ledger/anchors/token-%d.tsr" % (place + 1)


class Anchor:
    """data/ledger/anchors: what leads from a checkpoint of the registry, which others hold, to this ledger."""

    def __init__(self, docs, document):
        line, self.note = docs.get(ANCHOR_ENTRY, b""), docs.get(REGISTRY_NOTE, b"")
        if not line.endswith(b"\n") or b"\n" in line[:-1]:
            raise Invalid("%s does not have one line" % ANCHOR_ENTRY)
        self.entry = parse_entry_line(line[:-1])
        self.registry = unsigned_checkpoint(self.note)
        self.hashes = Proof(docs.get(ANCHOR_PROOF, b"").decode("utf-8", "replace")).hashes
        self.places = [self.place(take({"place": p}, "place", dict)) for p in take(document, "places", list)]
        if not 1 <= len(self.places) <= 256:
            raise Invalid("the places are 1 to 256")
        self.proven = False

    @staticmethod
    def place(members):
        p = {name: take(members, name, str) for name in ("place", "anchored_at", "cosignature", "token", "object")}
        if p["cosignature"] and not p["cosignature"].endswith("\n"):
            raise Invalid("a cosignature is not lines")
        return {name: text for name, text in p.items() if text or name in ("place", "anchored_at")}

    def files(self):
        """The files beside entry and note, as they must read."""
        document = {"registry": self.registry.origin, "size": self.registry.size, "places": self.places}
        hashes = "".join(encode_base64(h) + "\n" for h in self.hashes)
        proof = "c2sp.org/tlog-proof@v1\nindex %d\n%s\n" % (self.entry.record.seq, hashes)
        cosignatures = "".join(p.get("cosignature", "") for p in self.places)
        files = {ANCHORS: write_document(document), ANCHOR_PROOF: proof.encode() + self.note + cosignatures.encode()}
        for i, p in enumerate(self.places):
            if "token" in p:
                files[token_file(i)] = decode_base64(p["token"], None, "token")
        return files

    def check(self, scope, publics):
        """Whether the entry is of the registry, about this ledger, and in a tree that one of these keys signed."""
        origin, record = self.registry.origin, self.entry.record
        try:
            self.covers = registered(self.entry)
            if record.origin != origin:
                raise Invalid("the entry is of %s, the checkpoint of %s" % (record.origin, origin))
            if self.covers.origin != scope.origin or not scope.origin.startswith(origin + "/"):
                raise Invalid("the entry is about the ledger %.200s" % self.covers.origin)
            if not max(scope.first, 1) <= self.covers.size <= scope.end:
                raise Invalid("the entry is about a tree whose root the range cannot tell")
        except Invalid as e:
            raise Fault(ANCHOR_ENTRY, str(e))
        for public in publics:
            try:
                open_checkpoint(self.note, make_vkey(origin, public))
                break
            except Invalid as e:
                wrong = e
        else:
            raise Fault(REGISTRY_NOTE, str(wrong))
        try:
            check_inclusion(record.seq, self.registry.size, self.entry.leaf, self.hashes, self.registry.root)
        except Invalid as e:
            raise Fault(ANCHOR_PROOF, str(e))
        self.proven = True
        self.root = RangeRoot(scope.first, self.covers.size, self.covers.size, scope.left, [])


def registered(entry):
    """The checkpoint of a ledger that an entry of the registry holds."""
    details = join(entry.fields, entry.check()).get("details")
    if entry.record.event_type != "registry.checkpoint" or type(details) is not dict:
        raise Invalid("the entry is not a registry.checkpoint")
    origin, size, root = (take(details, *member) for member in (("origin", str), ("size", int), ("root", str)))
    return Checkpoint("%s\n%d\n%s\n" % (origin, size, root))


class Controls:
    """data/controls/controls.json: what an assessment came to. Its verdicts are its own word; that the file adds up, is
    of this framework and period, and names entries and a tree of this ledger, is checked."""

    VERDICTS = ("non_compliant", "partial", "compliant", "not_assessed")  # a requirement has the worst of its checks

    def __init__(self, members, scope):
        self.scope, self.named, self.root = scope, {}, None
        framework, reason = take(members, "framework", str), take(members, "reason", str)
        if framework != scope.request.framework:
            raise Invalid("it is about another framework than the package")
        assessment = None if members.get("assessment") is None else take(members, "assessment", dict)
        if (assessment is None) == (not reason):
            raise Invalid("it has either an assessment or the reason why there is none")
        self.document = {"framework": framework, "assessment": assessment and self.assessment(assessment)}
        if reason:
            self.document["reason"] = reason

    @staticmethod
    def numbers(members, *names):
        values = {name: take(members, name, int) for name in names}
        if min(values.values()) < 0:
            raise Invalid("a number is negative")
        return values

    @staticmethod
    def percent(members, name):
        value = members.get(name)
        if type(value) not in (int, float) or not 0 <= value <= 100 or str(value)[0] == "-" or round(value * 10) / 10 != value:
            raise Invalid("%s is no percentage of one decimal" % name)
        return int(value) if value == int(value) else value

    def assessment(self, a):
        s = self.scope
        d = {n: take(a, n, str) for n in ("assessment_id", "completed_at", "result_sha256", "from", "until")}
        start, until = parse_time(d["from"], RECORD_TIME), parse_time(d["until"], RECORD_TIME)
        parse_time(d["completed_at"], RECORD_TIME)
        if not d["assessment_id"] or start != s.request.start or not start < until <= s.request.until:
            raise Invalid("it is about another period than the package")
        d.update(self.numbers(a, "first_seq", "end_seq"))
        self.end = d["end_seq"]
        if not d["first_seq"] <= self.end <= s.end:
            raise Invalid("entries were read that are not in the package's tree")
        self.expected = decode_hash(take(a, "root", str))
        d["root"] = encode_base64(self.expected)
        d.update({n: take(a, n, str) for n in ("verification_hash", "edition")})
        d.update(self.numbers(a, "catalog_version"), catalog_digest=take(a, "catalog_digest", str))
        if not all(re.fullmatch("sha256:[0-9a-f]{64}", d[n], re.ASCII) for n in ("result_sha256", "catalog_digest")):
            raise Invalid("a digest is none")
        d.update(self.numbers(a, "entries"), status=take(a, "status", str))
        d["score"] = None if a.get("score") is None else self.percent(a, "score")
        d["floor"], d["coverage"] = self.percent(a, "floor"), self.percent(a, "coverage")
        counts = take(a, "counts", dict)
        d["counts"] = self.numbers(counts, "total", "compliant", "partial", "non_compliant", "not_assessed")
        d["requirements"] = [self.requirement(take({"r": r}, "r", dict)) for r in take(a, "requirements", list)]
        d["not_in_ledger"] = take_strings(a, "not_in_ledger")
        found = [r["verdict"] for r in d["requirements"]]
        if d["counts"] != dict({v: found.count(v) for v in self.VERDICTS}, total=len(found)):
            raise Invalid("the counts are not those of the requirements")
        if self.end >= max(s.first, 1):
            self.root = RangeRoot(s.first, self.end, self.end, s.left, [])
        return d

    def requirement(self, r):
        d = {n: take(r, n, str) for n in ("requirement", "criterion", "title", "severity", "verdict")}
        d["checks"] = [self.check(take({"c": c}, "c", dict)) for c in take(r, "checks", list)]
        worst = min([self.VERDICTS.index(c["verdict"]) for c in d["checks"]] or [3])
        if d["verdict"] != self.VERDICTS[worst]:
            raise Invalid("the verdict of a requirement is not that of its checks")
        return d

    def check(self, c):
        d = {n: take(c, n, str) for n in ("check", "kind", "verdict", "reason")}
        if not d["reason"]:
            del d["reason"]
        d.update(self.numbers(c, "population", "passed", "failed", "pending", "rule_errors"))
        d["exceptions"] = [self.exception(take({"x": x}, "x", dict)) for x in take(c, "exceptions", list)]
        if d["verdict"] not in self.VERDICTS or len(d["exceptions"]) > d["failed"]:
            raise Invalid("a check has no verdict, or does not count its exceptions")
        return d

    def exception(self, x):
        d = {n: take(x, n, str) for n in ("entry_id", "from", "until") if x.get(n)}
        if x.get("seq") is not None:
            d = dict({n: d[n] for n in d if n == "entry_id"}, **self.numbers(x, "seq"), **{n: d[n] for n in d if n != "entry_id"})
            sound = set(d) == {"entry_id", "seq"} and d["seq"] < self.end and d["entry_id"].endswith("_%06d" % d["seq"])
            if sound:
                self.named[d["seq"]] = d["entry_id"]
        else:
            sound = "entry_id" not in d and parse_time(d.get("from", ""), RECORD_TIME) >= 0
            if sound and "until" in d:
                sound = parse_time(d["from"], RECORD_TIME) < parse_time(d["until"], RECORD_TIME)
        if not sound:
            raise Invalid("an exception is neither an entry that was read nor a time")
        d["why"] = take(x, "why", str)
        return d


class Scope:
    """Everything beside the rows that fixes a package, put together from its small files."""

    def __init__(self, docs, request, proof, anchors):
        self.export_id = take(request, "export_id", str)
        self.frozen_at = take(request, "frozen_at", str)
        self.about = {"organisation": take(request, "organisation", str), "software": take(request, "software", str)}
        self.requested_by = request.get("requested_by") and json.loads(
            json.dumps(take(request, "requested_by", dict), sort_keys=True))
        self.first, self.end = take(proof, "first", int), take(proof, "end", int)
        self.left = [decode_hash(h) for h in take_strings(proof, "left")]
        vkey = docs.get(KEY, b"").decode("utf-8", "replace")
        self.vkey = vkey[:-1] if vkey.endswith("\n") else vkey
        self.introductions = parse_introductions(docs.get(INTRODUCTIONS, b""))
        parse_time(self.frozen_at, RECORD_TIME, "frozen_at")
        if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.export_id):
            raise Invalid("export id %.80r cannot name a folder" % self.export_id)
        if not "1980" <= self.frozen_at[:4] <= "2107":
            raise Invalid("the freezing time is not one that a zip file can hold")
        self.request = Request(take(request, "request", dict))
        self.genesis = Genesis(docs.get(GENESIS, b""))
        self.origin = self.genesis.origin
        self.note = docs.get(CHECKPOINT, b"")
        self.checkpoint = unsigned_checkpoint(self.note)
        if self.checkpoint.origin != self.origin:
            raise Invalid("the genesis is of %s, the checkpoint of %s" % (self.origin, self.checkpoint.origin))
        if self.checkpoint.size != self.end:
            raise Invalid("the range ends at %d, the checkpoint covers %d entries" % (self.end, self.checkpoint.size))
        self.root = RangeRoot(self.first, self.end, self.end, self.left, [])
        self.included = [c for c in CATEGORIES if c in self.request.include]
        self.anchor = None if anchors is None else Anchor(docs, anchors)

    def sources(self):
        """The files from which all of this was taken, as they must read: nothing was overlooked or misunderstood."""
        request = {"export_id": self.export_id, "organisation": self.about["organisation"],
                   "request": self.request.document(), "requested_by": self.requested_by, "frozen_at": self.frozen_at,
                   "software": self.about["software"]}
        proof = {"first": self.first, "end": self.end, "size": self.end, "left": [encode_base64(h) for h in self.left],
                 "right": []}
        anchors = self.anchor.files() if self.anchor else {}
        return {**anchors, REQUEST: write_document(request), RANGE: write_document(proof),
                KEY: (self.vkey + "\n").encode() if is_vkey(self.vkey) else b"",
                INTRODUCTIONS: b"".join(write_document(n, None, "<>&\u2028\u2029") for n in self.introductions),
                BAGIT: b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"}


class Source:
    """A category's entries, read beside the skeleton one at a time."""

    def __init__(self, verifier, category):
        self.category, self.name, self.report = category, category_file(category, "entries.jsonl"), verifier.report
        self.lines = verifier.open(self.name).lines()
        self.advance()

    def advance(self):
        """Goes to the next entry that has a record; None at the end."""
        self.entry = None
        for number, line in self.lines:
            try:
                self.entry = parse_entry_line(line)
            except Invalid as e:
                self.report.find(INTEGRITY, f"the line is malformed: {e}", file=self.name, line=number)
                continue
            self.seq = self.entry.record.seq
            self.where = dict(file=self.name, line=number, seq=self.seq, entry_id=self.entry.record.entry_id)
            with self.report.blaming(INTEGRITY, **self.where):
                check_event(join(self.entry.fields, self.entry.check()))
                self.entry.sound = True
            return


class PackageVerifier:
    """The steps of docs/evidence-package.md, "What a verifier does"."""

    def __init__(self, f, trust):
        self.report = Report("package", INTEGRITY, COMPLETENESS, AUTHENTICITY)
        self.find, self.blaming = self.report.find, self.report.blaming
        self.trust, self.files, self.docs, self.scope, self.failures = trust, {}, {}, None, []
        self.version, self.controls = VERSION, None
        try:
            self.archive = Archive(f)
        except Fault as e:
            self.find(INTEGRITY, str(e), file=e.file)
            for verdict in (COMPLETENESS, AUTHENTICITY):
                self.find(verdict, "the package could not be read", CANNOT_TELL)
            return
        self.members = {m.local: m for m in self.archive.members}
        self.read_documents()
        if self.knows_version():
            self.read_scope()
            self.read_controls()
            self.check_signatures()
            if self.scope:
                self.check_rows()
            self.check_files()
        self.check_manifests()
        self.conclude()

    def open(self, name):
        self.files[name] = Reader(self.archive, self.members[name], self.report)
        return self.files[name]

    # -- the small files, and the scope that they give

    def read_documents(self):
        names = DOCUMENTS | {INTRODUCTIONS} | {category_file(c, "IPE.json") for c in CATEGORIES}
        names |= {CONTROLS, ANCHORS, ANCHOR_ENTRY, ANCHOR_PROOF, REGISTRY_NOTE} | {token_file(i) for i in range(256)}
        for name in (n for n in self.members if n in names):
            if self.members[name].size > LIMITS["DocumentBytes"]:
                self.find(INTEGRITY, "the file is too large unpacked (limit DocumentBytes)", file=name)
                continue
            content = b"".join(self.open(name).blocks)
            if self.files[name].finished:
                self.docs[name] = content

    def knows_version(self):
        """A missing file or line is found later."""
        m = re.search(rb"^Sealbook-Package-Version: (.*)$", self.docs.get(INFO, b""), re.MULTILINE)
        if not m or m.group(1) in (FIRST_VERSION, VERSION):
            self.version = m.group(1) if m else VERSION
            return True
        for verdict in self.report.status:
            self.find(verdict, f"the package has version {m.group(1)!r:.20}, not 1 or 1.1", CANNOT_TELL, file=INFO)
        return False

    def decode(self, name):
        """None when the file is missing, which is found later, or is no object."""
        if name not in self.docs:
            return None
        with self.blaming(INTEGRITY, file=name):
            try:
                text = self.docs[name].decode("utf-8", "replace").lstrip(" \t\r\n")
                value = json.JSONDecoder(parse_constant=refuse_constant).raw_decode(text)[0]
                if isinstance(value, dict):
                    return value
            except (ValueError, RecursionError):
                pass
            raise Invalid("it cannot be decoded")

    def read_scope(self):
        request, proof, population = self.decode(REQUEST), self.decode(RANGE), self.decode(POPULATION)
        with self.blaming(INTEGRITY, file=POPULATION):
            self.failures = take_strings(population or {}, "failures")
        anchors = self.decode(ANCHORS)
        if request is None or proof is None or anchors is None and ANCHORS in self.docs:
            return
        try:
            self.scope = Scope(self.docs, request, proof, anchors)
        except Invalid as e:
            self.find(INTEGRITY, f"the package's description of itself does not hold together: {e}")
            return
        if self.scope.export_id != self.archive.folder:
            self.find(INTEGRITY, f"the package's folder is not named {self.scope.export_id}", file=REQUEST)

    def read_controls(self):
        if self.scope is None or self.version == FIRST_VERSION:
            return
        members = self.decode(CONTROLS)
        if members is None:
            return
        with self.blaming(INTEGRITY, file=CONTROLS):
            controls = Controls(members, self.scope)
            if write_document(controls.document) != self.docs[CONTROLS]:
                raise Invalid("it is not in its one form")
            self.controls = controls

    # -- who says so

    def check_signatures(self):
        s = self.scope
        if s is None:
            self.find(AUTHENTICITY, "the package does not say what was signed", CANNOT_TELL)
            return
        with self.blaming(AUTHENTICITY, file=KEY):
            self.check_key(parse_vkey(s.vkey)[1])

    def check_key(self, public):
        s = self.scope
        with self.blaming(AUTHENTICITY, file=CHECKPOINT):
            open_checkpoint(s.note, s.vkey)
        with self.blaming(AUTHENTICITY, file=SEAL):
            self.open_seal(public)
        if not leads_to(s.genesis.public, public, s.introductions):
            self.find(AUTHENTICITY, f"the ledger was founded with another key than the one in {KEY}, and no "
                                    "introduction leads from it to this one", file=GENESIS)
        older = [k for k in [public, s.genesis.public] + [introduced(note) for note in s.introductions] if k]
        if s.anchor:
            try:
                s.anchor.check(s, older)
            except Fault as e:
                self.find(AUTHENTICITY, f"the anchor does not hold: {e}", file=e.file)
        if not self.trust.keys:
            if self.report.status[AUTHENTICITY] == OK:
                self.report.status[AUTHENTICITY] = UNPINNED
        elif not any(self.trust.covers(s.origin, k) and leads_to(k, public, s.introductions) for k in older):
            raise Invalid(f"the package is signed by {fingerprint(public)}, which is none of the trusted keys")

    def open_seal(self, public):
        """A note of exactly this text with exactly one signature in its one encoding."""
        s = self.scope
        name = parse_vkey(s.vkey)[0] + "/packages"
        digest = sha256(self.docs.get(TAGMANIFEST, b""))
        text = f"sealbook-package/v1\n{s.origin}\n{s.export_id}\n{format_hash(digest)}\n"
        head, seal = f"{text}\n— {name} ", self.docs.get(SEAL, b"").decode("utf-8", "replace")
        if not seal.startswith(head) or not seal.endswith("\n"):
            raise Invalid(f"it is no signature of this tagmanifest, export and ledger by {name}")
        raw = decode_base64(seal[len(head):-1], 68, "the signature line is malformed, or there is more than one")
        if raw[:4] != key_id(name, public):
            raise Invalid("it is by another key than the one in the package")
        if not ed25519_verify(public, text.encode(), raw[4:]):
            raise Invalid("the signature is wrong")

    # -- the entries: skeleton and categories side by side, each file once, in constant memory

    def check_rows(self):
        s = self.scope
        self.next, self.broken = s.first, False
        self.prev = s.genesis.hash if s.first == 0 else None  # the leaf before; None when it is not known
        self.recorded, self.bounded = 0, s.first == 0
        self.counts = {"entries": 0, "shown": {}, "not_selected": 0, "undetermined": 0, "not_collected": 0}
        self.categories = [c for c in s.included if category_file(c, "entries.jsonl") in self.members]
        self.sources = [Source(self, c) for c in self.categories]
        if SKELETON not in self.members:
            return
        for number, line in self.open(SKELETON).lines():
            where = dict(file=SKELETON, line=number)
            try:
                seq, leaf, content = parse_skeleton_line(line)
            except Invalid as e:
                self.find(INTEGRITY, f"the line is malformed: {e}", **where)
                self.next, self.broken, self.prev = self.next + 1, True, None
                continue
            if not self.next <= seq < s.end:
                self.find(COMPLETENESS, "the entry is out of order, repeated or out of the range", seq=seq, **where)
                continue
            self.expect_none_before(seq)
            self.check_entry(seq, leaf, content)
            self.next, self.prev = seq + 1, leaf
            if not self.broken:
                s.root.add(leaf)
                if s.anchor and s.anchor.proven and seq < s.anchor.covers.size:
                    s.anchor.root.add(leaf)
                if self.controls and self.controls.root and seq < self.controls.end:
                    self.controls.root.add(leaf)
        self.expect_none_before(s.end)
        self.orphans(lambda shown: True)
        if not self.broken and s.root.root() != s.checkpoint.root:
            self.find(INTEGRITY, "the leaves lead to another root than the checkpoint's", file=CHECKPOINT)
        a = s.anchor if s.anchor and s.anchor.proven else None
        if a and not self.broken and a.root.root() != a.covers.root:
            self.find(INTEGRITY, "the leaves lead to another root than the registry's entry says", file=ANCHOR_ENTRY)
        c = self.controls if self.controls and self.controls.root else None
        if c and not self.broken and c.root.root() != c.expected:
            self.find(INTEGRITY, "the leaves lead to another root than the one that was assessed", file=CONTROLS)
        if not self.bounded:
            self.find(COMPLETENESS, "the range must start at entry 0, or at one that is shown to be recorded more than "
                                    "five minutes before the period", file=SKELETON, seq=s.first)

    def expect_none_before(self, seq):
        if self.next < seq:
            which = "the entry has" if self.next == seq - 1 else f"the entries {self.next} to {seq - 1} have"
            self.find(COMPLETENESS, f"{which} no line", file=SKELETON, seq=self.next)
            self.broken, self.prev = True, None  # what a missing leaf would have led to cannot be told

    def orphans(self, passed):
        """Entries that a category shows and that the skeleton has passed without listing them."""
        for source in self.sources:
            while source.entry and passed(source.seq):
                self.find(COMPLETENESS, "the skeleton does not list the entry there", **source.where)
                source.advance()

    def check_entry(self, seq, leaf, content):
        self.orphans(lambda shown: shown < seq)
        shown = [source for source in self.sources if source.entry and source.seq == seq]
        if content:
            with self.blaming(INTEGRITY, file=SKELETON, seq=seq):
                self.check_hidden(seq, leaf, Entry(*content), shown)
        elif shown:
            self.check_shown(leaf, shown)
        elif self.failures and len(self.sources) < len(self.scope.included):
            self.counts["entries"] += 1
            self.counts["not_collected"] += 1
        else:
            self.find(COMPLETENESS, "the entry is listed as exported, and no file shows it", file=SKELETON, seq=seq)
        for source in shown:
            source.advance()

    def check_hidden(self, seq, leaf, entry, shown):
        """An entry that is listed with its record and is not exported."""
        where = dict(file=SKELETON, seq=seq, entry_id=entry.record.entry_id)
        if (entry.record.seq, entry.leaf) != (seq, leaf):
            raise Invalid(f"the record is of entry {entry.record.seq} and hashes to {format_hash(entry.leaf)}, "
                          "which is not the line's number and leaf")
        entry.check()
        category, reason = self.check_place(entry, where)
        if shown:
            self.find(COMPLETENESS, f"the entry is listed as not exported, and {shown[0].name} shows it", **where)
        elif reason == EXPORTED:
            self.find(COMPLETENESS, f"the entry matches the request and is not shown in {category}", **where)
        elif reason == UNDETERMINED:
            self.find(COMPLETENESS, "the fields that the request tests were erased", CANNOT_TELL, **where)
        else:
            self.counts["not_selected"] += 1

    def check_shown(self, leaf, shown):
        """An entry that a category shows."""
        entry, where = shown[0].entry, shown[0].where
        for other in shown[1:]:
            self.find(COMPLETENESS, f"{other.name} shows the entry too", **where)
        if entry.leaf != leaf:
            self.find(INTEGRITY, f"the record hashes to {format_hash(entry.leaf)}, not the skeleton's leaf", **where)
            return
        if not entry.sound:
            return  # was found when it was read
        category, reason = self.check_place(entry, where)
        if reason != EXPORTED:
            self.find(COMPLETENESS, f"the entry is shown although the request does not select it: {reason}", **where)
        elif category != shown[0].category:
            self.find(COMPLETENESS, f"the entry belongs to {category}", **where)
        else:
            self.counts["shown"][category] = self.counts["shown"].get(category, 0) + 1

    def check_place(self, entry, where):
        """What a record says of its place: ledger, predecessor, time. Returns what the filter says of the entry."""
        s, record = self.scope, entry.record
        if self.controls and self.controls.named.get(record.seq, record.entry_id) != record.entry_id:
            self.find(INTEGRITY, "an exception names the entry otherwise", file=CONTROLS, seq=record.seq)
        if record.origin != s.origin:
            self.find(INTEGRITY, f"the record is of the ledger {record.origin}", **where)
        if self.prev not in (None, record.prev):
            self.find(INTEGRITY, f"the record names another predecessor than {format_hash(self.prev)}", **where)
        if record.recorded_at < self.recorded:
            self.find(INTEGRITY, "it was recorded before the entry in front of it", **where)
        self.recorded = record.recorded_at
        if s.first > 0 and record.seq == s.first:
            self.bounded = record.recorded_at < s.request.start - MAX_FUTURE_EVENT
        if s.first > 0 and not entry.time_erased and entry.time > record.recorded_at + MAX_FUTURE_EVENT:
            self.find(COMPLETENESS, "the event claims a time long after its recording, so events of the period could "
                                    "stand before the range", CANNOT_TELL, **where)
        outcome = s.request.judge(entry)
        self.counts["entries"] += 1
        self.counts["undetermined"] += outcome[1] == UNDETERMINED
        return outcome

    # -- every file is expected, is listed as it is, and reads as it must

    def check_files(self):
        want = DOCUMENTS | {SKELETON} | ({CONTROLS} if self.version != FIRST_VERSION else set())
        if self.scope:
            want |= {INTRODUCTIONS} if self.scope.introductions else set()
            want |= {ANCHOR_ENTRY, REGISTRY_NOTE} | set(self.scope.anchor.files()) if self.scope.anchor else set()
            want |= {category_file(c, n) for c in self.categories for n in ("entries.jsonl", "entries.csv", "IPE.json")}
            for c in set(self.scope.included) - set(self.categories) if not self.failures else ():
                self.find(COMPLETENESS, f"the request includes {c}, the package does not, and names no failure")
            for name, content in self.scope.sources().items():
                # Where rows do not fit the request, that is what is wrong.
                if self.report.status[COMPLETENESS] != FAILED and self.docs.get(name, content) != content:
                    self.find(INTEGRITY, "the file says more or other than what a verifier understands", file=name)
        for name, m in self.members.items():
            if name not in want:
                self.find(INTEGRITY, "the file is not part of such a package", file=name)
            if m.stored != (name in UNPACKED):
                self.find(INTEGRITY, "the file is not packed in the way that packages do", file=name)
        for name in sorted(want - set(self.members)):
            self.find(INTEGRITY, "the file is missing", file=name)

    def check_manifests(self):
        for name in self.members:
            for _ in (self.files.get(name) or self.open(name)).blocks:
                pass  # what was not read yet is hashed
        self.compare_list(MANIFEST, lambda n: n.startswith("data/"), lambda f: f.sha)
        self.compare_list(TAGMANIFEST, lambda n: not n.startswith(("data/", TAGMANIFEST)), lambda f: f.sha)
        self.compare_list(PACKED, lambda n: n not in UNPACKED, lambda f: f.packed_sha)

    def compare_list(self, name, covers, digest):
        """In both directions, and the list must be in its one form, as sha256sum writes it, sorted."""
        if name not in self.docs:
            return  # is found as missing
        lines = [line.split("  ", 1) for line in self.docs[name].decode("utf-8", "replace").split("\n")]
        listed = {line[1]: line[0] for line in lines if len(line) == 2}
        sums = {n: digest(f).hexdigest() for n, f in self.files.items() if covers(n) and f.finished}
        unread = {n for n, f in self.files.items() if covers(n) and not f.finished}  # was found when it was read
        for n in sorted(set(sums) | set(listed) | unread):
            if n not in listed:
                self.find(INTEGRITY, f"the file is not listed in {name}", file=n)
            elif n in sums and listed[n] != sums[n]:
                self.find(INTEGRITY, f"the file is not the one in {name}", file=n)
            elif n not in sums and n not in unread:
                self.find(INTEGRITY, f"it lists {n:.200}, which is not in the package", file=name)
        form = "".join(f"{sums[n]}  {n}\n" for n in sorted(sums))
        if not unread and listed == sums and self.docs[name] != form.encode():
            self.find(INTEGRITY, "it is not in its one form: sorted, and with lower-case digits", file=name)

    # -- never green on nothing

    def conclude(self):
        s, report = self.scope, self.report
        if s is None:
            self.find(COMPLETENESS, "the package does not say what it should hold", CANNOT_TELL)
            return
        for f in self.failures:
            self.find(COMPLETENESS, f"the package is partial: {f:.500}", CANNOT_TELL, file=POPULATION)
        if s.first == s.end:
            self.find(COMPLETENESS, "the range is empty, so there is nothing that could be complete", CANNOT_TELL)
        if report.status[INTEGRITY] != OK and report.status[COMPLETENESS] == OK:
            self.find(COMPLETENESS, "without integrity, completeness has no basis", CANNOT_TELL)
        report.about = dict(s.about, export_id=s.export_id, origin=s.origin, first_seq=s.first, end_seq=s.end,
                            frozen_at=s.frozen_at, counts=self.counts)
        if is_vkey(s.vkey):
            report.about["key_fingerprint"] = fingerprint(parse_vkey(s.vkey)[1])
        if s.anchor and s.anchor.proven:
            report.about["anchored_through"] = s.anchor.covers.size - 1
            places = ", ".join(p["place"] for p in s.anchor.places)
            report.notes.append(f"Others are said to have seen the ledger through entry {s.anchor.covers.size - 1}: "
                                f"{places}. What leads there holds; whether their cosignatures and time-stamp tokens "
                                "do, this program cannot tell: ask sealbook verify.")
        report.notes.append(f"{', '.join(DERIVED)} were compared with the signed lists only, not made again from the "
                            "entries; whether they say what the entries lead to, sealbook verify tells.")


def verify_package(f, trust):
    return PackageVerifier(f, trust).report


# ---------------------------------------------------------------- docs/vectors.json

def vector_canonical(v):
    return parse_i_json(base64.b64decode(v["input"]))[1].decode() == v["canonical"]


def vector_field(v):
    if "commitment" in v and "salt" not in v:
        return Field(v["path"], commitment=decode_hash(v["commitment"]))
    value = v["value"] if isinstance(v["value"], str) and "commitment" in v else json.dumps(v["value"])
    return Field(v["path"], decode_base64(v["salt"], 16, "salt"), parse_i_json(value.encode())[1])


def vector_payload(v):
    fields = [vector_field(f) for f in v["fields"]]
    if "payload" in v:
        payload, seed = join(fields, {f.path: parse_i_json(f.value)[0] for f in fields}), base64.b64decode(v["seed"])
        salts = [hmac.new(seed, f["path"].encode(), hashlib.sha256).digest()[:16] for f in v["fields"]]
        if canonical(payload) != v["payload"] or salts != [base64.b64decode(f["salt"]) for f in v["fields"]]:
            return False
    return payload_root(fields) == decode_hash(v["root"])


def vector_inclusion(v):
    check_inclusion(v["index"], v["size"], decode_hash(v["leaf"]), [decode_hash(h) for h in v["proof"]],
                    decode_hash(v["root"]))
    return True


def vector_range(v):
    first, end, size = v.get("first", 0), v.get("end", v["size"]), v["size"]
    left, right = ([decode_hash(h) for h in v.get(side, [])] for side in ("left", "right"))
    root = RangeRoot(first, end, size, left, right)
    for i in range(first, end):
        root.add(leaf_hash(b"%d" % i))  # as the leaves of all these trees are
    if root.root() != decode_hash(v["root"]):
        raise Invalid("the range leads to another root")
    return True


def vector_checkpoint(v):
    c = open_checkpoint(v["note"].encode(), v["key"])
    return (c.origin, c.size, c.root) == (v["origin"], v["size"], decode_hash(v["root"]))


def vector_receipt(v):
    report = verify_receipt(v["receipt"], Trust([v["key"]]))
    if report.exit() and (report.status[INTEGRITY], report.status[AUTHENTICITY]) == (v["integrity"], v["authenticity"]):
        raise Invalid("; ".join(f["message"] for f in report.findings))
    return not report.exit()


VECTORS = {"canonical": vector_canonical, "payloads": vector_payload, 
           "commitments": lambda v: vector_field(v).commitment == decode_hash(v["commitment"]),
           "records": lambda v: (Record(v["record"].encode()).entry_id == v["entry_id"]
                                 and format_hash(leaf_hash(v["record"].encode())) == v["leaf"]),
           "geneses": lambda v: format_hash(Genesis(v["genesis"].encode()).hash) == v["hash"],
           "trees": vector_range, "inclusion": vector_inclusion, "ranges": vector_range,
           "checkpoints": vector_checkpoint, "proofs": lambda v: Proof(v["proof"]).index == v["index"],
           "receipts": vector_receipt}


def check_vectors(name):
    """A vector with an error must be refused, and the message must hold that text."""
    with open(name, encoding="utf-8") as f:
        vectors = json.load(f)
    if vectors.get("format") != "sealbook-vectors/v1" or not set(VECTORS) <= set(vectors):
        print("these are not the vectors that this program knows")
        return 2
    count = wrong = 0
    for kind, check in VECTORS.items():
        for v in vectors[kind]:
            count += 1
            try:
                got, good = "accepted", check(v) and "error" not in v
            except Invalid as e:
                got, good = str(e), "error" in v and v["error"] in str(e)
            if not good:
                wrong += 1
                print("%s, %s: %s" % (kind, v.get("name", v), got))
    print("%d of %d vectors fail" % (wrong, count) if wrong else "%d vectors hold" % count)
    return 1 if wrong or not count else 0


# ---------------------------------------------------------------- the command

def is_key(text):
    return bool(re.fullmatch("SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]", text.strip())) or is_vkey(text.strip())


def read_keys(given):
    keys = []
    for g in given:
        lines = [g]
        if not is_key(g) and os.path.isfile(g):
            with open(g, encoding="utf-8", errors="replace") as f:
                lines = [line.strip() for line in f if line.strip() and not line.startswith("#")]
        if not lines or not all(is_key(line) for line in lines):
            raise Invalid("%.80r is neither a verifier key, nor a fingerprint, nor a file of them" % g)
        keys += lines
    return keys


def undecided(message):
    report = Report("unknown", INTEGRITY, COMPLETENESS, AUTHENTICITY)
    for verdict in report.status:
        report.find(verdict, message, CANNOT_TELL)
    return report


def verify_receipts(text, trust):
    """A file holds one receipt or several, one after the other."""
    decoder = json.JSONDecoder(parse_constant=refuse_constant, parse_int=str, parse_float=str)
    at = 0
    while at < len(text):
        try:
            receipt, at = decoder.raw_decode(text, at)
        except (Invalid, ValueError, RecursionError) as e:
            report = Report("receipt", INTEGRITY, AUTHENTICITY)
            report.find(INTEGRITY, "what follows is not whole JSON: %s" % e)
            report.status[AUTHENTICITY] = CANNOT_TELL
            yield report
            return
        if not isinstance(receipt, dict) or type(receipt.get("receipt")) is not str:
            yield undecided("this is neither an evidence package nor a receipt")
            return
        yield verify_receipt(receipt, trust)
        at = re.compile(r"[ \t\r\n]*").match(text, at).end()


def verify_file(f, trust):
    """Tells a package from a receipt by its first byte, not its name; gives a report for each receipt."""
    start = f.read(1)
    f.seek(0)
    if start == b"{":
        yield from verify_receipts(f.read(256 << 20).decode("utf-8", "replace"), trust)
    elif start:
        yield verify_package(f, trust)
    else:
        yield undecided("the file is empty: there is nothing to check")


def report_json(name, report):
    return json.dumps(dict(report.about, file=name, kind=report.kind, exit=report.exit(), **report.status,
                           findings=report.findings, more_findings=report.more, notes=report.notes))


def visible(text):
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))


def report_text(name, report):
    lines = [visible(name)]
    about = dict(report.about)
    counts = dict(about.pop("counts", {}))
    shown = counts.pop("shown", {})
    lines += ["  %-16s %s" % (k, visible(v)) for k, v in about.items()]
    lines += ["  %10d  %s" % (n, k) for k, n in [("shown as " + c, n) for c, n in shown.items()] + list(counts.items())]
    lines += ["%-13s %s" % (verdict, status) for verdict, status in report.status.items()]
    for f in report.findings:
        place = ", ".join("%s %s" % (k, visible(f[k])) for k in ("file", "line", "seq", "entry_id") if f.get(k))
        lines.append("  %s: %s" % (": ".join([f["verdict"]] + [place] * bool(place)), visible(f["message"])))
    if report.more:
        lines.append("  … and %d more" % report.more)
    end = ("VERIFIED", "FAILED: do not rely on it", "CANNOT TELL: nothing is wrong, but not everything is proven")
    return "\n".join(lines + [end[report.exit()]] + ["Note: " + n for n in report.notes]) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Checks evidence packages and receipts offline.")
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--key", action="append", default=[],
                        help="trust KEY: a verifier key, a fingerprint (SHA256:…), or a file of them; repeatable")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each package and receipt")
    parser.add_argument("--vectors", metavar="FILE", help="check this program against the vectors of the ledger format")
    options = parser.parse_args()
    if options.vectors:
        return check_vectors(options.vectors)
    if not options.files:
        parser.error("give a FILE")
    try:
        trust = Trust(read_keys(options.key))
    except Invalid as e:
        parser.error(str(e))
    exits = set()
    for name in options.files:
        try:
            with open(name, "rb") as f:
                for report in verify_file(f, trust):
                    exits.add(report.exit())
                    print((report_json if options.json else report_text)(name, report))
        except OSError as e:
            print("%s: it cannot be read: %s" % (name, e), file=sys.stderr)
            exits.add(2)
    return 1 if 1 in exits else 2 if 2 in exits else 0


if __name__ == "__main__":
    sys.exit(main())
