//! The sample prefix table holds together: every country once, each number in the zone that a person would expect.

use std::collections::BTreeMap;

const TABLE: &str = include_str!("../sample-cdr/prefixes.csv");

const ZONES: &[&str] = &[
    "emergency",
    "intl-a",
    "intl-a-mobile",
    "intl-b",
    "intl-c",
    "intl-cis",
    "intl-sat",
    "kz-ld",
    "kz-local",
    "kz-mobile",
    "kz-special",
    "premium",
    "ru",
];

/// Country codes and codes of no country that the ITU has assigned (E.164). Reserved and withdrawn ones are not here.
const COUNTRY_CODES: &str = "
    1 7 20 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 238 239
    240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 269
    27 290 291 297 298 299 30 31 32 33 34 350 351 352 353 354 355 356 357 358 359 36 370 371 372 373 374 375 376 377
    378 379 380 381 382 383 385 386 387 389 39 40 41 420 421 423 43 44 45 46 47 48 49 500 501 502 503 504 505 506 507
    508 509 51 52 53 54 55 56 57 58 590 591 592 593 594 595 596 597 598 599 60 61 62 63 64 65 66 670 672 673 674 675 676
    677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 81 82 84 850 852 853 855 856 86 870 878 880 881
    882 883 886 888 90 91 92 93 94 95 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 98 992 993
    994 995 996 998";

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().skip(1).filter_map(|line| line.split_once(','))
}

/// The zone of the longest prefix of the number.
fn zone_of(number: &str) -> Option<&'static str> {
    let by_prefix: BTreeMap<_, _> = rows().collect();
    (1..=number.len()).rev().find_map(|length| by_prefix.get(number.get(..length)?).copied())
}

#[test]
fn rows_are_sorted_digits_with_known_zones() {
    assert_eq!(TABLE.lines().next(), Some("prefix,zone"));
    assert_eq!(rows().count(), TABLE.lines().count() - 1);
    assert!((600..=900).contains(&rows().count()), "{}", rows().count());
    let prefixes: Vec<_> = rows().map(|(prefix, _)| prefix).collect();
    assert!(prefixes.is_sorted_by(|a, b| a < b));
    for (prefix, zone) in rows() {
        assert!((1..=7).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit()), "{prefix}");
        assert!(ZONES.contains(&zone), "{prefix} {zone}");
    }
}

#[test]
fn facts_5_every_country_code_is_there() {
    let prefixes: Vec<_> = rows().map(|(prefix, _)| prefix).collect();
    for code in COUNTRY_CODES.split_whitespace() {
        assert!(prefixes.contains(&code), "{code}");
    }
}

#[test]
fn rating_1_5_numbers_have_the_zone_of_their_longest_prefix() {
    for (number, zone) in [
        ("77272777888", "kz-local"),
        ("77277230000", "kz-ld"),
        ("77172688900", "kz-ld"),
        ("77990000000", "kz-ld"),
        ("77012234567", "kz-mobile"),
        ("77600000000", "kz-ld"),
        ("76000000000", "kz-ld"),
        ("78000800880", "kz-special"),
        ("78091234567", "premium"),
        ("112", "emergency"),
        ("1414", "premium"),
        ("74951234567", "ru"),
        ("79161234567", "ru"),
        ("75001234567", "ru"),
        ("998712345678", "intl-cis"),
        ("81312345678", "intl-a"),
        ("4915112345678", "intl-a-mobile"),
        ("493012345678", "intl-a"),
        ("447712345678", "intl-a-mobile"),
        ("33612345678", "intl-a-mobile"),
        ("33112345678", "intl-a"),
        ("12125550100", "intl-b"),
        // San Francisco, behind the short code 1415.
        ("14155550100", "intl-b"),
        ("12425550100", "intl-c"),
        ("5511912345678", "intl-b"),
        ("881612345678", "intl-sat"),
        ("0", ""),
        ("210123456", ""),
    ] {
        assert_eq!(zone_of(number).unwrap_or_default(), zone, "{number}");
    }
}
