//! The tables of facts: tab-separated, the first line names the columns, `|` stands between accepted spellings.

/// A row: its cells by the columns' names.
pub struct Row {
    columns: Vec<&'static str>,
    cells: Vec<&'static str>,
}

impl Row {
    /// A cell's spellings; none for an empty cell or a column the table does not have.
    pub fn all(&self, column: &str) -> Vec<&'static str> {
        let at = self.columns.iter().position(|c| *c == column);
        let cell = at
            .and_then(|at| self.cells.get(at))
            .copied()
            .unwrap_or_default();
        cell.split('|')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .collect()
    }

    /// A cell's first spelling, the one to write.
    pub fn first(&self, column: &str) -> Option<&'static str> {
        self.all(column).first().copied()
    }
}

/// The rows of a table.
pub fn rows(table: &'static str) -> Vec<Row> {
    let mut lines = table
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let columns: Vec<&'static str> = lines.next().unwrap_or_default().split('\t').collect();
    lines
        .map(|line| Row {
            columns: columns.clone(),
            cells: line.split('\t').collect(),
        })
        .collect()
}

macro_rules! tables {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub const $name: &str = include_str!(concat!("../../../../data/questions/facts/", $file, ".tsv"));)*
        /// Every table, for the tests.
        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

tables! {
    COUNTRIES = "countries",
    STATES = "us-states",
    ELEMENTS = "elements",
    OPPOSITES = "opposites",
    NOUNS = "nouns",
    VERBS = "verbs",
    ADJECTIVES = "adjectives",
    SPANISH = "spanish",
    FRENCH = "french",
    GERMAN = "german",
    ANIMALS = "animals",
    PLACES = "places",
    WORKS = "works",
    INVENTIONS = "inventions",
    COLOURS = "colours",
    CALENDAR = "calendar",
    LETTERS = "letters",
    KINDS = "kinds",
    PEOPLE = "people",
    STUDIES = "studies",
    JOBS = "jobs",
    PURPOSES = "purposes",
    GROUPS = "groups",
    PHOBIAS = "phobias",
    DISHES = "dishes",
    HOLIDAYS = "holidays",
    GODS = "gods",
    COMPANIES = "companies",
    QUANTITIES = "quantities",
    PLANETS = "planets",
    YEARS = "years",
    MISC = "misc",
    WRONG = "wrong",
    FALSE_PREMISES = "false-premises",
    LANDLOCKED = "landlocked",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_every_column_and_no_cell_is_untidy() {
        for (name, table) in ALL {
            let rows = rows(table);
            assert!(rows.len() >= 5, "{name}");
            for row in rows {
                assert_eq!(
                    row.cells.len(),
                    row.columns.len(),
                    "{name}: {:?}",
                    row.cells
                );
                for cell in row.cells {
                    assert_eq!(cell.trim(), cell, "{name}");
                    assert!(
                        cell.is_empty() || cell.split('|').all(|s| !s.trim().is_empty()),
                        "{name}: {cell}"
                    );
                }
            }
        }
    }
}
