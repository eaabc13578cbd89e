-- What `esep rate DIR` does, for chDB (ClickHouse within the process): the tables that tables.py made as dictionaries,
-- the register, one pass over the feeds. {{words}} are put in by peers.py; README.md has what each variant costs.
-- Statements end at a line that is `;`.

-- section: tables
CREATE DATABASE peers
;
CREATE DICTIONARY peers.rates (rate_key UInt64, span1 Int64, unit1 Int64, price1 Int64, unit2 Int64, price2 Int64,
  base Int64, floor Int64, free Int64, whole Int64)
PRIMARY KEY rate_key SOURCE(FILE(path '{{work}}/rates.csv' format 'CSVWithNames')) LAYOUT(FLAT()) LIFETIME(0)
;
CREATE DICTIONARY peers.windows (minute UInt64, window_id UInt8)
PRIMARY KEY minute SOURCE(FILE(path '{{work}}/windows.csv' format 'CSVWithNames')) LAYOUT(FLAT()) LIFETIME(0)
;
CREATE DICTIONARY peers.zones (zone_id UInt64, zone String)
PRIMARY KEY zone_id SOURCE(FILE(path '{{work}}/zones.csv' format 'CSVWithNames')) LAYOUT(FLAT()) LIFETIME(0)
;
CREATE DICTIONARY peers.plans (plan_id UInt64, plan String)
PRIMARY KEY plan_id SOURCE(FILE(path '{{work}}/plans.csv' format 'CSVWithNames')) LAYOUT(FLAT()) LIFETIME(0)
;
CREATE DICTIONARY peers.codes (number UInt64, zone_id UInt16)
PRIMARY KEY number SOURCE(FILE(path '{{work}}/codes.csv' format 'CSVWithNames')) LAYOUT(FLAT()) LIFETIME(0)
;
CREATE DICTIONARY peers.causes (cause String, reason Int8 DEFAULT 6)
PRIMARY KEY cause SOURCE(FILE(path '{{work}}/causes.csv' format 'CSVWithNames')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)

-- section: zone tables six-eight
CREATE DICTIONARY peers.zone6 (number UInt64, zone_id UInt16)
PRIMARY KEY number SOURCE(FILE(path '{{work}}/zone6.csv' format 'CSVWithNames'))
LAYOUT(FLAT(MAX_ARRAY_SIZE 1000000)) LIFETIME(0)
;
CREATE DICTIONARY peers.zone8 (number UInt64, zone_id UInt16)
PRIMARY KEY number SOURCE(FILE(path '{{work}}/zone8.csv' format 'CSVWithNames')) LAYOUT(HASHED()) LIFETIME(0)
-- section: zone six-eight
dictGetOrDefault('peers.zone8', 'zone_id', begins, dictGet('peers.zone6', 'zone_id', intDiv(begins, 100)))

-- section: zone tables lengths
CREATE DICTIONARY peers.prefixes (number UInt64, zone_id UInt16)
PRIMARY KEY number SOURCE(FILE(path '{{work}}/keys.csv' format 'CSVWithNames')) LAYOUT(HASHED()) LIFETIME(0)
-- section: zone lengths
arrayFirst(z -> z > 0, [dictGet('peers.prefixes', 'zone_id', 100000000 + begins),
  dictGet('peers.prefixes', 'zone_id', 10000000 + intDiv(begins, 10)),
  dictGet('peers.prefixes', 'zone_id', 1000000 + intDiv(begins, 100)),
  dictGet('peers.prefixes', 'zone_id', 100000 + intDiv(begins, 1000)),
  dictGet('peers.prefixes', 'zone_id', 10000 + intDiv(begins, 10000)),
  dictGet('peers.prefixes', 'zone_id', 1000 + intDiv(begins, 100000)),
  dictGet('peers.prefixes', 'zone_id', 100 + intDiv(begins, 1000000)),
  dictGet('peers.prefixes', 'zone_id', 10 + intDiv(begins, 10000000))])

-- section: zone tables ip-trie
CREATE DICTIONARY peers.networks (network String, zone_id UInt16)
PRIMARY KEY network SOURCE(FILE(path '{{work}}/networks.csv' format 'CSVWithNames')) LAYOUT(IP_TRIE()) LIFETIME(0)
-- section: zone ip-trie
dictGet('peers.networks', 'zone_id', tuple(reinterpretAsUInt32(reverse(unhex(digits8)))))

-- section: lines
CREATE TABLE peers.lines_read ENGINE = Memory AS
SELECT l.line AS line, l.account_id AS account_id, toInt32(multiIf(a.plan = '', -2, p.plan = '', -1, p.plan_id)) AS plan_id,
  if(l.valid_from = '', 0, toUnixTimestamp64Milli(toDateTime64(l.valid_from, 3, 'UTC')) - {{offset_ms}}) AS from_ms,
  if(l.valid_to = '', 1000000000000000, toUnixTimestamp64Milli(toDateTime64(l.valid_to, 3, 'UTC')) - {{offset_ms}}) AS to_ms
FROM file('{{dir}}/lines.csv', 'CSVWithNames', 'line String, account_id UInt64, valid_from String, valid_to String') l
LEFT ANY JOIN file('{{dir}}/accounts.csv', 'CSVWithNames', '{{account_columns}}') a ON a.account_id = l.account_id
LEFT ANY JOIN file('{{work}}/plans.csv', 'CSVWithNames', 'plan_id UInt8, plan String') p ON p.plan = a.plan
SETTINGS max_threads = {{threads}}, input_format_with_names_use_header = 1, input_format_skip_unknown_fields = 1
;
CREATE DICTIONARY peers.lines (line String, account_id UInt64, plan_id Int32 DEFAULT -3, from_ms Int64, to_ms Int64)
PRIMARY KEY line SOURCE(CLICKHOUSE(DB 'peers' TABLE 'lines_read')) LAYOUT(COMPLEX_KEY_HASHED_ARRAY()) LIFETIME(0)

