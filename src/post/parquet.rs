//! The exported tables as Parquet: the rows of the CSV, cell by cell, under types. Only with the feature `parquet`.
//!
//! An empty cell is null. Text is in dictionaries; amounts are decimals of two places, in tenge; instants are
//! milliseconds in UTC; days are dates. Rows are written in groups, so that memory does not grow with their number.

use super::export::{POSTINGS_HEADER, charges_header};
use crate::decode::parse_rfc3339;
use crate::units::{LocalDay, Tiyn};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows of a group: they are in memory before they are written.
const GROUP_ROWS: usize = 1 << 17;
/// Bytes of the texts of a group, at most some more.
const GROUP_BYTES: usize = 64 << 20;
/// Bytes of a decimal: 128 bits.
const DECIMAL_BYTES: i32 = 16;
/// Digits of an amount: any 64-bit number of tiyn.
const AMOUNT_DIGITS: i32 = 20;
/// Digits of a rate in per cent.
const RATE_DIGITS: i32 = 5;

/// A table that can be exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// `charges`.
    Charges,
    /// `postings`.
    Postings,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Text,
    /// Tenge with two places, of so many digits.
    Decimal(i32),
    Number,
    Instant,
    Day,
}

impl Table {
    fn header(self) -> String {
        match self {
            Self::Charges => charges_header(),
            Self::Postings => POSTINGS_HEADER.to_owned(),
        }
    }
}

/// The type of a column of either table.
fn kind_of(column: &str) -> Kind {
    match column {
        "charge" | "vat" | "not_owed" | "debit" | "credit" => Kind::Decimal(AMOUNT_DIGITS),
        "vat_rate" => Kind::Decimal(RATE_DIGITS),
        "duration_ms" | "units" => Kind::Number,
        "answer_at" | "cut_off_at" => Kind::Instant,
        "day" => Kind::Day,
        _ => Kind::Text,
    }
}

/// The cells of a column that wait for their group; a level of 0 is an empty one.
#[derive(Debug)]
enum Values {
    Text(Vec<ByteArray>),
    Decimal(Vec<FixedLenByteArray>),
    Number(Vec<i64>),
    Day(Vec<i32>),
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
    values: Values,
    levels: Vec<i16>,
}

/// A table that is written as its CSV is handed over: header and rows, in any pieces. [`ParquetTable::finish`] ends it.
pub struct ParquetTable<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    header: Option<String>,
    columns: Vec<Column>,
    /// A row that is not whole yet.
    open: Vec<u8>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> ParquetTable<W> {
    /// Begins a table.
    pub fn new(out: W, table: Table) -> io::Result<Self> {
        let header = table.header();
        let columns: Vec<Column> = header.trim_end().split(',').map(Column::new).collect();
        let fields = columns.iter().map(Column::field).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("esep").with_fields(fields).build().map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("esep ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        Ok(Self { writer, header: Some(header), columns, open: Vec::new(), rows: 0, bytes: 0 })
    }

    /// Writes what is left and the end of the file; what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.open.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the last row of the table is cut"));
        }
        self.write_group()?;
        self.writer.into_inner().map_err(failed)
    }

    fn row(&mut self, row: &[u8]) -> io::Result<()> {
        if let Some(header) = self.header.take() {
            let same = row == header.trim_end().as_bytes();
            return if same {
                Ok(())
            } else {
                Err(io::Error::other("the table has other columns than were announced"))
            };
        }
        let mut rest = Some(row);
        let mut cell = Vec::new();
        for column in &mut self.columns {
            let Some(from) = rest else { return Err(io::Error::other("a row of the table has too few cells")) };
            rest = cell_of(from, &mut cell);
            column.push(&cell)?;
        }
        self.rows = self.rows.saturating_add(1);
        self.bytes = self.bytes.saturating_add(row.len());
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            column.write(&mut group).map_err(failed)?;
        }
        group.close().map_err(failed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Write for ParquetTable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open = std::mem::take(&mut self.open);
        open.extend_from_slice(bytes);
        let mut begun = 0usize;
        let mut quoted = false;
        for at in memchr::memchr2_iter(b'"', b'\n', &open) {
            match open.get(at) {
                // A doubled quote ends and begins again.
                Some(b'"') => quoted = !quoted,
                _ if quoted => {}
                _ => {
                    self.row(open.get(begun..at).unwrap_or_default())?;
                    begun = at.saturating_add(1);
                }
            }
        }
        open.drain(..begun);
        self.open = open;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the first cell of a row, without its quotes; what is behind its comma.
fn cell_of<'r>(row: &'r [u8], cell: &mut Vec<u8>) -> Option<&'r [u8]> {
    cell.clear();
    let Some(quoted) = row.strip_prefix(b"\"") else {
        let end = memchr::memchr(b',', row);
        cell.extend_from_slice(row.get(..end.unwrap_or(row.len())).unwrap_or_default());
        return row.get(end?.saturating_add(1)..);
    };
    let mut rest = quoted;
    while let Some(end) = memchr::memchr(b'"', rest) {
        let (text, behind) = rest.split_at_checked(end).unwrap_or_default();
        cell.extend_from_slice(text);
        match behind {
            [b'"', b'"', more @ ..] => {
                cell.push(b'"');
                rest = more;
            }
            [b'"', b',', more @ ..] => return Some(more),
            _ => return None,
        }
    }
    None
}

