#!/usr/bin/env python3
"""make.py : writes the bulk feeds of the sample month, feeds/msc1-*.csv.gz and feeds/ggsn-2026-03-bulk.ndjson.gz.

Standard library only, fixed seed: running it again gives the same records (and, with the same zlib, the same bytes).
It reads lines.csv and accounts.csv for the accounts B-…; all other files of the folder are made by hand.
The Mersenne Twister's random() is the only source of chance, because its sequence is the same in every Python.
"""
import csv, gzip, io, json, os, random
from datetime import datetime, timedelta, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
ZONE = timezone(timedelta(hours=5))
MARCH = datetime(2026, 3, 1, tzinfo=ZONE)
MB = 1024 * 1024
rng = random.Random(20260301)
COLUMNS = ("record_id,service,a_number,b_number,setup_at,answer_at,release_at,cause,answered_by,quantity,"
           "visited_network,realtime,direction,route_in,route_out").split(",")


def number(below):
    return int(rng.random() * below)


def pick(weighted):
    """one of [(weight, value)]"""
    at = rng.random() * sum(weight for weight, _ in weighted)
    for weight, value in weighted:
        at -= weight
        if at < 0:
            return value
    return weighted[-1][1]


def text(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + "%03d+05:00" % (at.microsecond // 1000)


def instant(day=None):
    """busy at ten, three and eight, quiet at night"""
    day = number(31) if day is None else day
    hour = pick([(1, 0), (1, 1), (1, 3), (1, 6), (3, 7), (5, 8), (8, 9), (10, 10), (9, 11), (7, 12), (7, 13), (8, 14), (9, 15),
                 (8, 16), (7, 17), (7, 18), (8, 19), (9, 20), (7, 21), (4, 22), (2, 23)])
    return MARCH + timedelta(days=day, hours=hour, milliseconds=number(3600000))


def length_ms():
    """talk time: many short calls, few long ones; now and then exactly at the end of a unit"""
    seconds = pick([(3, 0.2 + rng.random() * 9), (8, 10 + rng.random() * 80), (5, 90 + rng.random() * 400), (1, 600 + rng.random() * 3000)])
    if rng.random() < 0.06:
        return 10000 * (1 + number(12)) + number(3) - 1
    return int(seconds * 1000)


NIGHT_CAUSES = [(30, "q850:17"), (25, "q850:19"), (20, "q850:16"), (6, "q850:18"), (6, "q850:20"), (5, "q850:1"), (4, "q850:34"),
                (3, "q850:21"), (2, "q850:41"), (2, "q850:28"), (2, "q850:127"), (1, "q850:102"), (1, "")]


def destination(kind):
    """a called number as dialled; only made-up subscribers behind real area codes"""
    d = lambda n: "".join(str(number(10)) for _ in range(n))
    return pick([
        (30, lambda: "26" + d(5)),                                                # the town
        (22, lambda: "8701000" + d(4)), (10, lambda: "8777000" + d(4)),           # mobiles
        (14, lambda: "8717200" + d(4)), (6, lambda: "8721200" + d(4)), (4, lambda: "+7732300" + d(4)),
        (6, lambda: "8495000" + d(4)), (3, lambda: "8812000" + d(4)),
        (3, lambda: "81099871000" + d(4)), (2, lambda: "81099631200" + d(4)),
        (2, lambda: "8104420794600" + d(2)), (1, lambda: "+4930231250" + d(2)), (1, lambda: "810447700900" + d(3)),
        (1, lambda: "8101212555010" + d(1)), (0.4, lambda: "8108816000" + d(4)),
        (2, lambda: "8800000" + d(4)), (1, lambda: "101"), (1, lambda: "112"), (0.5, lambda: "1414"), (0.5, lambda: "1999"),
    ])()


def main():
    with open(os.path.join(HERE, "accounts.csv"), encoding="utf-8", newline="") as f:
        plan = {row["account_id"]: row["plan"] for row in csv.DictReader(f)}
    with open(os.path.join(HERE, "lines.csv"), encoding="utf-8", newline="") as f:
        lines = [(row["line"], plan[row["account_id"]]) for row in csv.DictReader(f) if row["account_id"].startswith("B-")]
    phones = [(line, p) for line, p in lines if not p.startswith("inet")]
    logins = [line for line, p in lines if p.startswith("inet")]
    mobiles = [(line, p) for line, p in phones if p in ("prepaid", "mobile")]

    calls = []
    for _ in range(4600):
        line, p = phones[number(len(phones))]
        setup = instant()
        r = dict(service="voice", a_number=line, b_number=destination(p), setup_at=setup, route_out="loc-1")
        what = pick([(100, "call"), (14 if p in ("prepaid", "mobile") else 2, "sms"), (2, "vas"), (6 if p == "prepaid" else 0, "roam"),
                     (4, "incoming"), (1, "stranger"), (0.5, "announcement")])
        if what == "sms":
            r.update(service="sms", b_number="8701000%04d" % number(10000), quantity=1 + number(3) // 2, route_out="smsc")
        elif what == "vas":
            r.update(service="vas", b_number=["1414", "1180"][number(2)], quantity=1 + number(2), route_out="vas")
        elif what == "roam":
            r.update(b_number="+7701000%04d" % number(10000), visited_network=["TR-DEMO", "KG-DEMO", "AE-DEMO"][number(3)],
                     realtime=["true", "false", ""][number(3)], direction=["", "in"][number(2)], route_out="")
        elif what == "incoming":
            r.update(a_number="7707000%04d" % number(10000), b_number=line, direction="in", route_in="ic-orda-%d" % (1 + number(2)), route_out="")
        elif what == "stranger":
            r.update(a_number="772726999%02d" % number(100))
        if r["service"] == "voice":
            answered = rng.random() < 0.78 or what == "roam"
            ring = timedelta(milliseconds=400 + number(20000))
            if r["b_number"].startswith("8") and r["b_number"][1:4] in ("717", "495", "104"):
                r["route_out"] = "ic-orda-%d" % (1 + number(2))
            if answered:
                r["answer_at"] = setup + ring
                r["release_at"] = setup + ring + timedelta(milliseconds=length_ms())
                r["cause"] = pick([(95, "q850:16"), (3, "q850:31"), (1, "q850:41"), (0.5, "q850:102")])
                if rng.random() < 0.01:
                    r["answered_by"] = "machine"
                if what == "announcement":
                    r["answered_by"] = ["announcement", "autoresponder"][number(2)]
            else:
                r["release_at"] = setup + ring
                r["cause"] = pick(NIGHT_CAUSES)
        calls.append((r.get("release_at") or setup, len(calls), r))
    calls.sort(key=lambda one: one[:2])                    # a switch writes a record when the call ends
    week = {}
    serial = 0
    for end, _, r in calls:
        serial += 1
        r["record_id"] = "m1-%06d" % serial
        rows = week.setdefault(min(5, (end - MARCH).days // 7 + 1), [])
        rows.append(r)
        if rng.random() < 0.004:
            rows.append(r)                                 # delivered twice
    late = []
    residential = [line for line, p in phones if p in ("residential", "business")]
    for n in range(25):                                    # December 2025 that arrives with the last week
        setup = datetime(2025, 12, 20, tzinfo=ZONE) + timedelta(milliseconds=number(11 * 86400000))
        late.append(dict(record_id="m1-late-%02d" % n, service="voice", a_number=residential[number(len(residential))],
                         b_number=["8717200", "8701000", "8495000"][number(3)] + "%04d" % number(10000), setup_at=setup,
                         answer_at=setup + timedelta(seconds=5), release_at=setup + timedelta(seconds=5, milliseconds=length_ms()),
                         cause="q850:16", route_out="loc-1"))
    week[5] = week[5] + late
    for n, rows in sorted(week.items()):
        out = io.StringIO()
        w = csv.writer(out, lineterminator="\n")
        w.writerow(COLUMNS)
        for r in rows:
            w.writerow([text(r[c]) if isinstance(r.get(c), datetime) else r.get(c, "") for c in COLUMNS])
        write("msc1-2026-03-w%d.csv.gz" % n, out.getvalue())

    sessions = []
    for _ in range(1100):
        start = instant()
        if rng.random() < 0.7:
            line, p = mobiles[number(len(mobiles))]
            r = dict(service="data", a_number=line)
            if p == "prepaid" and rng.random() < 0.03:
                r.update(visited_network="TR-DEMO", realtime=rng.random() < 0.5)
        else:
            r = dict(service="internet", a_number=logins[number(len(logins))])
        seconds = 5 + number(7000)
        volume = pick([(3, number(200000)), (5, number(30 * MB)), (1, number(300 * MB))])
        r.update(setup_at=start, answer_at=start, release_at=start + timedelta(seconds=seconds, milliseconds=number(1000)),
                 bytes_up=volume // 9, bytes_down=volume - volume // 9)
        sessions.append((r["release_at"], len(sessions), r))
    sessions.sort(key=lambda one: one[:2])
    out = []
    for n, (_, _, r) in enumerate(sessions, 1):
        r = dict(record_id="g1-%06d" % n, **{k: text(v) if isinstance(v, datetime) else v for k, v in r.items()})
        out.append(json.dumps(r, separators=(",", ":")) + "\n")
    write("ggsn-2026-03-bulk.ndjson.gz", "".join(out))


def write(name, content):
    with open(os.path.join(HERE, "feeds", name), "wb") as f:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=f, mtime=0) as z:
            z.write(content.encode())
    print("%-32s %6d records" % (name, content.count("\n") - name.endswith("csv.gz")))


if __name__ == "__main__":
    main()
