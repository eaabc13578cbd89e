#!/usr/bin/env bash
# Makes real CDRs: Kamailio + SIPp on 127.0.0.1, acc_cdrs exported as CSV. 107 calls, about 90 s.
#   ./run.sh [OUT.csv]     without OUT: ../feeds/kamailio-YEAR-MONTH.csv
# It also writes OUT_sipp.csv in this folder: the same calls as the callers saw them (check.py compares the two).
set -euo pipefail

export TZ=${SWITCH_TZ:-Asia/Almaty}
HERE=$(cd "$(dirname "$0")" && pwd)
OUT=${1:-$HERE/../feeds/kamailio-$(date +%Y-%m).csv}
mkdir -p "$(dirname "$OUT")"
OUT=$(cd "$(dirname "$OUT")" && pwd)/$(basename "$OUT")
SEEN=$HERE/$(basename "${OUT%.csv}")_sipp.csv
export LC_ALL=C

if ! command -v kamailio >/dev/null || ! command -v sipp >/dev/null || ! command -v sqlite3 >/dev/null \
   || ! ls /usr/lib/*/kamailio/modules/db_sqlite.so >/dev/null 2>&1; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    kamailio kamailio-sqlite-modules sip-tester sqlite3
fi

# memory-backed if possible: short transactions, so the writers never meet
if [ -w /dev/shm ]; then W=$(mktemp -d -p /dev/shm); else W=$(mktemp -d); fi
PIDS=()
cleanup() {
  local p
  for p in "${PIDS[@]}"; do kill "$p" 2>/dev/null || true; done
  sleep 1
  for p in "${PIDS[@]}"; do kill -9 "$p" 2>/dev/null || true; done
  rm -rf "$W"
}
trap cleanup EXIT

# ---- database: the package's own tables, plus the columns of cdr_extra
SCHEMA=/usr/share/kamailio/db_sqlite
EXTRA="call_id from_tag caller callee setup_time answer_time release_time answered sip_code sip_reason q850 released_by egress scenario"
sqlite3 "$W/cdr.db" < "$SCHEMA/standard-create.sql"
sqlite3 "$W/cdr.db" < "$SCHEMA/acc-create.sql"
for c in $EXTRA; do sqlite3 "$W/cdr.db" "ALTER TABLE acc_cdrs ADD COLUMN $c VARCHAR(128)"; done

# ---- the plan: one line per call
CALLEES=(87012345678 2501122 810442079460018 87051112233 101 87172700101 3901010
         81049302312512 87077654321 2500003 87272500009 810998712001122 81012125550123)
N=0
call() { # caller-kind egress ring_ms talk_ms scenario [overflow]
  local a="7727250000$((N % 8 + 1))" b="${CALLEES[$((N * 5 % ${#CALLEES[@]}))]}"
  printf '%s;%s;%s;%s;%s;%s;%s\n' "$a" "$b" "$2" "$3" "$4" "$5" "${6:-0}" >> "$W/$1.csv"
  N=$((N + 1))
}
for k in caller_hangup callee_hangup fail cancel; do echo SEQUENTIAL > "$W/$k.csv"; done

# several KIND EGRESS SCENARIO OVERFLOW ring:talk ...
several() {
  local kind=$1 egress=$2 scenario=$3 overflow=$4 rt
  shift 4
  for rt in "$@"; do
    call "$kind" "$egress" "${rt%:*}" "${rt#*:}" "$scenario" "$overflow"
  done
}
several caller_hangup 5081 long 0              3000:75000 2500:75400 4000:76200
several caller_hangup 5081 minute 0            1500:59500 1500:59950 1200:60400
several caller_hangup 5081 ring10 0            10000:6000 10000:400 10200:12000 10600:4700 10100:9300 10400:20000 9900:3100 10000:7500
several caller_hangup 5081 answered 0          1500:3000 900:5200 2000:8000 700:11800 3000:4100 1200:15000 1800:6600 500:24000 \
                                               2500:9100 1000:3900 1600:12400 2200:7300 800:18500 1300:5500 2700:10050 1100:21000
several caller_hangup 5081 subsecond 0         800:50 1200:200 900:400 1500:700 700:900 1000:970
several caller_hangup 5083 early_answered 0    4000:5000 9000:3000 6000:8200 5000:900 7000:6000 8000:4400
several caller_hangup 5089 overflow 5081       500:5000 600:7000 800:3500
several callee_hangup 5082 callee_hangup 0     1000:2000 2000:6500 1500:12000 800:4000 3000:20000 1200:9000 10000:5000 900:600
several fail 5086 no_answer_408 0              0:0 0:0 0:0 0:0 0:0 0:0
several fail 5085 no_answer_480 0              12000:0 11000:0 12500:0 13000:0 12000:0 11500:0
several fail 5084 busy_486 0                   300:0 2000:0 500:0 800:0 1500:0 0:0 400:0 3000:0 700:0 1000:0
several fail 5087 not_found_404 0              200:0 400:0 0:0 900:0
several fail 0    no_route_404 0               0:0 0:0 0:0
several fail 5092 unavailable_480 0            0:0 300:0 600:0 0:0
several fail 5088 declined_603 0               2500:0 4000:0 6000:0 1000:0 3200:0
several fail 5090 early_busy_486 0             4000:0 6000:0 5000:0
several fail 5091 early_404 0                  7000:0 5500:0 8000:0
several fail 5089 congestion_503 0             200:0 500:0
several cancel 5086 cancelled_487 0            8000:0 1000:0 3000:0 5000:0 300:0 9500:0 2200:0 6400:0

# ---- the switch
SW=(-A "DB_URL=\"sqlite:///$W/cdr.db\"")
MODDIR=$(dirname "$(ls /usr/lib/*/kamailio/modules/acc.so | head -1)")
kamailio -L "$MODDIR" -f "$HERE/kamailio.cfg" "${SW[@]}" -DD -E -m 64 -M 8 > "$W/kamailio.log" 2>&1 &
PIDS+=($!)
sleep 2
kill -0 "${PIDS[0]}" || { cat "$W/kamailio.log" >&2; exit 1; }

