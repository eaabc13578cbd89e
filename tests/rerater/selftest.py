#!/usr/bin/env python3
"""The worked examples of 1.10 and 2.2, and sentences of 1.2-1.8 that say a result. Expected values from the specification."""
import csv, os, sys, tempfile
from datetime import datetime, timedelta, timezone
import rerater

TZ5 = timezone(timedelta(hours=5))
T0 = datetime(2026, 3, 3, 12, 0, 0, tzinfo=TZ5)
bad = 0


def iso(t):
    return t.isoformat(timespec="milliseconds")


def run(records, rates, accounts=None, extra="", plan_extra="", head="", payments=(), lines=None, assignments=None,
        prefixes="7727,kz-ld\n7701,kz-ld\n813,intl-a\n112,emerg\n", valid_from="2000-01-01", tariffs=None, feed="", files=None):
    d = tempfile.mkdtemp()
    os.makedirs(d + "/tariffs"), os.makedirs(d + "/feeds")
    w = lambda n, s: open(os.path.join(d, n), "w").write(s)
    if tariffs is None:
        tariffs = {"t": 'name="t"\ncurrency="KZT"\nvalid_from=%s\n%s\n[zones.kz-ld]\nkind="long-distance"\n[zones.intl-a]\n'
                        'kind="international"\n[zones.emerg]\nkind="free"\n%s\n[plans.p]\n%s\n%s' % (
                            valid_from, head, extra, rates, plan_extra)}
    for n, t in tariffs.items():
        w("tariffs/%s.toml" % n, t)
    w("prefixes.csv", "prefix,zone\n" + prefixes)
    acc = accounts or [dict(account_id="A")]
    cols = "account_id plan method funding opened_on terminated_on switched_off_on opening_balance usage_limit roaming_risk_notified_on".split()
    w("accounts.csv", ",".join(cols) + "\n" + "".join(",".join(str(dict(dict(plan="p", method="credit", funding="regular",
      opened_on="2001-01-01", opening_balance="0.00"), **a).get(c, "")) for c in cols) + "\n" for a in acc))
    w("lines.csv", "line,account_id,valid_from,valid_to\n" + (lines or "77010000001,A,2000-01-01,\n"))
    w("payments.csv", "payment_id,account_id,amount,paid_at,channel\n" + "".join("p%d,%s,%s,%s,bank\n" % (i, *p) for i, p in enumerate(payments)))
    if assignments:
        w("assignments.csv", "account_id,plan,valid_from,valid_to\n" + assignments)
    if feed:
        w("esep.toml", feed)
    rows = []
    for i, r in enumerate(records):
        r = dict(r)
        t = r.pop("t", T0)
        ms = r.pop("ms", None)
        row = dict(record_id="r%d" % i, service="voice", a_number="77010000001", b_number="77272000000", cause="16",
                   setup_at=iso(t), answer_at=iso(t), release_at=iso(t + timedelta(milliseconds=ms or 0)))
        row.update(r)
        rows.append(row)
    for n, part in (files or {"feeds/a.csv": slice(None)}).items():
        with open(os.path.join(d, n), "w", newline="") as f:
            c = csv.DictWriter(f, rerater.FIELDS, restval="")
            c.writeheader()
            c.writerows(rows[part])
    _, r = rerater.main(d, d + "/out")
    return r


def what(r, i):
    e = [e for e in r.rows if e["record_id"] == "r%d" % i][0]
    if e["outcome"] != "rated":
        return e["outcome"], e["reason"]
    x = e["row"]
    cut = x["cut_off_at"]
    if cut:
        cut = "+%d" % ((datetime.fromisoformat(cut) - datetime.fromisoformat(x["answer_at"])).total_seconds())
    return x["units"], x["charge"], x["not_owed"], cut


def check(name, got, want):
    global bad
    if got != want:
        bad += 1
        print("FAIL", name, "got", got, "want", want)
    else:
        print("ok  ", name)


