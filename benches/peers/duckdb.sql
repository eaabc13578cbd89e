-- What `esep rate DIR` does, for DuckDB: the tables that tables.py made, the register, one pass over the feeds.
-- {{words}} are put in by peers.py. One variant of `zone` is taken; README.md has what each costs.

-- section: setup
SET threads = {{threads}};
SET preserve_insertion_order = false;
-- The scan is the probe side of every join: a CSV file has no statistics, and the optimiser builds on it instead.
-- Projections stay apart: pulled up into one another, they write the same long CASE five times and compute it so often.
SET disabled_optimizers = 'join_order,build_side_probe_side,projection_pullup,projection_placement';

-- section: tables
CREATE TEMP TABLE rates AS FROM read_csv('{{work}}/rates.csv', header = true, delim = ',', auto_detect = false, columns = {
  'rate_key': 'INTEGER', 'span1': 'BIGINT', 'unit1': 'BIGINT', 'price1': 'BIGINT', 'unit2': 'BIGINT', 'price2': 'BIGINT',
  'base': 'BIGINT', 'floor': 'BIGINT', 'free': 'BIGINT', 'whole': 'BIGINT'});
CREATE TEMP TABLE windows AS FROM read_csv('{{work}}/windows.csv', header = true, delim = ',', auto_detect = false,
  columns = {'minute': 'INTEGER', 'window_id': 'INTEGER'});
CREATE TEMP TABLE zones AS FROM read_csv('{{work}}/zones.csv', header = true, delim = ',', auto_detect = false,
  columns = {'zone_id': 'INTEGER', 'zone': 'VARCHAR'}, nullstr = '~');
CREATE TEMP TABLE plans AS FROM read_csv('{{work}}/plans.csv', header = true, delim = ',', auto_detect = false,
  columns = {'plan_id': 'INTEGER', 'plan': 'VARCHAR'});
CREATE TEMP TABLE causes AS FROM read_csv('{{work}}/causes.csv', header = true, delim = ',', auto_detect = false,
  columns = {'cause': 'VARCHAR', 'reason': 'INTEGER'});
