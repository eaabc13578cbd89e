//! Prefix tables: what is refused, what is told, how long several hundred thousand rows take.
//!
//! Source: interface 7.1, rating 1.5.

use esep::tariff::{Finding, SourceFile, TariffInput, load};

fn input(version: &str) -> TariffInput {
    TariffInput { versions: vec![SourceFile::new("t.toml", version)], ..TariffInput::default() }
}

fn text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn interface_7_1_prefixes() {
    let version = |zones: &[&str]| {
        let zones: String = zones.iter().map(|zone| format!("[zones.{zone}]\nkind = \"local\"\n")).collect();
        format!("valid_from = 2026-01-01\n{zones}")
    };
    let say = |prefixes: &str| {
        let later = version(&["kz"]).replace("2026-01-01", "2026-07-01");
        let input = TariffInput {
            versions: vec![SourceFile::new("a.toml", version(&["kz", "ru"])), SourceFile::new("b.toml", later)],
            prefixes: Some(SourceFile::new("prefixes.csv", prefixes)),
            ..TariffInput::default()
        };
        let (tariffs, findings) = load(&input);
        (tariffs.map(|tariffs| tariffs.prefixes.len()), text(&findings))
    };
    for (prefixes, count, expected) in [
        ("prefix,zone\n77,kz\n,kz\n", Some(2), ""),
        ("\u{feff}zone;x,note,prefix,zone\r\n,\"a, \"\"b\"\"\",\" 77 \", kz \r\n\r\n,,\"\",kz", Some(2), ""),
        (
            "prefix,zone\n77,kz\n79,ru\n78,ru\n",
            Some(3),
            "prefixes.csv:3: warning: zone `ru` of prefix `79` is not in `b.toml`\n  hint: usage to it has no zone in that version\n",
        ),
        (
            "prefix,zone\n77,kz\n+78,kz\n77,kz\n1234567890123456789,kz\n77,ky\n79,moon\n80,moon\n81\n82,\n",
            None,
            r#"
prefixes.csv:3: prefix `+78` is not up to 18 digits
  hint: write the digits alone, with the country code and without `+`
prefixes.csv:4: prefix `77` is listed twice
  hint: the first is in line 2
prefixes.csv:5: prefix `1234567890123456789` is not up to 18 digits
  hint: write the digits alone, with the country code and without `+`
prefixes.csv:6: zone `ky` of prefix `77` is in no tariff version
  hint: did you mean `kz`?
prefixes.csv:6: prefix `77` is listed twice
  hint: the first is in line 2
prefixes.csv:7: zone `moon` of prefix `79` is in no tariff version
  hint: add the zone to the tariff, or mend its 2 prefixes
prefixes.csv:9: 1 columns, the header has 2
prefixes.csv:10: prefix `82` has no zone
"#,
        ),
        ("", None, "prefixes.csv: the file is empty\n  hint: header: prefix,zone\n"),
        (
            "prefix;zone\n77;kz\n",
            None,
            "prefixes.csv:1: no column `prefix`\n  hint: columns are separated by commas\n\
             prefixes.csv:1: no column `zone`\n  hint: columns are separated by commas\n",
        ),
        ("prefix,zone,zone\n", None, "prefixes.csv:1: the column `zone` stands twice\n"),
        (
            "prefix,zone\n\"77,kz\n78,kz\n",
            None,
            "prefixes.csv:2: a quote that does not close, or text after one that does\n  hint: a quote inside a quoted field is written twice\n",
        ),
    ] {
        let (found, said) = say(prefixes);
        assert_eq!(said, expected.trim_start_matches('\n'), "{prefixes}");
        assert_eq!(found, count, "{prefixes}");
    }
    let mut input = input("valid_from = 2026-01-01");
    input.prefixes = Some(SourceFile::new("p.csv", b"prefix,zone\n7,\xff\n".to_vec()));
    assert_eq!(text(&load(&input).1), "p.csv:2: not UTF-8\n  hint: save the file as UTF-8\n");
}

#[test]
fn one_mistake_is_told_once() {
    // The zone's header is broken: neither the prefix nor the rate is at fault.
    let mut input = input("valid_from = 2026-01-01\n[zones.a\nkind = \"local\"\n");
    input.prefixes = Some(SourceFile::new("p.csv", "prefix,zone\n7,b\n"));
    let (_, findings) = load(&input);
    assert_eq!(findings.iter().filter(|finding| finding.file == "p.csv").count(), 0, "{}", text(&findings));
}

#[test]
fn interface_7_1_three_hundred_thousand_prefixes() {
    let mut prefixes = String::from("prefix,zone\n");
    for at in 0..300_000 {
        prefixes.push_str(&format!("{},z{}\n", 1_000_000 + at * 7, at % 100));
    }
    let zones: String = (0..100).map(|zone| format!("zones.z{zone}.kind = \"international\"\n")).collect();
    let mut input = input(&format!("valid_from = 2026-01-01\n{zones}"));
    input.prefixes = Some(SourceFile::new("prefixes.csv", prefixes));
    let start = std::time::Instant::now();
    let (tariffs, findings) = load(&input);
    println!("300 000 prefixes: {} ms", start.elapsed().as_millis());
    assert_eq!(text(&findings), "");
    let tariffs = tariffs.unwrap();
    assert_eq!(tariffs.prefixes.len(), 300_000);
    assert_eq!(tariffs.zone_name(tariffs.prefixes.longest_match(b"10000079")), "z1");
}
