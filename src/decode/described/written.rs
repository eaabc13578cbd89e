//! A description as it is written.

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) needs: String,
    #[serde(default = "comma")]
    pub(super) delimiter: String,
    #[serde(default = "double_quote")]
    pub(super) quote: String,
    pub(super) header: bool,
    #[serde(default)]
    pub(super) columns: Vec<String>,
    #[serde(default)]
    pub(super) encoding: Option<String>,
    pub(super) time_format: String,
    #[serde(default)]
    pub(super) time_zone: Option<String>,
    #[serde(default)]
    pub(super) number_form: Option<String>,
    pub(super) record_id: Vec<WrittenColumn>,
    #[serde(default = "bar")]
    pub(super) record_id_separator: String,
    pub(super) map: BTreeMap<String, WrittenSource>,
    #[serde(default)]
    pub(super) answered_when: Option<WrittenAnswered>,
    #[serde(default)]
    pub(super) setup_from: Option<WrittenBefore>,
    #[serde(default)]
    pub(super) answer_from: Option<WrittenBefore>,
    #[serde(default)]
    pub(super) release_from: Option<WrittenAfter>,
    #[serde(default)]
    pub(super) duration: WrittenDuration,
}

fn comma() -> String {
    ",".into()
}

fn double_quote() -> String {
    "\"".into()
}

fn bar() -> String {
    "|".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAnswered {
    pub(super) column: WrittenColumn,
    pub(super) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenBefore {
    pub(super) release_minus_seconds: WrittenColumn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAfter {
    pub(super) answer_plus_seconds: Option<WrittenColumn>,
    pub(super) setup_plus_seconds: Option<WrittenColumn>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDuration {
    #[serde(default)]
    pub(super) from_answer: Option<WrittenColumn>,
    #[serde(default)]
    pub(super) from_setup: Option<WrittenColumn>,
    #[serde(default)]
    pub(super) tolerance_ms: Option<u32>,
}

/// A column by its name, or by its position from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum WrittenColumn {
    Name(String),
    Position(u16),
}

impl<'de> Deserialize<'de> for WrittenColumn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = WrittenColumn;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, or its position from 1")
            }

            fn visit_str<E>(self, name: &str) -> Result<WrittenColumn, E> {
                Ok(WrittenColumn::Name(name.to_owned()))
            }

            fn visit_i64<E: Error>(self, position: i64) -> Result<WrittenColumn, E> {
                match u16::try_from(position) {
                    Ok(position) if position > 0 => Ok(WrittenColumn::Position(position)),
                    Ok(_) | Err(_) => Err(E::custom(format!("position {position} is not from 1 to 65535"))),
                }
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A column, a table with what is done to it, or a list of these of which the first that is not empty counts.
pub(super) enum WrittenSource {
    Column(WrittenColumn),
    Table(Box<WrittenTable>),
    FirstOf(Vec<WrittenSource>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTable {
    #[serde(default)]
    pub(super) column: Option<WrittenColumn>,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) after: String,
    #[serde(default)]
    pub(super) before: String,
    #[serde(default)]
    pub(super) before_last: String,
    #[serde(default)]
    pub(super) strip: String,
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) otherwise: Option<String>,
    #[serde(default)]
    pub(super) prefix: String,
    #[serde(default)]
    pub(super) time_format: Option<String>,
}

impl<'de> Deserialize<'de> for WrittenSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = WrittenSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column, a table like { column = \"src\", strip = \"-\" }, or a list of these")
            }

            fn visit_str<E>(self, name: &str) -> Result<WrittenSource, E> {
                Ok(WrittenSource::Column(WrittenColumn::Name(name.to_owned())))
            }

            fn visit_i64<E: Error>(self, position: i64) -> Result<WrittenSource, E> {
                let deserializer = serde::de::value::I64Deserializer::<E>::new(position);
                WrittenColumn::deserialize(deserializer).map(WrittenSource::Column)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenSource, A::Error> {
                WrittenTable::deserialize(MapAccessDeserializer::new(map))
                    .map(|table| WrittenSource::Table(Box::new(table)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<WrittenSource, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(WrittenSource::FirstOf)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