CREATE TEMP TABLE codes AS FROM read_csv('{{work}}/codes.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
CREATE TEMP TABLE prefixes AS FROM read_csv('{{work}}/prefixes.csv', header = true, delim = ',', auto_detect = false,
  columns = {'prefix': 'VARCHAR', 'length': 'INTEGER', 'number': 'INTEGER', 'zone_id': 'INTEGER'});

-- section: zone tables six-eight
CREATE TEMP TABLE zone6 AS FROM read_csv('{{work}}/zone6.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
CREATE TEMP TABLE zone8 AS FROM read_csv('{{work}}/zone8.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
-- section: zone six-eight
coalesce(z8.zone_id, z6.zone_id)
-- section: zone joins six-eight
LEFT JOIN zone6 z6 ON z6.number = begins // 100
LEFT JOIN zone8 z8 ON z8.number = begins

-- section: zone tables trie
CREATE TEMP TABLE zone4 AS FROM read_csv('{{work}}/zone4.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
CREATE TEMP TABLE zone46 AS FROM read_csv('{{work}}/zone46.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
CREATE TEMP TABLE zone8 AS FROM read_csv('{{work}}/zone8.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
-- section: zone trie
coalesce(z8.zone_id, z6.zone_id, z4.zone_id)
-- section: zone joins trie
LEFT JOIN zone4 z4 ON z4.number = begins // 10000
LEFT JOIN zone46 z6 ON z6.number = begins // 100
LEFT JOIN zone8 z8 ON z8.number = begins

-- section: zone tables lengths
-- section: zone lengths
coalesce(p8.zone_id, p7.zone_id, p6.zone_id, p5.zone_id, p4.zone_id, p3.zone_id, p2.zone_id, p1.zone_id)
-- section: zone joins lengths
LEFT JOIN (FROM prefixes WHERE length = 8) p8 ON p8.number = begins
LEFT JOIN (FROM prefixes WHERE length = 7) p7 ON p7.number = begins // 10
LEFT JOIN (FROM prefixes WHERE length = 6) p6 ON p6.number = begins // 100
LEFT JOIN (FROM prefixes WHERE length = 5) p5 ON p5.number = begins // 1000
LEFT JOIN (FROM prefixes WHERE length = 4) p4 ON p4.number = begins // 10000
LEFT JOIN (FROM prefixes WHERE length = 3) p3 ON p3.number = begins // 100000
LEFT JOIN (FROM prefixes WHERE length = 2) p2 ON p2.number = begins // 1000000
LEFT JOIN (FROM prefixes WHERE length = 1) p1 ON p1.number = begins // 10000000

-- section: zone tables asof
CREATE TEMP TABLE zone_starts AS FROM read_csv('{{work}}/zone_starts.csv', header = true, delim = ',', auto_detect = false,
  columns = {'number': 'INTEGER', 'zone_id': 'INTEGER'});
-- section: zone asof
nullif(zs.zone_id, 0)
-- section: zone joins asof
ASOF LEFT JOIN zone_starts zs ON begins >= zs.number

-- section: lines
CREATE TEMP TABLE lines AS
SELECT l.line, a.account_id, CASE WHEN a.account_id IS NOT NULL THEN coalesce(p.plan_id, -1) END AS plan_id,
  coalesce(epoch_ms(l.valid_from::TIMESTAMP) - {{offset_ms}}, -1) AS from_ms,
  coalesce(epoch_ms(l.valid_to::TIMESTAMP) - {{offset_ms}}, 1e15::BIGINT) AS to_ms
FROM read_csv('{{dir}}/lines.csv', header = true, delim = ',', auto_detect = false, columns = {
  'line': 'VARCHAR', 'account_id': 'BIGINT', 'valid_from': 'DATE', 'valid_to': 'DATE'}) l
LEFT JOIN read_csv('{{dir}}/accounts.csv', header = true, delim = ',', auto_detect = false, columns = {{account_columns}}) a
  ON a.account_id = l.account_id
LEFT JOIN plans p ON p.plan = a.plan;

-- section: decided
WITH raw AS (
  SELECT record_id, service_name, service, a_number, b_number, length(b_number) AS digits, answered_by, cause, answer_at IS NULL AS silent,
    epoch_ms(coalesce(answer_at, setup_at)) AS at_ms,
    CASE WHEN service = 0 THEN epoch_ms(release_at) - epoch_ms(answer_at)
         WHEN service IN (2, 3) THEN coalesce(bytes_up, 0) + coalesce(bytes_down, 0)
         ELSE coalesce(quantity, 1) END AS amount,
    epoch_ms(release_at) AS release_ms
  FROM (SELECT * REPLACE (enum_code(service)::INTEGER AS service), service AS service_name
    FROM read_csv('{{dir}}/feeds/*.csv', header = true, delim = ',', quote = '', escape = '', auto_detect = false, columns = {
      'record_id': 'VARCHAR', 'service': 'ENUM(''voice'', ''sms'', ''data'', ''internet'', ''vas'')', 'a_number': 'VARCHAR',
      'b_number': 'VARCHAR', 'setup_at': 'TIMESTAMPTZ', 'answer_at': 'TIMESTAMPTZ', 'release_at': 'TIMESTAMPTZ',
      'cause': 'VARCHAR', 'answered_by': 'VARCHAR', 'bytes_up': 'BIGINT', 'bytes_down': 'BIGINT', 'quantity': 'BIGINT',
      'visited_network': 'VARCHAR', 'realtime': 'VARCHAR', 'route_in': 'VARCHAR', 'route_out': 'VARCHAR',
      'call_ref': 'VARCHAR', 'part': 'VARCHAR', 'last': 'VARCHAR', 'direction': 'VARCHAR',
      'redirect_reason': 'VARCHAR', 'charge_indicator': 'VARCHAR', 'corrects': 'VARCHAR'}))),
-- 3 and 4: announcement, autoresponder; 6: not connected, or what the cause says; -1: charged.
screened AS (
  SELECT *, CASE WHEN service <> 0 THEN -1 WHEN answered_by = 'announcement' THEN 3 WHEN answered_by = 'autoresponder' THEN 4
                 WHEN silent THEN 6 ELSE -1 END AS screen
  FROM raw),
-- Keys are null where a record needs no look-up: such rows leave a join at once.
keyed AS (
  SELECT *,
    CASE WHEN screen = 6 THEN cause END AS cause_key,
    CASE WHEN screen < 0 THEN a_number END AS line_key,
    CASE WHEN screen < 0 AND service NOT IN (2, 3) AND digits <= 4 THEN try_cast('1' || b_number AS INTEGER) END AS code_key,
    -- The first eight digits of the normalised number (rating 1.5).
    CASE WHEN screen < 0 AND service NOT IN (2, 3) AND digits > 4 THEN try_cast(CASE
      WHEN starts_with(b_number, '+') THEN substr(b_number, 2, 8)
      WHEN starts_with(b_number, '00') THEN substr(b_number, 3, 8)
      WHEN starts_with(b_number, '810') THEN substr(b_number, 4, 8)
      WHEN digits = 11 AND starts_with(b_number, '8') THEN '7' || substr(b_number, 2, 7)
      WHEN digits = 10 THEN '7' || substr(b_number, 1, 7)
      WHEN digits <= 7 THEN substr(a_number, 1, 11 - digits) || substr(b_number, 1, digits - 3)
      ELSE substr(b_number, 1, 8) END AS INTEGER) END AS begins
  FROM screened),
found AS (
  SELECT keyed.*, c.reason, l.account_id, l.plan_id, at_ms >= l.from_ms AND at_ms < l.to_ms AS ours,
    CASE WHEN service IN (2, 3) THEN 0 ELSE coalesce({{zone}}, sc.zone_id) END AS zone_id, w.window_id
  FROM keyed
  LEFT JOIN lines l ON l.line = line_key
  {{zone_joins}}
  LEFT JOIN codes sc ON sc.number = code_key
  LEFT JOIN causes c ON c.cause = cause_key
  LEFT JOIN windows w ON w.minute = ((at_ms + {{offset_ms}}) // 60000 + 4320) % 10080),
priced AS (
  SELECT found.*, r.rate_key,
    (amount > free)::BIGINT AS charged,
    greatest(amount, floor) AS extent, least(greatest(amount, floor), span1) AS first,
    unit1, price1, unit2, price2, base, whole
  FROM found
  LEFT JOIN rates r ON r.rate_key = ((plan_id * 5 + service) * {{zones}} + zone_id) * {{window_classes}} + window_id),
counted AS (
  SELECT *, charged * ((first + unit1 - 1) // unit1) AS units1, charged * ((extent - first + unit2 - 1) // unit2) AS units2
  FROM priced),
decided AS (
  SELECT *, charged * ((units1 * price1 + units2 * price2 + base) // whole) AS charge,
    CASE WHEN screen >= 0 THEN coalesce(reason, screen)
         WHEN ours IS NULL OR NOT ours THEN 20 WHEN plan_id IS NULL THEN 21 WHEN plan_id < 0 THEN 22
         WHEN zone_id IS NULL THEN 23 WHEN rate_key IS NULL THEN 24 ELSE 10 END AS outcome
  FROM counted)

-- section: totals
SELECT outcome, count(*) AS records, sum(charge) AS charged,
  sum(charge - (charge * 20000 + {{vat_divisor}}) // ({{vat_divisor}} * 2)) AS vat
FROM decided GROUP BY outcome ORDER BY outcome

-- section: rated
COPY (
  {{decided}}
  SELECT '{{source}}' AS source, record_id, account_id, plan, '{{tariff}}' AS tariff, zone, service_name AS service,
    strftime(make_timestamp((at_ms + {{offset_ms}}) * 1000), '%Y-%m-%dT%H:%M:%S.%g{{offset}}') AS answer_at,
    coalesce(release_ms - at_ms, 0) AS duration_ms, units1 + units2 AS units,
    (charge / 100)::DECIMAL(18, 2) AS charge, ((charge - net) / 100)::DECIMAL(18, 2) AS vat, '{{vat}}' AS vat_rate,
    '0.00' AS not_owed, '' AS cut_off_at, '' AS flags, '' AS rules
  FROM (SELECT *, (charge * 20000 + {{vat_divisor}}) // ({{vat_divisor}} * 2) AS net FROM decided WHERE outcome = 10)
  LEFT JOIN plans USING (plan_id) LEFT JOIN zones USING (zone_id)
) TO '{{out}}' (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '')
