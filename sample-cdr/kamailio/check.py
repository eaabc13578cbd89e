#!/usr/bin/env python3
"""check.py CSV: compares the switch's records with what the SIPp callers saw (the file NAME_sipp.csv in this folder)."""
import csv
import datetime as dt
import os
import sys

ZONE = dt.timezone(dt.timedelta(hours=5))  # Asia/Almaty, the SWITCH_TZ default of run.sh


def epoch(s):
    f = "%Y-%m-%d %H:%M:%S.%f" if "." in s else "%Y-%m-%d %H:%M:%S"
    return dt.datetime.strptime(s, f).replace(tzinfo=ZONE).timestamp()


out = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))
sipp = os.path.join(here, os.path.basename(out)[:-4] + "_sipp.csv")
seen = {r["call_id"]: r for r in csv.DictReader(open(sipp))}
rows = list(csv.DictReader(open(out)))
assert len(rows) == len(seen) == len({r["call_id"] for r in rows})
span = {}


def note(k, v):
    lo, hi = span.get(k, (v, v))
    span[k] = (min(lo, v), max(hi, v))


for r in rows:
    x = seen[r["call_id"]]
    assert (x["caller"], x["callee"], x["scenario"]) == (r["caller"], r["callee"], r["scenario"])
    assert (r["answered"] == "1") == (r["answer_time"] != "") == (x["answer"] != "") == (r["sip_code"] == "200")
    note("setup_time - caller's INVITE", epoch(r["setup_time"]) - float(x["invite"]))
    note("release_time - caller's release", epoch(r["release_time"]) - float(x["release"]))
    if r["answered"] == "1":
        talk = float(x["release"]) - float(x["answer"])
        note("answered: answer_time - caller's 200", epoch(r["answer_time"]) - float(x["answer"]))
        note("answered: answer_time - start_time", epoch(r["answer_time"]) - epoch(r["start_time"]))
        note("answered: setup_time - start_time", epoch(r["setup_time"]) - epoch(r["start_time"]))
        note("answered: release_time - end_time", epoch(r["release_time"]) - epoch(r["end_time"]))
        note("answered: duration - talk time", float(r["duration"]) - talk)
        note("answered: duration - (release_time - answer_time)",
             float(r["duration"]) - (epoch(r["release_time"]) - epoch(r["answer_time"])))
        note("answered: duration - (end_time - start_time)",
             float(r["duration"]) - (epoch(r["end_time"]) - epoch(r["start_time"])))
    else:
        assert r["start_time"] == r["end_time"] and float(r["duration"]) == 0
        note("failed: setup_time - start_time", epoch(r["setup_time"]) - epoch(r["start_time"]))
        note("failed: release_time - end_time", epoch(r["release_time"]) - epoch(r["end_time"]))
print(f"{out}: {len(rows)} records, {sum(r['answered'] == '1' for r in rows)} answered")
for k, (lo, hi) in sorted(span.items()):
    print(f"  {k:55s} {lo:9.3f} .. {hi:9.3f}")