-- section: decided
SELECT record_id, service, a_number, answer_at, setup_at, release_at,
  toInt32(service) AS service_id,
  answer_at = '' AS silent,
  toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(if(silent, setup_at, answer_at), 3, 'UTC')) AS at_ms,
  toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(release_at, 3, 'UTC')) AS release_ms,
  multiIf(service_id = 0, release_ms - at_ms, service_id IN (2, 3), toInt64(bytes_up + bytes_down), toInt64(ifNull(quantity, 1))) AS amount,
  multiIf(service_id != 0, -1, answered_by = 'announcement', 3, answered_by = 'autoresponder', 4,
    silent, toInt16(dictGet('peers.causes', 'reason', cause)), -1) AS screen,
  length(b_number) AS digits,
  -- The first eight digits of the normalised number (rating 1.5).
  multiIf(startsWith(b_number, '+'), substring(b_number, 2, 8),
    startsWith(b_number, '00'), substring(b_number, 3, 8),
    startsWith(b_number, '810'), substring(b_number, 4, 8),
    digits = 11 AND startsWith(b_number, '8'), concat('7', substring(b_number, 2, 7)),
    digits = 10, concat('7', substring(b_number, 1, 7)),
    digits > 4 AND digits <= 7, concat(substring(a_number, 1, 11 - digits), substring(b_number, 1, digits - 3)),
    substring(b_number, 1, 8)) AS digits8,
  toUInt64(toUInt32OrZero(digits8)) AS begins,
  multiIf(service_id IN (2, 3), 0,
    digits <= 4, dictGet('peers.codes', 'zone_id', toUInt64(toUInt32OrZero(concat('1', b_number)))),
    {{zone}}) AS zone_id,
  dictGet('peers.lines', ('account_id', 'plan_id', 'from_ms', 'to_ms'), a_number) AS ours,
  ours.1 AS account_id, ours.2 AS plan_id,
  dictGet('peers.windows', 'window_id', (intDiv(at_ms + {{offset_ms}}, 60000) + 4320) % 10080) AS window_id,
  dictGet('peers.rates', ('span1', 'unit1', 'price1', 'unit2', 'price2', 'base', 'floor', 'free', 'whole'),
    toUInt64(((plan_id * 5 + service_id) * {{zones}} + zone_id) * {{window_classes}} + window_id)) AS rate,
  toInt64(amount > rate.8) AS charged,
  greatest(amount, rate.7) AS extent,
  least(extent, rate.1) AS first,
  charged * intDivOrZero(first + rate.2 - 1, rate.2) AS units1,
  charged * intDivOrZero(extent - first + rate.4 - 1, rate.4) AS units2,
  charged * intDivOrZero(units1 * rate.3 + units2 * rate.5 + rate.6, rate.9) AS charge,
  charge - intDiv(charge * 20000 + {{vat_divisor}}, {{vat_divisor}} * 2) AS vat,
  multiIf(screen >= 0, screen, plan_id = -3 OR at_ms < ours.3 OR at_ms >= ours.4, 20, plan_id = -2, 21, plan_id = -1, 22,
    zone_id = 0 AND service_id NOT IN (2, 3), 23, rate.9 = 0, 24, 10) AS outcome
FROM file('{{dir}}/feeds/*.csv', 'CSVWithNames', 'record_id String,
  service Enum8(\'voice\' = 0, \'sms\' = 1, \'data\' = 2, \'internet\' = 3, \'vas\' = 4), a_number String, b_number String,
  setup_at String, answer_at String, release_at String, cause String, answered_by String, bytes_up UInt64,
  bytes_down UInt64, quantity Nullable(UInt64), visited_network String, realtime String, route_in String, route_out String,
  call_ref String, part String, last String, direction String, redirect_reason String, charge_indicator String,
  corrects String')

-- section: totals
SELECT outcome, count() AS records, sum(charge) AS charged, sum(vat) AS vat
FROM ({{decided}}) GROUP BY outcome ORDER BY outcome
SETTINGS max_threads = {{threads}}, input_format_csv_detect_header = 0, input_format_parallel_parsing = {{parallel_parsing}}

-- section: rated
INSERT INTO FUNCTION file('{{out}}', 'CustomSeparatedWithNames')
SELECT '{{source}}' AS source, record_id, account_id, dictGet('peers.plans', 'plan', toUInt64(plan_id)) AS plan,
  '{{tariff}}' AS tariff, dictGet('peers.zones', 'zone', toUInt64(zone_id)) AS zone, service,
  if(answer_at = '', setup_at, answer_at) AS answer_at, if(release_at = '', 0, release_ms - at_ms) AS duration_ms,
  units1 + units2 AS units, toDecimal64(charge, 2) / 100 AS charge, toDecimal64(vat, 2) / 100 AS vat, '{{vat}}' AS vat_rate,
  '0.00' AS not_owed, '' AS cut_off_at, '' AS flags, '' AS rules
FROM ({{decided}}) WHERE outcome = 10
SETTINGS max_threads = {{threads}}, input_format_csv_detect_header = 0, input_format_parallel_parsing = {{parallel_parsing}},
  format_custom_escaping_rule = 'Raw', format_custom_field_delimiter = ',',
  output_format_decimal_trailing_zeros = 1, engine_file_truncate_on_insert = 1
