"""Answers the tests, a line of JSON for each line: what does verify.py say?"""
import base64
import io
import json
import sys
import traceback

sys.path.insert(0, sys.argv[1])
import verify

limits = dict(verify.LIMITS)
zip64_size = verify.ZIP64_SIZE


def package(ask):
    verify.LIMITS = dict(limits, **{k: v for k, v in ask["limits"].items() if v})
    verify.ZIP64_SIZE = ask["zip64_size"] or zip64_size
    report = verify.verify_package(io.BytesIO(base64.b64decode(ask["package"])), verify.Trust(ask["keys"]))
    return dict(report.status, exit=report.exit(), findings=report.findings, counts=report.about.get("counts"))


def canonical(ask):
    try:
        return {"canonical": verify.parse_i_json(base64.b64decode(ask["canonical"]))[1].decode()}
    except verify.Invalid as e:
        return {"error": str(e)}


for line in sys.stdin:
    ask = json.loads(line)
    try:
        said = package(ask) if "package" in ask else canonical(ask)
    except Exception:  # whatever a hostile package does, a verifier answers
        said = {"crash": traceback.format_exc()}
    print(json.dumps(said), flush=True)
