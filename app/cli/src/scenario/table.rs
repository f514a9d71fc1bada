//! Reading CSV tables by column name, with errors that say where and what.

use std::io::Read;

use super::ScenarioError;

/// A CSV file whose header has been read and whose needed columns have been found.
pub(super) struct Table<R> {
    file: String,
    reader: csv::Reader<R>,
    columns: Vec<(&'static str, usize)>,
}

/// One row with the line it stands on.
pub(super) struct Row<'a> {
    file: &'a str,
    columns: &'a [(&'static str, usize)],
    record: csv::StringRecord,
    /// Line of the row, the header being line 1.
    pub line: u64,
}

impl<R: Read> Table<R> {
    /// Reads the header and finds `needed` in it, in any order and among any others.
    ///
    /// # Errors
    /// [`ScenarioError::Empty`], [`ScenarioError::Unreadable`], [`ScenarioError::MissingColumn`].
    pub fn open(reader: R, file: &str, needed: &[&'static str]) -> Result<Self, ScenarioError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(reader);
        let header = reader.headers().map_err(|error| unreadable(file, &error))?.clone();
        if header.is_empty() {
            return Err(ScenarioError::Empty { file: file.into() });
        }
        let find = |column: &&'static str| match header.iter().position(|name| name == *column) {
            Some(index) => Ok((*column, index)),
            None => Err(ScenarioError::MissingColumn { file: file.into(), column, expected: needed.join(", ") }),
        };
        let columns = needed.iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self { file: file.into(), reader, columns })
    }

    /// Calls `visit` with every row.
    ///
    /// # Errors
    /// What `visit` returns, [`ScenarioError::Unreadable`], and [`ScenarioError::Empty`] when there is no row.
    pub fn for_each(mut self, mut visit: impl FnMut(&Row) -> Result<(), ScenarioError>) -> Result<(), ScenarioError> {
        let mut rows = 0_u64;
        for record in self.reader.records() {
            let record = record.map_err(|error| unreadable(&self.file, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            visit(&Row { file: &self.file, columns: &self.columns, record, line })?;
            rows += 1;
        }
        if rows == 0 { Err(ScenarioError::Empty { file: self.file }) } else { Ok(()) }
    }
}

impl Row<'_> {
    /// The field in this column without surrounding blanks. The column must be one of those the table was opened with.
    pub fn text(&self, column: &'static str) -> &str {
        let index = self.columns.iter().find(|(name, _)| *name == column).map(|(_, index)| *index);
        index.and_then(|index| self.record.get(index)).unwrap_or_default().trim()
    }

    /// The field in this column, which must not be blank.
    ///
    /// # Errors
    /// [`ScenarioError::BadValue`].
    pub fn name(&self, column: &'static str) -> Result<&str, ScenarioError> {
        let text = self.text(column);
        if text.is_empty() { Err(self.bad_value(column, "a name")) } else { Ok(text) }
    }

    /// The field in this column as a whole number.
    ///
    /// # Errors
    /// [`ScenarioError::BadValue`].
    pub fn count(&self, column: &'static str) -> Result<u32, ScenarioError> {
        let text = self.text(column);
        text.parse().map_err(|_| self.bad_value(column, "a whole number from 0 to 4294967295"))
    }

    /// The error that this field is not what was `expected`.
    pub fn bad_value(&self, column: &'static str, expected: &'static str) -> ScenarioError {
        ScenarioError::BadValue {
            file: self.file.into(),
            line: self.line,
            column,
            value: self.text(column).into(),
            expected,
        }
    }
}

fn unreadable(file: &str, error: &csv::Error) -> ScenarioError {
    let line = error.position().map_or(0, csv::Position::line);
    ScenarioError::Unreadable { file: file.into(), line, message: error.to_string() }
}
