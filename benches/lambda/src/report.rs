//! What was measured, as a table, as JSON, as BENCHMARKS.md and as a plot.

use crate::{Of, Samples};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The line that a figure must keep.
#[derive(Debug, Clone, Copy)]
enum Line {
    /// So many times the bare handler's.
    Times(f64),
    /// At most this.
    Most(f64),
}

/// One line of the table.
pub struct Row {
    name: &'static str,
    unit: &'static str,
    bare: Vec<f64>,
    guard: Vec<f64>,
    line: Option<Line>,
}

impl Row {
    fn ratio(&self) -> f64 {
        median(&self.guard) / median(&self.bare)
    }

    /// Whether the line is kept; none where there is none.
    fn kept(&self) -> Option<bool> {
        self.line.map(|line| match line {
            Line::Times(most) => self.ratio() <= most,
            Line::Most(most) => median(&self.guard) <= most,
        })
    }

    fn wanted(&self) -> String {
        match self.line {
            Some(Line::Times(most)) => format!("at most {most}x"),
            Some(Line::Most(most)) => format!("at most {most} {}", self.unit).trim_end().to_owned(),
            None => String::new(),
        }
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// From the least to the most, as a share of the median, in percent.
fn spread(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::MIN, f64::max);
    let least = values.iter().copied().fold(f64::MAX, f64::min);
    (most - least) / median(values) * 100.0
}

pub fn rows(samples: &Samples, guard_mb: f64, bare_mb: f64) -> Vec<Row> {
    let row = |name, unit, line| Row {
        name,
        unit,
        bare: samples.of(name, Of::Bare).to_vec(),
        guard: samples.of(name, Of::Guard).to_vec(),
        line,
    };
    vec![
        row("batch of 1,000 CPU", "ms", Some(Line::Times(1.25))),
        row("batch of 100 CPU", "ms", Some(Line::Times(1.25))),
        row("batch of 1,000 at 10 ms time", "ms", Some(Line::Times(1.15))),
        row("peak of 1", "MiB", Some(Line::Most(9.0))),
        row("peak of 1,000", "MiB", Some(Line::Most(18.0))),
        row("first CPU", "ms", Some(Line::Times(2.5))),
        row("rounds of calls of the first", "", Some(Line::Most(3.0))),
        row("first calls", "", None),
        row("init CPU", "ms", Some(Line::Times(1.15))),
        row("init and first CPU", "ms", Some(Line::Times(2.0))),
        row("init and first time", "ms", Some(Line::Times(2.0))),
        row("single time", "ms", Some(Line::Times(1.15))),
        row("single CPU", "ms", Some(Line::Times(1.2))),
        row("calls of 100 single objects", "", Some(Line::Times(1.0))),
        row("calls of 2,000 objects in batches", "", Some(Line::Times(1.0))),
        Row { name: "binary", unit: "MB", bare: vec![bare_mb], guard: vec![guard_mb], line: Some(Line::Most(7.9)) },
    ]
}

/// What it was measured on.
pub struct Machine {
    facts: Vec<(&'static str, String)>,
    /// What has no bare handler beside it.
    alone: [String; 2],
}

pub fn machine(rounds: usize, alone: [String; 2]) -> Machine {
    let output = |program: &str, arguments: &[&str]| {
        let ran = std::process::Command::new(program).args(arguments).output();
        ran.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned()).unwrap_or_default()
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let facts = vec![
        ("machine", format!("{} with {} cores, Linux {}", model.unwrap_or("a CPU"), cores(), output("uname", &["-r"]))),
        ("date", output("date", &["--utc", "+%Y-%m-%d"])),
        ("rounds", rounds.to_string()),
        ("load at the end", load.split(' ').next().unwrap_or_default().to_owned()),
    ];
    Machine { facts, alone }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// With as many digits as it needs to be told from its neighbours.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn cells(row: &Row) -> [String; 6] {
    let with_unit = |value| format!("{} {}", figure(value), row.unit).trim_end().to_owned();
    let kept = match row.kept() {
        Some(true) => "kept",
        Some(false) => "missed",
        None => "",
    };
    let spread = if row.guard.len() > 1 { format!("{:.0} %", spread(&row.guard)) } else { String::new() };
    let line = format!("{} {kept}", row.wanted()).trim().to_owned();
    [
        row.name.to_owned(),
        with_unit(median(&row.bare)),
        with_unit(median(&row.guard)),
        format!("{:.2}x", row.ratio()),
        line,
        spread,
    ]
}

const HEADS: [&str; 6] = ["", "bare", "guard", "ratio", "line", "spread"];

pub fn table(rows: &[Row], machine: &Machine) -> String {
    let mut out: String = machine.facts.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let _ = writeln!(
        out,
        "{:36} {:>10} {:>10} {:>7}  {:26} {}",
        HEADS[0], HEADS[1], HEADS[2], HEADS[3], HEADS[4], HEADS[5]
    );
    for row in rows {
        let [name, bare, guard, ratio, line, spread] = cells(row);
        let _ = writeln!(out, "{name:36} {bare:>10} {guard:>10} {ratio:>7}  {line:26} {spread}");
    }
    out + &machine.alone.join("\n")
}

pub fn json(rows: &[Row], machine: &Machine) -> String {
    let facts: serde_json::Map<String, Value> =
        machine.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({"name": row.name, "unit": row.unit, "bare": median(&row.bare), "guard": median(&row.guard),
                "ratio": row.ratio(), "line": row.wanted(), "kept": row.kept(), "samples": {"bare": row.bare, "guard": row.guard}})
        })
        .collect();
    format!("{:#}\n", json!({ "machine": facts, "rows": rows, "alone": machine.alone }))
}

