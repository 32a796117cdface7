//! The script: which fields people touch, what they do to them, and how both sides should stand afterwards.

use Act::{Ours, Theirs};
use Of::{Deal, Partner};
use Then::{Is, Stays};

use crate::cast::Mapped;

/// The fields of partners that people touch.
pub const PARTNER_FIELDS: &[Mapped] = &[
    ("name", "name"),
    ("city", "city"),
    ("phone", "phone"),
    ("description", "description"),
    ("foundedYear", "founded_year"),
    ("postalCode", "zip"),
];
/// The fields of deals that people touch.
pub const DEAL_FIELDS: &[Mapped] = &[
    ("name", "dealname"),
    ("amount", "amount"),
    ("stage", "dealstage"),
    ("nextStep", "hs_next_step"),
    ("closeDate", "closedate"),
    ("owner", "hubspot_owner_id"),
];

/// What someone does to one field, and how both sides should stand after the next round.
#[derive(Debug)]
pub struct Edit {
    /// What is done, and by whom.
    pub what: &'static str,
    /// Whose field it is.
    pub of: Of,
    /// The field.
    pub field: &'static str,
    /// One act, or two of which the second is later.
    pub acts: &'static [Act],
    /// What PartnerOS holds after the next round.
    pub partneros: Then,
    /// What HubSpot holds after the next round.
    pub hubspot: Then,
}

/// Whose field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A partner, which is a company in HubSpot.
    Partner,
    /// A deal.
    Deal,
}

/// Setting the field on one side; an empty text clears it.
#[derive(Debug)]
pub enum Act {
    /// An integrator, in PartnerOS.
    Ours(&'static str),
    /// A person, in HubSpot.
    Theirs(&'static str),
}

/// What a side holds then; an empty text stands for nothing.
#[derive(Debug)]
pub enum Then {
    /// This.
    Is(&'static str),
    /// What it held before.
    Stays,
}

const fn edit(
    what: &'static str,
    (of, field): (Of, &'static str),
    acts: &'static [Act],
    partneros: Then,
    hubspot: Then,
) -> Edit {
    Edit {
        what,
        of,
        field,
        acts,
        partneros,
        hubspot,
    }
}

/// What people do to single fields, on one side or on both.
#[rustfmt::skip] // A table.
pub const EDITS: &[Edit] = &[
    edit("HubSpot: the city of a company", (Partner, "city"), &[Theirs("Bern")], Is("Bern"), Is("Bern")),
    edit("PartnerOS: the city of a partner", (Partner, "city"), &[Ours("Graz")], Is("Graz"), Is("Graz")),
    edit("HubSpot: the amount of a deal", (Deal, "amount"), &[Theirs("1250.50")], Is("1250.5"), Is("1250.50")),
    edit("PartnerOS: the close date of a deal", (Deal, "closeDate"), &[Ours("2027-03-31T00:00:00.000Z")],
        Is("2027-03-31T00:00:00.000Z"), Is("2027-03-31T00:00:00.000Z")),
    edit("both: the same city", (Partner, "city"), &[Ours("Oslo"), Theirs("Oslo")], Is("Oslo"), Is("Oslo")),
    edit("both, PartnerOS wins: another phone, HubSpot's later", (Partner, "phone"), &[Ours("+43 1 111"), Theirs("+41 2 222")],
        Is("+43 1 111"), Is("+43 1 111")),
    edit("both, CRM wins: another description, ours later", (Partner, "description"), &[Theirs("Theirs"), Ours("Ours")],
        Is("Theirs"), Is("Theirs")),
    edit("both, newest wins: another city, ours later", (Partner, "city"), &[Theirs("Köln"), Ours("Wien")], Is("Wien"), Is("Wien")),
    edit("both, newest wins: another city, HubSpot's later", (Partner, "city"), &[Ours("Wien"), Theirs("Köln")], Is("Köln"), Is("Köln")),
    edit("HubSpot: a phone cleared", (Partner, "phone"), &[Theirs("")], Is(""), Is("")),
    edit("PartnerOS: a description cleared", (Partner, "description"), &[Ours("")], Is(""), Is("")),
    edit("PartnerOS: an owner that HubSpot does not have", (Deal, "owner"), &[Ours("424242")], Is("424242"), Stays),
    edit("HubSpot: a founding year that is no number", (Partner, "foundedYear"), &[Theirs("about 1999")], Stays, Is("about 1999")),
];

impl Then {
    /// What a side holds that held this before.
    pub fn over(&self, before: Option<String>) -> Option<String> {
        match self {
            Stays => before,
            Is("") => None,
            Is(text) => Some((*text).to_owned()),
        }
    }
}