LD = '[[plans.p.rates]]\nservice="voice"\nzones=["kz-ld"]\nunit="10s"\nprice="4.50"\n'
INT = '[[plans.p.rates]]\nservice="voice"\nzones=["intl-a"]\nunit="60s"\nprice="95.00"\nconnect_fee="0"\n'
J = "81081312345678"
for name, rec, rates, head, want in [
    ("LD 1 ms", dict(ms=1), LD, "", (1, "4.50")), ("LD 10.000", dict(ms=10000), LD, "", (1, "4.50")),
    ("LD 10.001", dict(ms=10001), LD, "", (2, "9.00")), ("LD 61", dict(ms=61000), LD, "", (7, "31.50")),
    ("INT 60.000", dict(ms=60000, b_number=J), INT, "", (1, "95.00")),
    ("INT 60.001", dict(ms=60001, b_number=J), INT, "", (2, "190.00")),
    ("0.0333", dict(ms=25000), LD.replace("4.50", "0.0333"), "", (3, "0.10")),
    ("0.0050", dict(ms=10000), LD.replace("4.50", "0.0050"), "", (1, "0.01")),
    ("0 ms", dict(ms=0), LD + 'connect_fee="3"\nminimum_units=3\n', "", (0, "0.00")),
    ("11.50/6 rounded first", dict(ms=125000), LD.replace('"4.50"', '"11.50"\nprice_per="60s"'), 'round="unit_price"', (13, "24.96")),
    ("11.50/6", dict(ms=125000), LD.replace('"4.50"', '"11.50"\nprice_per="60s"'), "", (13, "24.92")),
    ("cause 41", dict(ms=30000, cause="41"), LD, "", (3, "13.50")),
    ("+81312345678", dict(ms=60001, b_number="+81312345678"), LD + INT, "", (2, "190.00")),
]:
    check(name, what(run([rec], rates, head=head), 0), want + ("0.00", ""))
adv = lambda **k: [dict(account_id="A", method="advance", **k)]
r = run([dict(ms=61000)], LD, adv(opening_balance="20.00"))
check("advance 20.00", what(r, 0), (7, "18.00", "13.50", "+40"))
a = r.accounts["A"]
check("balance 2.00", a.opening - a.debits, 2)
r = run([dict(ms=60001, b_number=J, visited_network="X", realtime="false")], INT.replace('connect_fee="0"', 'visited=["*"]'),
        adv(opening_balance="0", roaming_risk_notified_on="2026-03-03"))
check("roaming", what(r, 0), (2, "190.00", "0.00", ""))
check("balance -190", r.accounts["A"].opening - r.accounts["A"].debits, -190)
r = run([dict(ms=61000), dict(ms=1000, t=T0 + timedelta(minutes=5))], LD + 'connect_fee="3.00"\nminimum_units=3\n',
        adv(opening_balance="5.00"), payments=[("A", "15.00", iso(T0))])
check("payment at the instant", what(r, 0), (7, "16.50", "18.00", "+30"))
check("then 1 s", what(r, 1), (3, "0.00", "16.50", "+0"))
check("balance 3.50", r.accounts["A"].opening + 15 - r.accounts["A"].debits, rerater.F("3.50"))
r = run([dict(ms=125000)], '[[plans.p.rates]]\nservice="voice"\nzones=["kz-ld"]\nconnect_fee="3.00"\n'
        'steps=[{units=6,unit="10s",price="5"},{unit="60s",price="20"}]\n',
        plan_extra='[[plans.p.allowances]]\nservice="voice"\nzones=["kz-ld"]\nquantity="25s"\npriority=1\n')
check("steps and allowance", what(r, 0), (9, "53.00", "0.00", ""))
check("5 s stay", list(r.accounts["A"].buckets.values()), [5000])
r = run([dict(ms=35000, t=datetime(2026, 3, 7, 6, 59, 45, tzinfo=TZ5))], LD + LD.replace("4.50", "2.25") + 'window="n"\n',
        extra='[windows.n]\ndays=["fri"]\nfrom="22:00"\nto="07:00"\n', head="split=true")
