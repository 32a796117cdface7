//! The command line, written to be read with `--help`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

const ABOUT: &str = "\
Runs the main job from end to end on this machine: a simulated HubSpot portal and the host in one process, with nothing \
to install and nothing to sign up for.

An organization connects the portal over OAuth, asks for suggested mappings, confirms them and starts two object pairs \
(Partners and companies, Deals and deals). Then people edit on both sides: alone, together, against one another, badly. \
Three rounds of sync later both sides are compared value by value, without asking the engine.

Everything goes through the host's public API and the portal's API, as it would with the real HubSpot.";

const AFTER: &str = "\
At the end host and portal stay up, pairs are polled every 5 seconds, and three things to try are printed; Ctrl-C ends \
both. With --once the program ends instead, with exit code 0 only if every edit ended as it should, both sides agree in every \
mapped field of every record, and the third round wrote nothing.";

/// The main job, end to end, on this machine.
#[derive(Debug, Clone, Parser)]
#[command(name = "partneros-demo", version, long_about = ABOUT, after_long_help = AFTER)]
pub struct Options {
    /// End after the report instead of staying up.
    #[arg(long)]
    pub once: bool,
    /// Companies in the portal; at least 40, so that each kind of edit has its own.
    #[arg(long, default_value_t = 3_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(40..=1_000_000))]
    pub companies: u32,
    /// Deals in the portal; at least 40.
    #[arg(long, default_value_t = 8_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(40..=1_000_000))]
    pub deals: u32,
    /// Seeds the portal: its records, ids and tokens.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the host keeps its database, key, configuration and log. Must be empty or not exist yet. Without it: a
    /// temporary directory that is removed at the end.
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// The host's address. Without it: 127.0.0.1:8080, or a free port if that one is taken.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Hold the portal and the host to HubSpot's limits for a marketplace app: 5 searches a second and 110 other calls
    /// in 10 seconds.
    #[arg(long)]
    pub hubspot_limits: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn flags_are_consistent() {
        Options::command().debug_assert();
        let options = Options::parse_from(["partneros-demo", "--once", "--companies", "60"]);
        assert!(options.once);
        assert_eq!((options.companies, options.deals), (60, 8_000));
        assert!(Options::try_parse_from(["partneros-demo", "--deals", "3"]).is_err());
    }
}
