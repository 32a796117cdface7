//! The figures: what each is called, what it means and which measurement gives it.

use anyhow::bail;

use crate::measure::Measurement;

/// One figure.
#[derive(Debug)]
pub struct Figure {
    /// Its name, which never changes, so that runs can be compared.
    pub name: &'static str,
    /// What the value counts; `x` is a ratio.
    pub unit: &'static str,
    /// What it means and what it should be.
    pub about: &'static str,
    /// What has to be measured for it.
    pub measurement: Measurement,
}

const fn figure(
    name: &'static str,
    unit: &'static str,
    measurement: Measurement,
    about: &'static str,
) -> Figure {
    Figure {
        name,
        unit,
        about,
        measurement,
    }
}

/// All figures in the order they are printed.
pub const FIGURES: [Figure; 40] = [
    figure(
        "pull_records_per_s",
        "records/s",
        Measurement::Pull,
        "100,000 companies of 1 KB over HTTP into SQLite on disk: 12 fields, mapper, links, bases, cursor",
    ),
    figure(
        "pull_cpu_s_per_100k",
        "s",
        Measurement::Pull,
        "the host's CPU time for it, on all cores",
    ),
    figure(
        "pull_vs_handwritten",
        "x",
        Measurement::Pull,
        "its speed divided by that of a minimal program without mapper, links and bases; at least 0.4",
    ),
    figure(
        "rss_mib_pull_100k",
        "MiB",
        Measurement::Pull,
        "the host's peak memory in that pull, the mapper's compilation included; below 150",
    ),
    figure(
        "reconcile_ns_per_record",
        "ns",
        Measurement::Reconcile,
        "the host's CPU time, on all cores, for a second look at 100,000 linked companies over HTTP of which none has changed",
    ),
    figure(
        "resume_after_kill_ms",
        "ms",
        Measurement::Resume,
        "from the start of a process to its first committed page, after the one before was killed in the middle of a first pull",
    ),
    figure(
        "simulate_schedules_per_s",
        "1/s",
        Measurement::Simulate,
        "schedules of `make simulate`, each a whole history of two sides with faults and crashes, on two threads; at least 200",
    ),
    figure(
        "push_records_per_s",
        "records/s",
        Measurement::Push,
        "20,000 edited records to the simulator without limits",
    ),
    figure(
        "audit_records_per_s",
        "records/s",
        Measurement::Audit,
        "100,000 linked records compared with the simulator's list of objects; nothing differs",
    ),
    figure(
        "transform_ns_per_record",
        "ns",
        Measurement::Transform,
        "CPU time of the mapper component, inbound, 200 records and 15 rules, a fresh instance each time",
    ),
    figure(
        "transform_vs_native",
        "x",
        Measurement::Transform,
        "that divided by the time of the same functions compiled natively; at most 2",
    ),
    figure(
        "layer_overhead",
        "x",
        Measurement::Transform,
        "the time under a layer that hands everything on and marks each text, divided by the bare component's",
    ),
    figure(
        "transform_ns_per_record_rust",
        "ns",
        Measurement::Languages,
        "CPU time of the example mapper in Rust, inbound, 200 records, 5 inputs, 6 rules",
    ),
    figure(
        "transform_ns_per_record_quickjs",
        "ns",
        Measurement::Languages,
        "the same in JavaScript on QuickJS",
    ),
    figure(
        "transform_ns_per_record_javascript",
        "ns",
        Measurement::Languages,
        "the same in TypeScript on StarlingMonkey",
    ),
    figure(
        "transform_ns_per_record_python",
        "ns",
        Measurement::Languages,
        "the same in Python",
    ),
    figure(
        "transform_ns_per_record_go",
        "ns",
        Measurement::Languages,
        "the same in Go",
    ),
    figure(
        "transform_ns_per_record_c",
        "ns",
        Measurement::Languages,
        "the same in C",
    ),
    figure(
        "transform_ns_per_record_cel",
        "ns",
        Measurement::Languages,
        "CPU time of one rule of the expression plugin, `value.trim()`, 200 records",
    ),
    figure(
        "vs_extism",
        "x",
        Measurement::Rivals,
        "CPU time of a plugin of extism (in Rust, JSON in and out) divided by that of the example mapper in Rust, same mapping and records, outputs compared; the other engines keep their state between calls",
    ),
    figure(
        "vs_rquickjs",
        "x",
        Measurement::Rivals,
        "the same for QuickJS in the host's process, by rquickjs, a call a record",
    ),
    figure(
        "vs_mlua",
        "x",
        Measurement::Rivals,
        "the same for Lua 5.4 in the host's process, by mlua",
    ),
    figure("vs_rhai", "x", Measurement::Rivals, "the same for Rhai"),
    figure(
        "instantiate_us",
        "us",
        Measurement::Instantiate,
        "CPU time of a fresh instance of the mapper and its cheapest call",
    ),
    figure(
        "upload_to_live_ms_rust",
        "ms",
        Measurement::Upload,
        "from the upload of the example mapper in Rust over HTTP until it is bound: checks, compilation in a child process and trial calls included",
    ),
    figure(
        "upload_to_live_ms_quickjs",
        "ms",
        Measurement::Upload,
        "the same in JavaScript on QuickJS",
    ),
    figure(
        "upload_to_live_ms_javascript",
        "ms",
        Measurement::Upload,
        "the same in TypeScript on StarlingMonkey",
    ),
    figure(
        "upload_to_live_ms_python",
        "ms",
        Measurement::Upload,
        "the same in Python",
    ),
    figure(
        "upload_to_live_ms_go",
        "ms",
        Measurement::Upload,
        "the same in Go",
    ),
    figure(
        "upload_to_live_ms_c",
        "ms",
        Measurement::Upload,
        "the same in C",
    ),
    figure(
        "api_read_requests_per_s",
        "requests/s",
        Measurement::Reads,
        "reads over the API of a host with 100,000 records: 16 kept connections on this machine, nine records by id to one page of 100, sent by a client that shares the cores",
    ),
    figure(
        "api_read_p99_ms",
        "ms",
        Measurement::Reads,
        "the 99th percentile of the time of such a request, pages included",
    ),
    figure(
        "api_read_vs_bare_axum",
        "x",
        Measurement::Reads,
        "their rate divided by that of an axum route which gives answers of the same bytes from memory",
    ),
    figure(
        "rss_mib_idle",
        "MiB",
        Measurement::Idle,
        "memory of a host that has loaded the mapper and synced nothing",
    ),
    figure(
        "idle_cpu_percent_10k_connections",
        "%",
        Measurement::Fleet,
        "the host's CPU time, of one core, with 10,000 connected portals that are polled once a minute and in which nothing changes; below 25",
    ),
    figure(
        "rss_mib_10k_connections",
        "MiB",
        Measurement::Fleet,
        "the host's memory meanwhile; below 400",
    ),
    figure(
        "plugins_rss_mib_per_100_idle",
        "MiB",
        Measurement::Plugins,
        "memory of a process that has loaded 100 more mappers, each called once, less one that has not",
    ),
    figure(
        "hostile_p99_ratio",
        "x",
        Measurement::Hostile,
        "the 99th percentile of a mapper's calls while four hostile guests run on threads of their own (fuel, endless loop, memory, output), divided by that of its calls alone; at most 2",
    ),
    figure(
        "search_budget_used",
        "x",
        Measurement::SearchBudget,
        "20,000 companies at HubSpot's 5 searches a second: records/s divided by 1,000; at least 0.95",
    ),
    figure(
        "search_cpu_share",
        "x",
        Measurement::SearchBudget,
        "how much of one core the host uses meanwhile",
    ),
];

