//! The minimal program that the host is compared with: what somebody writes who needs the 12 fields of one portal in a
//! table, once, and nothing else.
//!
//! reqwest, `serde_json` into a struct, SQLite with the same journal and on the same disk, a row a record, a transaction a
//! page, one page after the other. No mapper, no links, no bases, no cursor, no second direction.

use anyhow::{Context as _, ensure};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::json;

use crate::host::TOKEN;
use crate::task::{Place, Report, measured};

const PAGE: usize = 200;

#[derive(Deserialize)]
struct Page {
    results: Vec<Company>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Company {
    id: String,
    properties: Properties,
    updated_at: String,
}

#[derive(Deserialize)]
struct Properties {
    name: Option<String>,
    domain: Option<String>,
    website: Option<String>,
    industry: Option<String>,
    description: Option<String>,
    numberofemployees: Option<String>,
    annualrevenue: Option<String>,
    founded_year: Option<String>,
    phone: Option<String>,
    city: Option<String>,
    country: Option<String>,
    hs_is_target_account: Option<String>,
}

const TABLE: &str = "CREATE TABLE companies (
    id INTEGER NOT NULL UNIQUE, name TEXT, domain TEXT, website TEXT, industry TEXT, description TEXT,
    employees INTEGER, revenue REAL, founded INTEGER, phone TEXT, city TEXT, country TEXT, target INTEGER,
    modified TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO companies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (id) DO UPDATE SET name = ?2, domain = ?3, website = ?4, industry = ?5, description = ?6,
    employees = ?7, revenue = ?8, founded = ?9, phone = ?10, city = ?11, country = ?12, target = ?13, modified = ?14";

/// Pulls all companies.
pub async fn pull(place: Place) -> anyhow::Result<Report> {
    let db = Connection::open(place.directory.join("handwritten.db"))?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.execute_batch(TABLE)?;
    let url = place.portal.join("crm/v3/objects/companies/search")?;
    partneros_hubspot::Http::new(&partneros_hubspot::HttpConfig::default())
        .context("failed to choose a TLS provider")?;
    let client = reqwest::Client::builder().build()?;
    let (rows, report) = measured(pull_all(&client, url, db)).await?;
    ensure!(
        rows == place.companies as u64,
        "the table has {rows} rows of {} companies",
        place.companies
    );
    Ok(report)
}

async fn pull_all(
    client: &reqwest::Client,
    url: url::Url,
    mut db: Connection,
) -> anyhow::Result<u64> {
    let mut since: i64 = 0;
    loop {
        let body = json!({
            "filterGroups": [{"filters": [
                {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": since.to_string()},
            ]}],
            "sorts": [{"propertyName": "hs_lastmodifieddate", "direction": "ASCENDING"}],
            "properties": ["name", "domain", "website", "industry", "description", "numberofemployees",
                "annualrevenue", "founded_year", "phone", "city", "country", "hs_is_target_account"],
            "limit": PAGE,
        });
        let answer = client
            .post(url.clone())
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await?
            .error_for_status()?;
        let page: Page = serde_json::from_slice(&answer.bytes().await?)?;
        save(&mut db, &page)?;
        let Some(last) = page.results.last().filter(|_| page.results.len() == PAGE) else {
            break;
        };
        since = last.updated_at.parse::<jiff::Timestamp>()?.as_millisecond();
    }
    Ok(db.query_row("SELECT count(*) FROM companies", [], |row| row.get(0))?)
}

fn save(db: &mut Connection, page: &Page) -> anyhow::Result<()> {
    let tx = db.transaction()?;
    {
        let mut insert = tx.prepare_cached(INSERT)?;
        for company in &page.results {
            let p = &company.properties;
            insert.execute(params![
                company.id.parse::<i64>()?,
                p.name,
                p.domain,
                p.website,
                p.industry,
                p.description,
                p.numberofemployees
                    .as_deref()
                    .map(str::parse::<i64>)
                    .transpose()?,
                p.annualrevenue
                    .as_deref()
                    .map(str::parse::<f64>)
                    .transpose()?,
                p.founded_year
                    .as_deref()
                    .map(str::parse::<i64>)
                    .transpose()?,
                p.phone,
                p.city,
                p.country,
                p.hs_is_target_account.as_deref().map(|text| text == "true"),
                company.updated_at,
            ])?;
        }
    }
    Ok(tx.commit()?)
}
