//! What a replay found, as numbers and as a table.

use std::fmt::Write;

use serde::Serialize;

/// What a configuration would have made of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The source the trace names.
    pub source: String,
    /// When the trace was started, as it says.
    pub started: String,
    /// Time of the last entry, in milliseconds since the start.
    pub duration_ms: f64,
    /// The line that is cut short, if the trace ends in one.
    pub truncated_line: Option<u64>,
    /// Of all entities together.
    pub totals: Totals,
    /// Of each entity, most saved writes first, then by name.
    pub entities: Vec<EntityReport>,
}

/// Sums over all entities.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Totals {
    /// Writes in the trace.
    pub before: u64,
    /// Writes published, those caused by time included.
    pub after: u64,
    /// Publications caused by time: heartbeats and settled values.
    pub timed: u64,
    /// `before` less `after`.
    pub saved: i64,
    /// `saved` as a share of `before`; negative where heartbeats outnumber
    /// what was saved, 0 for an empty trace.
    pub suppressed: f64,
    /// Batches in which the published writes left.
    pub batches: u64,
    /// Writes in those batches: one for each entity and window.
    pub batched: u64,
}

/// What happened to one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntityReport {
    /// Its name.
    pub entity: String,
    /// Writes in the trace.
    pub before: u64,
    /// Writes published.
    pub after: u64,
    /// `before` less `after`.
    pub saved: i64,
    /// `saved` as a share of `before`.
    pub suppressed: f64,
    /// Largest difference between a reading of its state and the value
    /// published at that time; `None` without numeric readings.
    pub largest_error: Option<f64>,
}

/// What was saved, absolutely and as a share.
pub(super) fn saving(before: u64, after: u64) -> (i64, f64) {
    let saved = before.cast_signed() - after.cast_signed();
    let share = if before == 0 {
        0.0
    } else {
        saved as f64 / before as f64
    };
    (saved, share)
}

impl Report {
    /// A table for people, of the `top` entities or of all. Ends in a line
    /// break.
    pub fn table(&self, top: Option<usize>) -> String {
        let shown = top.unwrap_or(usize::MAX).min(self.entities.len());
        let mut rows = vec![
            [
                "entity",
                "before",
                "after",
                "saved",
                "suppressed",
                "largest error",
            ]
            .map(str::to_owned),
        ];
        rows.extend(self.entities.iter().take(shown).map(|entity| {
            [
                entity.entity.clone(),
                entity.before.to_string(),
                entity.after.to_string(),
                entity.saved.to_string(),
                percent(entity.suppressed),
                entity.largest_error.map_or_else(|| "-".to_owned(), short),
            ]
        }));
        let totals = &self.totals;
        rows.push([
            "total".to_owned(),
            totals.before.to_string(),
            totals.after.to_string(),
            totals.saved.to_string(),
            percent(totals.suppressed),
            String::new(),
        ]);
        let mut text = layout(&rows);
        let hidden = self.entities.len() - shown;
        if hidden > 0 {
            let _ = writeln!(
                text,
                "{hidden} more entities not shown, but counted in the total"
            );
        }
        let _ = writeln!(
            text,
            "{:.1} s of trace; {} publications by time; {} writes in {} batches",
            self.duration_ms / 1000.0,
            totals.timed,
            totals.batched,
            totals.batches
        );
        if let Some(line) = self.truncated_line {
            let _ = writeln!(
                text,
                "line {line} of the trace is cut short; everything before it counts"
            );
        }
        text
    }
}

/// Columns two spaces apart, the first flush left, the others flush right.
pub(super) fn layout<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (width, cell)) in widths.iter().zip(row).enumerate() {
            let _ = if column == 0 {
                write!(line, "{cell:<width$}")
            } else {
                write!(line, "  {cell:>width$}")
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// At most six decimals, none that say nothing.
fn short(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(name: &str, before: u64, after: u64, largest_error: Option<f64>) -> EntityReport {
        let (saved, suppressed) = saving(before, after);
        EntityReport {
            entity: name.into(),
            before,
            after,
            saved,
            suppressed,
            largest_error,
        }
    }

    #[test]
    fn the_table_is_aligned_and_says_what_it_leaves_out() {
        let report = Report {
            source: String::new(),
            started: String::new(),
            duration_ms: 61_500.0,
            truncated_line: Some(1204),
            totals: Totals {
                before: 1203,
                after: 103,
                timed: 2,
                saved: 1100,
                suppressed: 1100.0 / 1203.0,
                batches: 40,
                batched: 99,
            },
            entities: vec![
                entity("sensor.power", 1000, 50, Some(0.3 - 0.1)),
                entity("light.a", 200, 50, None),
                entity("sensor.b", 3, 3, Some(0.0)),
            ],
        };
        let expected = "\
entity        before  after  saved  suppressed  largest error
sensor.power    1000     50    950      95.0 %            0.2
light.a          200     50    150      75.0 %              -
total           1203    103   1100      91.4 %
1 more entities not shown, but counted in the total
61.5 s of trace; 2 publications by time; 99 writes in 40 batches
line 1204 of the trace is cut short; everything before it counts
";
        assert_eq!(report.table(Some(2)), expected);
        assert!(
            report
                .table(None)
                .contains("sensor.b           3      3      0       0.0 %              0\n")
        );
    }
}
