#!/usr/bin/env python3
"""The same charges through PostgreSQL and esep: sums per account must agree to the tiyn, then time counts.

    postgres.py --esep target/release/esep [--records 1000000] [--rounds 5] [--only esep,copy,keyed]

esep has the whole path: CSV, rated, posted, durable, sealed. PostgreSQL is given charges that are rated already, and
sums that are made already: COPY of a batch, update of its accounts' balances, COMMIT.

Exit 0: agreed and measured. 1: sums differ. 2: something could not be run.
"""
import argparse, collections, csv, glob, json, os, pwd, shutil, signal, subprocess, sys, tempfile, time

import peers

VARIANTS = ("copy", "keyed")
# Durable at COMMIT, whatever happens; everything else as it is fastest.
SETTINGS = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_sync_method": "fdatasync",
    "shared_buffers": "2GB", "huge_pages": "try", "work_mem": "64MB", "maintenance_work_mem": "512MB",
    "wal_level": "minimal", "max_wal_senders": "0", "wal_buffers": "64MB", "wal_compression": "off",
    "min_wal_size": "4GB", "max_wal_size": "16GB", "checkpoint_timeout": "1h", "wal_init_zero": "on",
    "autovacuum": "off", "jit": "off", "track_activities": "off", "track_counts": "off", "bgwriter_lru_maxpages": "0",
    "listen_addresses": "''", "logging_collector": "off", "log_checkpoints": "off",
}
CHARGES = """CREATE TABLE charges (
  record_id text NOT NULL{key}, account_id bigint NOT NULL, answer_at timestamptz NOT NULL, duration bigint NOT NULL,
  units bigint NOT NULL, charge bigint NOT NULL, vat bigint NOT NULL, vat_rate smallint NOT NULL,
  plan smallint NOT NULL, zone smallint NOT NULL, service smallint NOT NULL);"""
# Room on every page, so that an update stays on its page and touches no index.
BALANCES = """CREATE TABLE balances (account_id bigint PRIMARY KEY, balance bigint NOT NULL, charges bigint NOT NULL)
  WITH (fillfactor = 50);"""


