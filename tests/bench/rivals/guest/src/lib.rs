//! The mapping as a plugin of extism: JSON in, JSON out.

use extism_pdk::{FnResult, Json, plugin_fn};
use serde::{Deserialize, Serialize};

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

#[derive(Deserialize)]
struct Company {
    name: Option<String>,
    city: Option<String>,
    tier: Option<String>,
    since: Option<String>,
    contact: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Partner {
    name: Option<String>,
    city: Option<String>,
    tier: Option<String>,
    since: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[plugin_fn]
pub fn transform(Json(companies): Json<Vec<Company>>) -> FnResult<Json<Vec<Partner>>> {
    Ok(Json(companies.into_iter().map(partner).collect()))
}

fn partner(company: Company) -> Partner {
    let contact = company.contact.as_deref().map(trim);
    Partner {
        name: company.name,
        city: company.city.and_then(|city| filled(trim(&city))),
        tier: company.tier.and_then(|tier| choice(&tier)),
        since: company.since.and_then(|since| iso(&since)),
        first_name: contact.and_then(|name| filled(name.split(BLANKS).next().unwrap_or(name))),
        last_name: contact
            .and_then(|name| name.split_once(BLANKS))
            .and_then(|(_, rest)| filled(trim(rest))),
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(BLANKS)
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn choice(tier: &str) -> Option<String> {
    let name = match tier {
        "TIER_1" => "gold",
        "TIER_2" => "silver",
        "TIER_3" => "bronze",
        _ => return None,
    };
    Some(name.to_owned())
}

/// `05/03/2026` as `2026-03-05`; none unless it is a day.
fn iso(text: &str) -> Option<String> {
    let (day, rest) = text.split_once('/')?;
    let (month, year) = rest.split_once('/')?;
    let (day_number, month_number, year_number) =
        (number(day, 2)?, number(month, 2)?, number(year, 4)?);
    let leap = year_number % 4 == 0 && (year_number % 100 != 0 || year_number % 400 == 0);
    let days = match month_number {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let exists = year_number >= 1 && (1..=days).contains(&day_number);
    exists.then(|| format!("{year}-{month}-{day}"))
}

fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