# ---- the gateways
uas() { # port xml [code reason q850]
  local x="$W/uas_$1.xml"
  sed -e "s/@CODE@/${3:-}/g" -e "s/@REASON@/${4:-}/g" -e "s/@Q850@/${5:-}/g" "$HERE/scenarios/uas_$2.xml" > "$x"
  (cd "$W" && exec sipp -i 127.0.0.1 -p "$1" -sf "$x" -ci 127.0.0.1 -nostdin -timeout 200s > "$W/uas_$1.out" 2>&1) &
  PIDS+=($!)
}
uas 5081 answer
uas 5082 answer_hangup
uas 5083 early_answer
uas 5084 reject 486 'Busy Here' 17
uas 5085 reject 480 'Temporarily Unavailable' 19
uas 5086 noanswer
uas 5087 reject 404 'Not Found' 1
uas 5088 reject 603 'Decline' 21
uas 5089 reject 503 'Service Unavailable' 34
uas 5090 early_reject 486 'Busy Here' 17
uas 5091 early_reject 404 'Not Found' 1
uas 5092 reject 480 'Temporarily Unavailable' 20
sleep 1

# ---- the callers
UACS=()
port=5061
for k in caller_hangup callee_hangup fail cancel; do
  n=$(($(wc -l < "$W/$k.csv") - 1))
  (cd "$W" && exec sipp 127.0.0.1:5070 -i 127.0.0.1 -ci 127.0.0.1 -p $port -sf "$HERE/scenarios/uac_$k.xml" -inf "$W/$k.csv" \
     -m $n -r 2 -l 100 -timeout 150s -timeout_error -nostdin \
     -trace_err -error_file "$W/$k.err" -trace_logs -log_file "$W/$k.log" > "$W/$k.out" 2>&1) &
  UACS+=($!)
  PIDS+=($!)
  port=$((port + 1))
done
failed=0
for p in "${UACS[@]}"; do wait "$p" || failed=1; done
sleep 2   # the last replies to BYE
if [ $failed = 1 ]; then
  echo "run.sh: a caller ended with an error" >&2
  cat "$W"/*.err >&2 2>/dev/null || true
  grep -E 'ERROR|CRITICAL' "$W/kamailio.log" | head -20 >&2 || true
  exit 1
fi
grep -E 'ERROR|CRITICAL' "$W/kamailio.log" | head -20 >&2 || true

# ---- export
# db_sqlite keeps DATETIME as a Julian day (UTC, a float): written out here as
# the local second, which is what the MySQL and PostgreSQL drivers store.
# 1/2 s is added before cutting because the float may fall just short of the second.
T="strftime('%Y-%m-%d %H:%M:%S', %s + 0.5/86400, 'localtime')"
cols="id, ${T/\%s/start_time} AS start_time, ${T/\%s/end_time} AS end_time, duration"
for c in $EXTRA; do cols+=", $c"; done
sqlite3 "$W/cdr.db" > "$OUT.tmp" <<SQL
.headers on
.mode csv
.separator , "\n"
SELECT $cols FROM acc_cdrs ORDER BY id;
SQL
mv "$OUT.tmp" "$OUT"

# ---- the same calls as the callers saw them (epoch seconds)
{
  echo "call_id,scenario,caller,callee,planned_ring_ms,planned_talk_ms,invite,answer,release"
  cat "$W"/*.log | tr '\t' ' ' | awk -F';' '
    NF < 4 { next }
    { n = split($4, t, " "); e = t[n] }
    $3 == "invite"  { if (!($1 in inv)) order[++k] = $1; inv[$1] = e; sc[$1] = $2; a[$1] = $5; b[$1] = $6; r[$1] = $7; h[$1] = $8 }
    $3 == "answer"  { ans[$1] = e }
    $3 == "release" { rel[$1] = e }
    END { for (i = 1; i <= k; i++) { c = order[i]
          print c "," sc[c] "," a[c] "," b[c] "," r[c] "," h[c] "," inv[c] "," ans[c] "," rel[c] } }'
} > "$SEEN"

rows=$(($(wc -l < "$OUT") - 1))
echo "calls planned: $N, records: $rows"
sqlite3 "$W/cdr.db" "SELECT scenario, sip_code, count(*), min(duration), max(duration) FROM acc_cdrs GROUP BY 1,2 ORDER BY min(id)" -separator ' '
[ "$rows" = "$N" ]
