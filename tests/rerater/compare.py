#!/usr/bin/env python3
"""compare.py OUT_A OUT_B [--late] [--reject-reasons] [--max N]: two output folders, record by record; exit 1 if they differ.
rated, filtered, suspended: by (source, record_id). duplicate, rejected: by (source, file, line) (a rejected one has no key).
`late` has no definition in the specification: compared only with --late.
summary.json: every total that both know.
Rejection reasons have no names in the specification: REJECT_ALIASES maps spellings; --reject-reasons compares them."""
import csv, json, os, sys
from datetime import datetime
from decimal import Decimal

REJECT_ALIASES = {}      # e.g. "malformed": "garbage"
COLS = "account_id plan tariff zone duration_ms units charge vat vat_rate not_owed cut_off_at flags".split()
NUM = "duration_ms units charge vat vat_rate not_owed".split()


def ts(s):
    return datetime.fromisoformat(s.replace("Z", "+00:00")).timestamp() if s else ""


def rows(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def load(d, late, rej):
    out = {}

    def put(k, v):
        while k in out:                # a key that should be single stands twice: keep it visible
            k = k + ("again",)
        out[k] = v
    for r in rows(os.path.join(d, "rated.csv")):
        v = dict(outcome="rated")
        for c in COLS:
            x = (r.get(c) or "").strip()
            if c in NUM:
                x = Decimal(x.rstrip("%") or "0").normalize()
                x = Decimal(0) if x == 0 else x
            elif c == "cut_off_at":
                x = ts(x)
            elif c == "flags":
                x = {y for y in x.replace(",", ";").replace(" ", ";").split(";") if y}
                if not late:
                    x.discard("late")
                x = tuple(sorted(x))
            v[c] = x
        if "part" in v["flags"]:       # a part that carries nothing: only where it went and that it costs nothing
            v = {k: v[k] for k in ("outcome", "account_id", "plan", "tariff", "zone", "charge", "not_owed")}
            v["flags"] = ("part",)
        for c in ("charge", "vat", "not_owed"):
            if "." not in r[c] or len(r[c].split(".")[1]) != 2:
                v["format_" + c] = r[c]
        put((r["source"], r["record_id"]), v)
    for name in ("filtered", "suspended"):
        for r in rows(os.path.join(d, name + ".csv")):
            put((r["source"], r["record_id"]), dict(outcome=name, reason=r["reason"]))
    for name in ("duplicate", "rejected"):
        for r in rows(os.path.join(d, name + ".csv")):
            v = dict(outcome=name)
            if name == "duplicate":
                v["reason"] = "differs" if "differs" in (r["reason"] + " " + r["detail"]) else "same"
            elif rej:
                x = r["reason"].strip().lower().replace("-", "_").replace(" ", "_")
                v["reason"] = REJECT_ALIASES.get(x, x)
            put((r["source"], "%s:%s" % (os.path.basename(r["file"]), r["line"])), v)
    return out


def totals(d):
    """summary.json as flat names and values; the time that it took and reasons of rejection left out"""
    with open(os.path.join(d, "summary.json"), encoding="utf-8") as f:
        s = json.load(f)
    out = {k: s[k] for k in ("charged", "vat", "not_owed", "reversed", "accounts")}
    out["filtered"], out["suspended"] = dict(s["filtered"]), dict(s["suspended"])
    for r in [dict(s["records"], name="all")] + s["files"]:
        for k in ("in", "rated", "filtered", "duplicate", "suspended", "rejected"):
            out["%s %s" % (r["name"], k)] = r[k]
    return out


def short(v):
    if v is None:
        return "-absent-"
    s = v["outcome"]
    if "reason" in v:
        s += "(%s)" % v["reason"]
    elif "units" in v:
        s += "({:f} units {:f} not_owed {:f})".format(v["units"], v["charge"], v["not_owed"])
    return s


def main(argv):
    late, rej = "--late" in argv, "--reject-reasons" in argv
    limit = int(argv[argv.index("--max") + 1]) if "--max" in argv else 10 ** 9
    args = [a for i, a in enumerate(argv) if not a.startswith("--") and (i == 0 or argv[i - 1] != "--max")]
    a, b = load(args[0], late, rej), load(args[1], late, rej)
    n = 0
    for k in sorted(set(a) | set(b)):
        x, y = a.get(k), b.get(k)
        if x == y:
            continue
        n += 1
        if n > limit:
            continue
        if x and y and x["outcome"] == y["outcome"]:
            d = ", ".join("%s %s | %s" % (c, x.get(c), y.get(c)) for c in sorted(set(x) | set(y)) if x.get(c) != y.get(c))
            print("%s %s: %s" % ("/".join(k), x["outcome"], d))
        else:
            print("%s: %s | %s" % ("/".join(k), short(x), short(y)))
    x, y = totals(args[0]), totals(args[1])
    for k in sorted(set(x) & set(y)):
        if x[k] != y[k]:
            n += 1
            print("summary %s: %s | %s" % (k, x[k], y[k]))
    if n:
        print("%d differences of %d" % (n, len(set(a) | set(b))))
    return 1 if n else 0


if __name__ == "__main__":
    if len([a for a in sys.argv[1:] if not a.startswith("--")]) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