# ---------------------------------------------------------------- a cluster of our own
class Cluster:
    def __init__(self, bin_dir, place):
        self.bin, self.place, self.data = bin_dir, place, f"{place}/data"
        # PostgreSQL does not run as root.
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        os.makedirs(place)
        if os.geteuid() == 0:
            shutil.chown(place, self.user)
        self.call("initdb", "-D", self.data, "-U", "esep", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with open(f"{self.data}/postgresql.conf", "a") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
            conf.write(f"unix_socket_directories = '{place}'\n")
        self.postmaster = subprocess.Popen(
            [f"{bin_dir}/postgres", "-D", self.data], stdout=subprocess.DEVNULL, stderr=open(f"{place}/log", "w"),
            **self.as_user())
        for _ in range(600):
            ready = subprocess.run([f"{bin_dir}/pg_isready", "-q", "-h", place], stdout=subprocess.DEVNULL)
            if ready.returncode == 0:
                return
            if self.postmaster.poll() is not None:
                break
            time.sleep(0.1)
        with open(f"{place}/log") as log:
            stop(f"PostgreSQL did not start:\n{log.read()}")

    def as_user(self):
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def call(self, program, *arguments):
        done = subprocess.run([f"{self.bin}/{program}", *arguments], capture_output=True, cwd=self.place, **self.as_user())
        if done.returncode:
            stop(f"{program}: {done.stderr.decode()}")

    def psql(self):
        return [f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.place, "-U", "esep",
                "-d", "postgres"]

    def sql(self, text):
        done = subprocess.run([*self.psql(), "-c", text], capture_output=True, text=True)
        if done.returncode:
            stop(done.stderr)
        return done.stdout

    def used(self):
        """CPU seconds that the server and everything it started have used so far."""
        pid = self.postmaster.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            living = [int(child) for child in f.read().split()]
        ticks = sum(fields_of(pid)[11:15])
        for child in living:
            ticks += sum(fields_of(child)[11:13])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.postmaster.send_signal(signal.SIGINT)
        self.postmaster.wait()


def fields_of(pid):
    """`/proc/PID/stat` behind the name of the program; 11 to 14 are user and system ticks, own and of its children."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return [0] * 15
    return [int(field) if field.lstrip("-").isdigit() else 0 for field in fields]


def stop(why):
    print(why, file=sys.stderr)
    sys.exit(2)


# ---------------------------------------------------------------- what is loaded, made before any clock runs
def batches(rated, place, size):
    """Charges of a `rated.csv` as files for COPY, with the sums of each batch. What each account was charged."""
    whole, counts = collections.Counter(), collections.Counter()
    names = collections.defaultdict(lambda: collections.defaultdict(int))
    number = lambda column, text: names[column].setdefault(text, len(names[column]))
    made = []

    def write(rows, sums):
        path = f"{place}/batch-{len(made):05}"
        with open(path, "w") as f:
            f.writelines(rows)
        with open(f"{path}.sums", "w") as f:
            f.writelines(f"{account}\t{charge}\t{n}\n" for account, (charge, n) in sorted(sums.items()))
        made.append(path)

    rows, sums = [], {}
    with open(rated, newline="") as f:
        for row in csv.DictReader(f):
            account, charge = int(row["account_id"]), int(row["charge"].replace(".", ""))
            vat = int(row["vat"].replace(".", ""))
            rows.append(f"{row['source']}/{row['record_id']}\t{account}\t{row['answer_at']}\t{row['duration_ms'] or 0}\t"
                        f"{row['units'] or 0}\t{charge}\t{vat}\t{row['vat_rate']}\t{number('plan', row['plan'])}\t"
                        f"{number('zone', row['zone'])}\t{number('service', row['service'])}\n")
            before = sums.get(account, (0, 0))
            sums[account] = (before[0] + charge, before[1] + 1)
            whole[account] += charge
            counts[account] += 1
            if len(rows) == size:
                write(rows, sums)
                rows, sums = [], {}
    if rows:
        write(rows, sums)
    return made, dict(whole), sum(counts.values())


def script(made, place):
    path = f"{place}/load.sql"
    with open(path, "w") as f:
        f.write("CREATE TEMP TABLE sums (account_id bigint, charge bigint, n bigint) ON COMMIT DELETE ROWS;\n")
        for batch in made:
            # The server reads the files itself: nothing goes through the client.
            f.write(f"BEGIN;\nCOPY charges FROM '{batch}';\nCOPY sums FROM '{batch}.sums';\n"
                    "UPDATE balances b SET balance = b.balance - s.charge, charges = b.charges + s.n\n"
                    "  FROM sums s WHERE b.account_id = s.account_id;\nCOMMIT;\n")
    return path


# ---------------------------------------------------------------- one measured run
def run_postgres(cluster, variant, load, accounts):
    keyed = variant == "keyed"
    cluster.sql("DROP TABLE IF EXISTS charges, balances")
    cluster.sql(CHARGES.format(key=" PRIMARY KEY" if keyed else ""))
    if keyed:
        cluster.sql("CREATE INDEX ON charges (account_id)")
    cluster.sql(BALANCES)
    cluster.sql(f"COPY balances FROM '{accounts}'")
    cluster.sql("VACUUM ANALYZE balances")
    cluster.sql("CHECKPOINT")
    before = cluster.used()
    run, _ = peers.spent([*cluster.psql(), "-f", load])
    # A session is counted when the server has taken its end; nothing else is running.
    time.sleep(0.3)
    client = run["cpu"]
    run["cpu"] += cluster.used() - before
    run["client"], run["rss_mb"] = client, float("nan")
    return run


def sums_of_postgres(cluster):
    """By the charges and by the balances: both."""
    by = lambda text: {int(a): int(b) for a, _, b in (line.partition("|") for line in text.split())}
    charges = by(cluster.sql("SELECT account_id, sum(charge) FROM charges GROUP BY 1"))
    balances = by(cluster.sql("SELECT account_id, -balance FROM balances WHERE charges > 0"))
    return charges, balances


def run_esep(esep, folder, jobs, data):
    shutil.rmtree(data, ignore_errors=True)
    run, _ = peers.spent([esep, "run", folder, "--data", data, "--jobs", str(jobs), "--quiet"])
    return run


def sums_of_esep(esep, folder, data, bench, sample):
    """What the books say: of every account where the bench tells it, of some by `esep account` where it does not."""
    with open(f"{folder}/accounts.csv", newline="") as f:
        ids = [int(row["account_id"]) for row in csv.DictReader(f)]
    if bench:
        _, text = peers.spent([*bench, "figure", "balances", data])
        return dict(zip(ids, json.loads(text)))
    found = {}
    for account in ids[:: max(1, len(ids) // sample)]:
        _, text = peers.spent([esep, "account", str(account), "--data", data, "--json", "--quiet"])
        found[account] = int(json.loads(text)["unbilled"].replace(".", ""))
    return found


def differing(name, found, expected):
    """How many accounts differ from `rated.csv`; the first few are told."""
    wrong = [(a, expected.get(a, 0), found.get(a, 0)) for a in found.keys() | expected.keys()
             if found.get(a, 0) != expected.get(a, 0)]
    for account, want, got in sorted(wrong)[:3]:
        print(f"DIFFER: account {account}: charged {want} tiyn, {name} has {got}")
    return len(wrong)


def table(runs, charges):
    print(f"\n{'':10}{'CPU s':>9}{'client':>8}{'wall s':>9}{'ns/charge':>11}{'charges/s':>12}{'CPU ×':>8}{'wall ×':>8}")
    base = runs.get("esep")
    for name, of in runs.items():
        cpu, wall = peers.median(of, "cpu"), peers.median(of, "wall")
        client = f"{peers.median(of, 'client'):8.2f}" if "client" in of[0] else f"{'':8}"
        ratios = f"{cpu / peers.median(base, 'cpu'):8.1f}{wall / peers.median(base, 'wall'):8.1f}" if base else ""
        print(f"{name:10}{cpu:9.2f}{client}{wall:9.2f}{cpu / charges * 1e9:11.0f}{charges / wall:12.0f}{ratios}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--esep", required=True, help="the binary")
    p.add_argument("--bench", help="the binary of `cargo bench --bench store`: then every account's books are compared")
    p.add_argument("--postgres", help="folder of its programs; else the newest of /usr/lib/postgresql")
    p.add_argument("--records", type=int, default=1_000_000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--jobs", type=int, default=2, help="threads of esep; PostgreSQL has its processes")
    p.add_argument("--batch", type=int, default=8192, help="charges of a transaction of PostgreSQL")
    p.add_argument("--only", help=f"of esep,{','.join(VARIANTS)}: which to run")
    p.add_argument("--sample", type=int, default=40, help="accounts compared by `esep account` without --bench")
    p.add_argument("--tmp", default=os.path.join(tempfile.gettempdir(), "esep-postgres"), help="on the disk that is measured")
    a = p.parse_args()
    names = [n for n in ("esep", *VARIANTS) if not a.only or n in a.only.split(",")]
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    bin_dir = a.postgres or (found[-1] if found else "")
    if any(n in VARIANTS for n in names) and not os.path.exists(f"{bin_dir}/initdb"):
        stop("PostgreSQL is not installed: apt-get install postgresql-15")
    os.makedirs(a.tmp, exist_ok=True)
    folder = peers.generated(a.esep, f"{a.tmp}/month-{a.records}-{a.seed}",
                             ["--records", str(a.records), "--seed", str(a.seed), "--quiet"])
    with tempfile.TemporaryDirectory(dir=a.tmp) as work:
        os.chmod(work, 0o755)
        summary = peers.run_esep(a.esep, folder, a.jobs, f"{work}/rated")["summary"]
        os.makedirs(f"{work}/batches")
        made, expected, charges = batches(f"{work}/rated/rated.csv", f"{work}/batches", a.batch)
        shutil.rmtree(f"{work}/rated")
        with open(f"{folder}/accounts.csv", newline="") as f, open(f"{work}/accounts", "w") as out:
            out.writelines(f"{row['account_id']}\t0\t0\n" for row in csv.DictReader(f))
        load = script(made, work)
        cluster = Cluster(bin_dir, f"{work}/cluster") if any(n in VARIANTS for n in names) else None
        try:
            return compare(a, names, folder, work, cluster, load, expected, charges, summary, len(made))
        finally:
            if cluster:
                cluster.stop()


def compare(a, names, folder, work, cluster, load, expected, charges, summary, transactions):
    records = summary["records"]["in"]
    version = cluster.sql("SHOW server_version").strip() if cluster else "not run"
    print(f"{folder}: {records} records, {charges} charges of {len(expected)} accounts, {a.rounds} rounds, "
          f"{transactions} transactions, PostgreSQL {version}, load {os.getloadavg()[0]:.1f}")
    data, wrong, checked = f"{work}/books", 0, set()

    def one(name):
        nonlocal wrong
        if name == "esep":
            run = run_esep(a.esep, folder, a.jobs, data)
            if name not in checked:
                books = sums_of_esep(a.esep, folder, data, [a.bench] if a.bench else None, a.sample)
                # Where only some are told, only those are compared.
                wrong += differing("esep", books, {k: v for k, v in expected.items() if k in books})
                print(f"esep: {len(books)} accounts compared")
        else:
            run = run_postgres(cluster, name, load, f"{work}/accounts")
            if name not in checked:
                by_charges, balances = sums_of_postgres(cluster)
                wrong += differing(f"{name}: charges", by_charges, expected)
                wrong += differing(f"{name}: balances", balances, expected)
                print(f"{name}: {len(balances)} accounts compared")
        checked.add(name)
        return run

    runs = peers.measure(names, one, a.rounds)
    table(runs, charges)
    total = sum(expected.values())
    if total != peers.totals_of_summary(summary)["charged"]:
        print(f"DIFFER: the summary charged {summary['charged']}, rated.csv {total / 100:.2f}")
        wrong += 1
    print(f"\n{total // 100}.{total % 100:02} KZT charged; " + ("all agree to the tiyn" if not wrong else "the sums DIFFER"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
