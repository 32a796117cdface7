//! Rhai in this process: the function of a script is called once a record.

use rhai::{AST, Dynamic, Map, Scope};

use crate::Engine;
use crate::record::{Company, Partner};

pub struct Rhai {
    engine: rhai::Engine,
    script: AST,
}

impl Rhai {
    pub fn new() -> anyhow::Result<Self> {
        let engine = rhai::Engine::new();
        let script = engine
            .compile(include_str!("../scripts/mapping.rhai"))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { engine, script })
    }

    fn partner(&self, company: &Company) -> anyhow::Result<Partner> {
        let mut input = Map::new();
        for (name, value) in [
            ("name", &company.name),
            ("city", &company.city),
            ("tier", &company.tier),
            ("since", &company.since),
            ("contact", &company.contact),
        ] {
            let value = value
                .as_deref()
                .map_or(Dynamic::UNIT, |text| text.to_owned().into());
            input.insert(name.into(), value);
        }
        let mut output: Map = self
            .engine
            .call_fn(&mut Scope::new(), &self.script, "map", (input,))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut take = |name: &str| {
            let value = output.remove(name)?;
            value.into_string().ok()
        };
        Ok(Partner {
            name: take("name"),
            city: take("city"),
            tier: take("tier"),
            since: take("since"),
            first_name: take("firstName"),
            last_name: take("lastName"),
        })
    }
}

impl Engine for Rhai {
    fn map(&mut self, companies: &[Company]) -> anyhow::Result<Vec<Partner>> {
        companies
            .iter()
            .map(|company| self.partner(company))
            .collect()
    }
}