impl Figure {
    /// The line that is printed.
    pub fn line(&self, value: f64) -> String {
        let decimals = match value.abs() {
            0.0..1.0 => 3,
            1.0..100.0 => 2,
            _ => 0,
        };
        format!("{} {value:.decimals$} {}", self.name, self.unit)
    }
}

/// The figures whose names begin with one of these; all when there are none.
pub fn select(beginnings: &[String]) -> anyhow::Result<Vec<&'static Figure>> {
    for beginning in beginnings {
        if !FIGURES
            .iter()
            .any(|figure| figure.name.starts_with(beginning.as_str()))
        {
            bail!("no figure's name begins with `{beginning}`; `--help` lists them");
        }
    }
    let wanted = |figure: &&Figure| {
        beginnings.is_empty()
            || beginnings
                .iter()
                .any(|beginning| figure.name.starts_with(beginning.as_str()))
    };
    Ok(FIGURES.iter().filter(wanted).collect())
}

/// The measurements that these figures need, each with its figures.
pub fn by_measurement(figures: &[&'static Figure]) -> Vec<(Measurement, Vec<&'static Figure>)> {
    let mut grouped: Vec<(Measurement, Vec<&'static Figure>)> = Vec::new();
    for &figure in figures {
        match grouped
            .iter_mut()
            .find(|(measurement, _)| *measurement == figure.measurement)
        {
            Some((_, of_measurement)) => of_measurement.push(figure),
            None => grouped.push((figure.measurement, vec![figure])),
        }
    }
    grouped
}

/// The list of figures for `--help`.
pub fn help() -> String {
    let describe = |figure: &Figure| {
        let (name, unit, about) = (figure.name, figure.unit, figure.about);
        format!("  {name} ({unit})\n      {about}\n")
    };
    let figures: String = FIGURES.iter().map(describe).collect();
    format!("Figures:\n{figures}\nExample: make bench ARGS=\"pull transform --rounds 5\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_selects_figures_and_a_mistake_is_told() {
        let names = |beginnings: &[&str]| {
            let beginnings: Vec<_> = beginnings.iter().map(|&text| text.to_owned()).collect();
            let figures = select(&beginnings)?;
            anyhow::Ok(figures.iter().map(|figure| figure.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), FIGURES.len());
        assert_eq!(
            names(&["push", "rss_mib_i"]).unwrap(),
            ["push_records_per_s", "rss_mib_idle"]
        );
        assert!(names(&["pul", "pusch"]).is_err());
    }

    #[test]
    fn figures_of_one_measurement_are_measured_once() {
        let all = select(&[]).unwrap();
        let grouped = by_measurement(&all);
        let mut seen: Vec<_> = grouped
            .iter()
            .map(|(measurement, _)| *measurement)
            .collect();
        seen.dedup();
        assert_eq!(seen.len(), 17);
        let figures: usize = grouped.iter().map(|(_, figures)| figures.len()).sum();
        assert_eq!(figures, FIGURES.len());
    }

    #[test]
    fn a_line_is_name_value_unit() {
        assert_eq!(
            FIGURES[0].line(54_321.6),
            "pull_records_per_s 54322 records/s"
        );
        assert_eq!(FIGURES[2].line(0.4567), "pull_vs_handwritten 0.457 x");
    }
}
