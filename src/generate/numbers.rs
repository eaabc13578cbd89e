use super::random::Random;
use std::collections::BTreeMap;
use std::collections::HashSet;

/// Zones of destinations and their kinds; the international ones follow as `intl-01` to `intl-27`.
pub(super) const HOME_ZONES: [(&str, &str); 13] = [
    ("emergency", "free"),
    ("info", "special"),
    ("premium", "special"),
    ("mobile-own", "mobile"),
    ("mobile-b", "mobile"),
    ("mobile-c", "mobile"),
    ("mobile-d", "mobile"),
    ("city", "local"),
    ("ld-north", "long-distance"),
    ("ld-south", "long-distance"),
    ("ld-east", "long-distance"),
    ("ld-west", "long-distance"),
    ("ld-centre", "long-distance"),
];
pub(super) const INTERNATIONAL_ZONES: u64 = 27;

const MOBILE_ZONES: [&str; 4] = ["mobile-own", "mobile-b", "mobile-c", "mobile-d"];
const DISTANT_ZONES: [&str; 5] = ["ld-north", "ld-south", "ld-east", "ld-west", "ld-centre"];

const SHORT_CODES: [(&str, &[&str]); 3] = [
    ("emergency", &["101", "102", "103", "104", "112"]),
    ("info", &["109", "118", "1100", "1101", "1109", "1188"]),
    ("premium", &["1150", "1151", "1152", "1153", "1154", "1155", "1156", "1157"]),
];

/// Area and network codes with the country's 7, as they stand in the prefix table.
const NATIONAL: [(&str, &[&str]); 10] = [
    ("mobile-own", &["7701", "7702"]),
    ("mobile-b", &["7705", "7771", "7776", "7777"]),
    ("mobile-c", &["7707", "7747"]),
    ("mobile-d", &["7700", "7708"]),
    ("city", &["7717", "7727"]),
    ("ld-north", &["7714", "7715", "7716"]),
    ("ld-south", &["7724", "7725", "7726", "7728"]),
    ("ld-east", &["7718", "7722", "7723"]),
    ("ld-west", &["7711", "7712", "7713", "7729"]),
    ("ld-centre", &["7710", "7721"]),
];

/// Countries of two digits, then those of three as (first two digits, which third digits).
const COUNTRIES_OF_TWO: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 \
                                63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 73 74 78 79";
const COUNTRIES_OF_THREE: [(u64, &str); 14] = [
    (21, "12368"),
    (22, "0123456789"),
    (23, "0123456789"),
    (24, "0123456789"),
    (25, "01234568"),
    (26, "0123456789"),
    (35, "0123456789"),
    (37, "0123456789"),
    (38, "0123567"),
    (42, "013"),
    (50, "0123456789"),
    (59, "0123456789"),
    (96, "0123456789"),
    (99, "234568"),
];

/// The prefix table, and the parts of it that calls are dialled to.
#[derive(Debug)]
pub(super) struct Numbers {
    /// Prefix and zone, in order.
    pub(super) table: BTreeMap<String, String>,
    pub(super) mobile: Vec<String>,
    pub(super) fixed: Vec<String>,
    /// With the country code, without `810`.
    pub(super) international: Vec<String>,
    pub(super) codes: Vec<String>,
    pub(super) premium: Vec<String>,
}

impl Numbers {
    /// A table of `count` prefixes, or of the country, area and short codes alone (some 270) where that is more.
    pub(super) fn new(seed: u64, count: u32) -> Self {
        let mut random = Random::of(seed, 1);
        let mut table = BTreeMap::new();
        let mut parents: [Vec<(String, String)>; 3] = Default::default();
        let mut codes = Vec::new();
        let mut premium = Vec::new();
        for (zone, list) in SHORT_CODES {
            for code in list {
                table.insert((*code).to_owned(), zone.to_owned());
                if zone == "premium" { &mut premium } else { &mut codes }.push((*code).to_owned());
            }
        }
        let [mobile, fixed, international] = &mut parents;
        for (zone, list) in NATIONAL {
            let of_kind = if zone.starts_with("mobile") { &mut *mobile } else { &mut *fixed };
            of_kind.extend(list.iter().map(|code| ((*code).to_owned(), zone.to_owned())));
        }
        for code in countries() {
            international.push((code, international_zone(random.below(INTERNATIONAL_ZONES))));
        }
        for (code, zone) in parents.iter().flatten() {
            table.insert(code.clone(), zone.clone());
        }
        let mut lists: [Vec<String>; 3] =
            parents.each_ref().map(|list| list.iter().map(|(code, _)| code.clone()).collect());
        let mut seen: HashSet<String> = table.keys().cloned().collect();
        while seen.len() < count as usize {
            // One in six is a number range of the country, the others are areas abroad.
            let kind = [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2].get(random.below(12) as usize).copied().unwrap_or(2);
            let (Some(parents), Some(list)) = (parents.get(kind), lists.get_mut(kind)) else { continue };
            let Some((parent, zone)) = random.pick(parents) else { continue };
            let more = random.below(8u64.saturating_sub(parent.len() as u64)).saturating_add(1) as usize;
            let mut prefix = parent.clone();
            prefix.extend((0..more).filter_map(|_| random.pick(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])));
            // A range may belong to another network, another region, or to mobiles abroad.
            let zone = match (kind, random.percent(40)) {
                (0, true) => random.pick(&MOBILE_ZONES).map_or(String::new(), |zone| (*zone).to_owned()),
                (1, true) => random.pick(&DISTANT_ZONES).map_or(String::new(), |zone| (*zone).to_owned()),
                (2, true) => international_zone(random.below(INTERNATIONAL_ZONES)),
                _ => zone.clone(),
            };
            if seen.insert(prefix.clone()) {
                list.push(prefix.clone());
                table.insert(prefix, zone);
            }
        }
        let [mobile, fixed, international] = lists;
        Self { table, mobile, fixed, international, codes, premium }
    }
}

/// The names of the international zones.
pub(super) fn international_zones() -> impl Iterator<Item = String> {
    (0..INTERNATIONAL_ZONES).map(international_zone)
}

fn international_zone(at: u64) -> String {
    format!("intl-{:02}", at.wrapping_add(1))
}

fn countries() -> Vec<String> {
    let mut countries: Vec<String> = COUNTRIES_OF_TWO.split_ascii_whitespace().map(str::to_owned).collect();
    for (first, thirds) in COUNTRIES_OF_THREE {
        countries.extend(thirds.chars().map(|third| format!("{first}{third}")));
    }
    // North America: the area code tells the country.
    countries.extend((201..990).step_by(13).map(|area| format!("1{area}")));
    countries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_7_1_prefixes_are_digits_each_once_in_some_forty_zones() {
        let numbers = Numbers::new(7, 5000);
        assert_eq!(numbers.table.len(), 5000);
        assert!(numbers.table.keys().all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())));
        let zones: HashSet<&String> = numbers.table.values().collect();
        assert_eq!(zones.len(), 40);
        let least = Numbers::new(7, 0);
        assert!((250..300).contains(&least.table.len()), "{}", least.table.len());
        // A number abroad never begins like a short code, which would then be its longest prefix.
        let codes = numbers.codes.iter().chain(&numbers.premium);
        assert!(codes.clone().all(|code| !numbers.international.iter().any(|p| p.starts_with(code.as_str()))));
    }
}