impl Column {
    fn new(name: &str) -> Self {
        let kind = kind_of(name);
        let values = match kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Decimal(_) => Values::Decimal(Vec::new()),
            Kind::Number | Kind::Instant => Values::Number(Vec::new()),
            Kind::Day => Values::Day(Vec::new()),
        };
        Self { name: name.to_owned(), kind, values, levels: Vec::new() }
    }

    fn field(&self) -> Result<Arc<Type>, ParquetError> {
        let of = |physical| Type::primitive_type_builder(&self.name, physical).with_repetition(Repetition::OPTIONAL);
        let field = match self.kind {
            Kind::Text => of(Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::String)),
            Kind::Decimal(digits) => of(Physical::FIXED_LEN_BYTE_ARRAY)
                .with_length(DECIMAL_BYTES)
                .with_precision(digits)
                .with_scale(2)
                .with_logical_type(Some(LogicalType::decimal(2, digits))),
            Kind::Number => of(Physical::INT64),
            Kind::Instant => {
                of(Physical::INT64).with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MILLIS)))
            }
            Kind::Day => of(Physical::INT32).with_logical_type(Some(LogicalType::Date)),
        };
        field.build().map(Arc::new)
    }

    fn push(&mut self, cell: &[u8]) -> io::Result<()> {
        if cell.is_empty() {
            self.levels.push(0);
            return Ok(());
        }
        let text = String::from_utf8_lossy(cell);
        let bad = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is no cell of column {}", text, self.name));
        match &mut self.values {
            Values::Text(values) => values.push(ByteArray::from(text.as_bytes().to_vec())),
            Values::Decimal(values) => {
                // Amounts in tenge and rates in per cent have at most two places.
                let hundredths = Tiyn::parse(text.as_bytes()).map_err(|_| bad())?.get();
                values.push(FixedLenByteArray::from(i128::from(hundredths).to_be_bytes().to_vec()));
            }
            Values::Number(values) if self.kind == Kind::Instant => {
                values.push(parse_rfc3339(cell).ok_or_else(bad)?.0);
            }
            Values::Number(values) => values.push(text.parse().map_err(|_| bad())?),
            Values::Day(values) => values.push(LocalDay::parse(text.as_bytes()).map_err(|_| bad())?.0),
        }
        self.levels.push(1);
        Ok(())
    }

    fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else {
            return Err(ParquetError::General(format!("there is no column {}", self.name)));
        };
        let levels = Some(self.levels.as_slice());
        let of = |column: &mut SerializedColumnWriter<'_>| match &self.values {
            Values::Text(values) => column.typed::<ByteArrayType>().write_batch(values, levels, None),
            Values::Decimal(values) => column.typed::<FixedLenByteArrayType>().write_batch(values, levels, None),
            Values::Number(values) => column.typed::<Int64Type>().write_batch(values, levels, None),
            Values::Day(values) => column.typed::<Int32Type>().write_batch(values, levels, None),
        };
        of(&mut column)?;
        column.close()?;
        match &mut self.values {
            Values::Text(values) => values.clear(),
            Values::Decimal(values) => values.clear(),
            Values::Number(values) => values.clear(),
            Values::Day(values) => values.clear(),
        }
        self.levels.clear();
        Ok(())
    }
}

fn failed(error: ParquetError) -> io::Error {
    // What the disk said is the cause; the rest are words of the format.
    if let ParquetError::External(error) = error {
        return error.downcast::<io::Error>().map_or_else(io::Error::other, |error| *error);
    }
    io::Error::other(error.to_string())
}