check("split Friday night", what(r, 0), (4, "13.50", "0.00", ""))
# 2.2
import rerater as R
for day, want in (("2008-12-31", "1061.95"), ("2025-12-31", "1071.43"), ("2026-01-01", "1034.48")):
    check("budget payment " + day, R.money(R.net_of(R.F(1200), R.vat_percent(R.date.fromisoformat(day)))), want)
r = run([dict(ms=10, t=datetime(2025, 12, 15, 12, tzinfo=TZ5))], LD.replace("4.50", "1200.00"),
        [dict(account_id="A", funding="budget")], payments=[("A", "1200.00", "2026-01-20T10:00:00+05:00")])
a = r.accounts["A"]
check("budget December", R.money(a.opening + a.credits[0][1] - a.debits), "-36.95")
check("charge stays gross", what(r, 0), (1, "1200.00", "0.00", ""))
# sentences
r = run([dict(ms=5, answer_at="", cause=c) for c in ("17", "sip:486", "q850:19", "16", "102", "sip:487", "4", "55", "", "sip:200", "zz", "200", "27")]
        + [dict(ms=5, answered_by="announcement"), dict(ms=5, answered_by="machine", cause="18"), dict(ms=5, cause="zz")], LD)
check("filters", [what(r, i)[1] for i in range(14)], ["busy", "busy", "no_answer", "no_answer", "no_answer", "no_answer", "announcement",
      "rejected_by_party", "not_connected", "not_connected", "not_connected", "not_connected", "unavailable", "announcement"])
check("odd_cause", [r.rows[i]["row"]["flags"] for i in (14, 15)], [["odd_cause"], ["odd_cause"]])
P = lambda n, k, last="", **x: dict(call_ref="c", part=k, last=last, t=T0 + timedelta(minutes=10 * (k - 1)), ms=600000, **x)
r = run([P(1, 2), P(0, 3, "true"), P(2, 1)], LD)
check("parts", [what(r, i) for i in range(3)], [(0, "0.00", "0.00", ""), (0, "0.00", "0.00", ""), (180, "810.00", "0.00", "")])
r = run([P(1, 2), P(0, 4, "true"), P(2, 1)], LD)
check("incomplete parts", {what(r, i) for i in range(3)}, {("suspended", "incomplete_parts")})
r = run([dict(ms=5), dict(record_id="r0", ms=6), dict(ms=5, corrects="r0")], LD)
check("duplicate differs", r.rows[1]["reason"], "differs")
check("112 free", what(run([dict(ms=5000, b_number="112")], LD), 0), (0, "0.00", "0.00", ""))
check("short code needs the whole", what(run([dict(ms=5000, b_number="813")], LD + INT), 0), (1, "95.00", "0.00", ""))
check("short code 813x", what(run([dict(ms=5000, b_number="8131")], LD + INT), 0), ("suspended", "no_zone"))
check("doubled hour", what(run([dict(setup_at="2024-02-29T23:30:00.000+06:00", answer_at="2024-02-29T23:30:00.000+06:00",
      release_at="2024-02-29T23:30:00.000+05:00")], LD), 0), (360, "1620.00", "0.00", ""))
check("version at local midnight", [what(run([dict(**{k: s for k in ("setup_at", "answer_at", "release_at")})], LD,
      valid_from="2024-03-01"), 0)[0] for s in ("2024-02-29T18:59:59.999Z", "2024-02-29T19:00:00.000Z")], ["suspended", 0])
AL = lambda **k: "[[plans.p.allowances]]\nservice='voice'\nquantity='60s'\n" + "".join("%s=%s\n" % x for x in k.items())
M1, M2 = datetime(2026, 3, 20, tzinfo=TZ5), datetime(2026, 4, 2, tzinfo=TZ5)
r = run([dict(ms=20000, t=M1), dict(ms=120000, t=M2)], LD, [dict(account_id="A", plan="q")], assignments="A,p,2026-03-01,\n",
        plan_extra=AL(priority=1, carry_over="true"))
