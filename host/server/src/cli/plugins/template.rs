//! The plugins that `plugins new` starts from: the example mappers, embedded by the build script.

/// Files, by their path in the new folder.
pub(super) type Files = &'static [(&'static str, &'static [u8])];

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The files of the template in this language, if this build has one.
pub(super) fn of(language: &str) -> Option<Files> {
    let template = TEMPLATES.iter().find(|(name, _)| *name == language);
    template.map(|(_, files)| *files)
}
