//! What people call the properties that HubSpot brings along.
//!
//! The names are data, in `aliases.txt`; this module only reads and compares them.

use super::normalize::Words;

/// See its own first lines for the form.
const TABLE: &str = include_str!("aliases.txt");

/// The lines of the table as objects, property and names.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (objects, rest) = line.split_once(" | ")?;
            let (property, names) = rest.split_once(" | ")?;
            Some((objects, property, names))
        })
}

/// Other names of one property, as keys of words.
#[derive(Debug, Default)]
pub struct Aliases {
    sure: Vec<String>,
    possible: Vec<String>,
}

/// How well a name is an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alias {
    Possible,
    Sure,
}

impl Aliases {
    /// The other names of a property of a HubSpot object.
    pub fn of(object: &str, property: &str) -> Self {
        let mut aliases = Self::default();
        let own = lines().filter(|(objects, name, _)| {
            *name == property && (*objects == "*" || objects.split(' ').any(|one| one == object))
        });
        for alias in own.flat_map(|(_, _, names)| names.split(", ")) {
            match alias.strip_prefix('~') {
                Some(alias) => aliases.possible.push(Words::of(alias).key()),
                None => aliases.sure.push(Words::of(alias).key()),
            }
        }
        aliases
    }

    /// Whether the words of a field are such a name.
    pub fn find(&self, key: &str) -> Option<Alias> {
        let among = |aliases: &[String]| aliases.iter().any(|alias| alias == key);
        if among(&self.sure) {
            Some(Alias::Sure)
        } else {
            among(&self.possible).then_some(Alias::Possible)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_depend_on_the_object() {
        let key = Words::of("stage").key();
        assert_eq!(
            Aliases::of("deals", "dealstage").find(&key),
            Some(Alias::Sure)
        );
        assert_eq!(Aliases::of("companies", "dealstage").find(&key), None);
        assert_eq!(
            Aliases::of("2-123", "hubspot_owner_id").find("owner"),
            Some(Alias::Sure)
        );
    }

    #[test]
    fn no_name_means_two_properties_of_an_object_for_sure() {
        let mut conflicts = Vec::new();
        for object in [
            "companies",
            "deals",
            "contacts",
            "products",
            "line_items",
            "tickets",
        ] {
            let mut seen: Vec<(String, &str)> = Vec::new();
            for (_, property, _) in lines() {
                for key in Aliases::of(object, property).sure {
                    match seen.iter().find(|(name, _)| *name == key) {
                        Some((_, other)) if *other == property => {}
                        Some((_, other)) => conflicts.push((object, key, *other, property)),
                        None => seen.push((key, property)),
                    }
                }
            }
        }
        assert_eq!(conflicts, []);
    }
}