check("carried over", what(r, 1), (12, "9.00", "0.00", ""))
r = run([dict(ms=20000, t=M1), dict(ms=120000, t=M2)], LD, plan_extra=AL(priority=1))
check("lapsed", what(r, 1), (12, "27.00", "0.00", ""))
r = run([dict(ms=50000, t=M1)], LD, [dict(account_id="A", plan="q")], plan_extra=AL(priority=1, ), assignments="A,p,2026-03-17,\n")
check("prorated 15/31 of 60 s = 29 s", what(r, 0), (5, "13.50", "0.00", ""))
r = run([dict(ms=50000, t=M1)], LD, [dict(account_id="A", plan="q")], plan_extra=AL(priority=1, proration='"full"'), assignments="A,p,2026-03-17,\n")
check("full", what(r, 0), (5, "0.00", "0.00", ""))
r = run([dict(ms=50000)], LD, plan_extra=AL(priority=20).replace("60s", "35s") + AL(priority=10).replace("60s", "15s"))
check("two allowances, whole units of each", (what(r, 0), list(r.accounts["A"].buckets.values())), ((5, "4.50", "0.00", ""), [5000, 5000]))
r = run([dict(ms=5000, corrects="x"), dict(ms=11000, corrects="r0")], LD, adv(opening_balance="9.00"))
check("reversal gives the money back", (what(r, 1), r.accounts["A"].debits), ((2, "9.00", "0.00", ""), 9))
NV = LD.replace("4.50", "0.125")
r = run([dict(ms=10000)], NV, head="prices_include_vat=false")
check("without VAT: 0.125 -> 0.13 + 0.02", r.rows[0]["row"]["charge"] + " " + r.rows[0]["row"]["vat"], "0.15 0.02")
r = run([dict(ms=5000, service="data", b_number="", bytes_up="1000", bytes_down="25", answer_at="", release_at="")],
        '[[plans.p.rates]]\nservice="data"\nunit="1KB"\nprice="1"\n')
check("data 1025 bytes", what(r, 0), (2, "2.00", "0.00", ""))
r = run([dict(ms=5000), dict(ms=5001)], LD + 'free="5s"\nconnect_fee="2"\n')
check("free threshold", [what(r, i)[1] for i in (0, 1)], ["0.00", "6.50"])
# the product's decisions (README.md)
NET = '[[plans.p.rates]]\nservice="data"\nunit="60s"\nprice="1"\n'
r = run([dict(service="data", b_number="", release_at=""), dict(service="data", b_number="", ms=60001)], NET)
check("data by time needs a release", [what(r, i) for i in (0, 1)], [("suspended", "no_rate"), (2, "2.00", "0.00", "")])
VAS = '[[plans.p.rates]]\nservice="vas"\nunit="event"\nprice="6"\n'
r = run([dict(b_number="", ms=5), dict(service="sms", b_number=""), dict(service="vas", b_number="")], LD + VAS)
check("no b_number", [what(r, i)[:2] for i in range(3)], [("suspended", "no_zone"), ("suspended", "no_zone"), (1, "6.00")])
ROAM = LD.replace('zones=["kz-ld"]', 'visited=["*"]')
r = run([dict(ms=10000, visited_network="X"), dict(ms=10000)], LD + ROAM, plan_extra=AL(priority=1))
check("an allowance is for usage at home", [what(r, i)[1] for i in (0, 1)], ["4.50", "0.00"])
r = run([dict(ms=10000, visited_network="X"), dict(ms=10000)], LD + ROAM, plan_extra=AL(priority=1, visited='["*"]'))
check("unless it names the networks", [what(r, i)[1] for i in (0, 1)], ["0.00", "4.50"])
r = run([dict(ms=55000)], LD + "minimum_units=4\n", adv(opening_balance="9.00"), plan_extra=AL(priority=1).replace("60s", "30s"))
check("no minimum after an allowance", what(r, 0), (6, "9.00", "4.50", "+50"))
print("FAILED %d" % bad if bad else "all ok")
sys.exit(bad > 0)
