//! The `hubspot-sim` binary: a simulated HubSpot portal on a port of this machine.

mod arguments;

use anyhow::Context as _;
use clap::Parser as _;
use hubspot_sim::{Clock, Server};

use crate::arguments::Arguments;

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let config = arguments.config();
    println!(
        "{} companies, {} deals, seed {}",
        config.companies, config.deals, config.seed
    );
    let (client_id, client_secret) = (
        config.app.client_id.clone(),
        config.app.client_secret.clone(),
    );
    let token = config.private_app_token.clone();
    let server = Server::listen(config, Clock::real(), arguments.address())
        .context("failed to start the simulator")?;
    let url = server.url();
    println!("API and consent page   {url}");
    println!("client id and secret   {client_id} {client_secret}");
    println!("the portal's other side  curl {url}/__sim");
    if let Some(token) = token {
        println!(
            "try  curl -H 'Authorization: Bearer {token}' '{url}/crm/v3/objects/companies?limit=2'"
        );
    }
    server.join();
    Ok(())
}
