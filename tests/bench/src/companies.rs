//! Companies as a portal shows them: 20 properties, about a kilobyte of JSON each, modified a millisecond apart.
//!
//! Invariant: a company follows from its number alone, and company `n` was modified at `FIRST_MODIFIED + n` ms.

use partneros_domain::Timestamp;

/// When company 0 was modified.
pub const FIRST_MODIFIED: Timestamp = Timestamp(1_735_689_600_000);
const CREATED: &str = "2023-05-04T09:12:44.120Z";
const FIRST_ID: usize = 7_945_000_000;
/// Ids are scattered, since a portal's objects are modified in another order than they were created. The step is odd and
/// `IDS` a power of two, so no two companies of the first `IDS` share an id.
const IDS: usize = 1 << 23;
const ID_STEP: usize = 5_234_567;

const NAMES: [&str; 8] = [
    "Norwick", "Veldane", "Altamark", "Corvex", "Solridge", "Quinport", "Harfield", "Merstone",
];
const FORMS: [&str; 5] = ["Inc.", "GmbH", "Ltd", "S.A.", "& Co"];
const CITIES: [(&str, &str, &str); 6] = [
    ("Boston", "MA", "United States"),
    ("Berlin", "BE", "Germany"),
    ("Göteborg", "", "Sweden"),
    ("São Paulo", "SP", "Brazil"),
    ("Lyon", "", "France"),
    ("Leeds", "", "United Kingdom"),
];
const INDUSTRIES: [&str; 4] = [
    "COMPUTER_SOFTWARE",
    "FINANCIAL_SERVICES",
    "LOGISTICS_AND_SUPPLY_CHAIN",
    "RETAIL",
];
const ABOUT: &str = "sells, installs and looks after point-of-sale systems for shops and restaurants. \
    The team plans each roll-out with the customer, trains the staff on site and answers the phone at night. \
    It resells three platforms, keeps its own spare parts and has worked with most of its customers for ten years.";

/// A company's JSON, as an element of `results`.
pub fn json(number: usize) -> String {
    let pick = |list: &[&'static str], spread: usize| list[number / spread % list.len()];
    let id = FIRST_ID + number * ID_STEP % IDS;
    let modified = FIRST_MODIFIED.plus_millis(number as i64);
    let stem = pick(&NAMES, 1);
    let domain = format!("{}{number}.example", stem.to_lowercase());
    let (city, state, country) = CITIES[number % CITIES.len()];
    // One in ten has no phone, which HubSpot shows as null.
    let phone = if number % 10 == 3 {
        "null".to_owned()
    } else {
        format!("\"+1 555 {:03} {:04}\"", number % 900, number % 10_000)
    };
    format!(
        concat!(
            r#"{{"id":"{id}","properties":{{"address":"{street} High Street","annualrevenue":"{revenue}.00","#,
            r#""city":"{city}","country":"{country}","createdate":"{created}","description":"{stem} {about}","#,
            r#""domain":"{domain}","founded_year":"{founded}","hs_is_target_account":"{target}","#,
            r#""hs_lastmodifieddate":"{modified}","hs_object_id":"{id}","industry":"{industry}","#,
            r#""lifecyclestage":"customer","name":"{stem} {number} {form}","numberofemployees":"{employees}","#,
            r#""partneros_record_id":null,"phone":{phone},"state":"{state}","website":"https://www.{domain}","#,
            r#""zip":"{zip:05}"}},"createdAt":"{created}","updatedAt":"{modified}","archived":false}}"#,
        ),
        id = id,
        street = number % 400 + 1,
        revenue = (number % 9_000 + 10) * 1_000,
        city = city,
        country = country,
        created = CREATED,
        stem = stem,
        about = ABOUT,
        domain = domain,
        founded = 1950 + number % 70,
        target = number.is_multiple_of(7),
        modified = modified,
        industry = pick(&INDUSTRIES, 3),
        number = number,
        form = pick(&FORMS, 5),
        employees = number * 37 % 20_000 + 1,
        phone = phone,
        state = state,
        zip = number % 90_000 + 500,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_json_of_about_a_kilobyte() {
        for number in [0, 3, 99_999] {
            let text = json(number);
            assert!((900..1_150).contains(&text.len()), "{} bytes", text.len());
            let company: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(company["properties"].as_object().unwrap().len(), 20);
            let modified = company["updatedAt"].as_str().unwrap();
            assert_eq!(
                modified.parse(),
                Ok(FIRST_MODIFIED.plus_millis(number as i64))
            );
        }
    }
}