pub fn markdown(rows: &[Row], machine: &Machine) -> String {
    let mut out = String::from(
        "# Benchmarks\n\
         `make bench` writes this page: the release `bootstrap` beside a bare handler (`benches/bare`: the same SDK, TLS, lock file\n\
         and profile, one HeadObject a record, 64 at once), in interleaved rounds, against one AWS on loopback behind TLS\n\
         (`benches/lambda`). Medians. The guard gets SQS batches of EventBridge events, the bare handler S3 notifications. CPU is the\n\
         process's own, from an invocation until it asks for the next. Only ratios carry over to Lambda, and only from a machine that does\n\
         nothing else: see the load and the spread.\n\n",
    );
    for (name, value) in &machine.facts {
        let _ = writeln!(out, "- {name}: {value}");
    }
    let _ =
        writeln!(out, "\n![Times the bare handler, with the line that is to be kept](docs/images/benchmarks.svg)\n");
    let _ = writeln!(out, "| {} |\n|{}", HEADS.join(" | "), "---|".repeat(HEADS.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", cells(row).join(" | "));
    }
    let _ = writeln!(out, "\n- {}", machine.alone.join("\n- "));
    out + "\n*Spread* is from the least to the most of the guard's samples, as a share of its median.\n"
}

/// Bars of the ratios, each with its line.
pub fn svg(rows: &[Row]) -> String {
    const SCALE: f64 = 120.0;
    const LEFT: f64 = 240.0;
    let rows: Vec<&Row> = rows.iter().filter(|row| matches!(row.line, Some(Line::Times(most)) if most > 1.0)).collect();
    let height = 30 * rows.len() + 40;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Times the bare handler</title>\n<rect width=\"760\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let x = |ratio: f64| LEFT + ratio * SCALE;
    for (n, row) in rows.iter().enumerate() {
        let (y, ratio) = (10 + 30 * n, row.ratio());
        let Some(Line::Times(most)) = row.line else { continue };
        let colour = if row.kept() == Some(true) { "#3b7d5c" } else { "#b4582f" };
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", LEFT - 10.0, y + 15, row.name);
        let _ = writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"20\" fill=\"{colour}\"/>",
            ratio * SCALE
        );
        let (mark, end) = (x(most), x(ratio.max(most)) + 8.0);
        let _ = writeln!(
            out,
            "<line x1=\"{mark:.1}\" x2=\"{mark:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"#222222\" stroke-width=\"2\"/>",
            y - 3,
            y + 23
        );
        let _ = writeln!(out, "<text x=\"{end:.1}\" y=\"{}\">{ratio:.2}x, line {most}x</text>", y + 15);
    }
    let (one, bottom) = (x(1.0), height - 30);
    let _ = writeln!(
        out,
        "<line x1=\"{one}\" x2=\"{one}\" y1=\"5\" y2=\"{bottom}\" stroke=\"#888888\" stroke-dasharray=\"4 3\"/>"
    );
    let _ = writeln!(
        out,
        "<text x=\"{one}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555555\">the bare handler</text>",
        height - 12
    );
    out + "</svg>\n"
}
