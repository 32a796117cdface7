//! Lua 5.4 in this process: the function of a script is called once a record.

use mlua::{Function, Table};

use crate::Engine;
use crate::record::{Company, Partner};

pub struct Lua {
    lua: mlua::Lua,
    map: Function,
}

impl Lua {
    pub fn new() -> anyhow::Result<Self> {
        let lua = mlua::Lua::new();
        let map = lua
            .load(include_str!("../scripts/mapping.lua"))
            .eval()
            .map_err(failed)?;
        Ok(Self { lua, map })
    }

    fn partner(&self, company: &Company) -> mlua::Result<Partner> {
        let input = self.lua.create_table_with_capacity(0, 5)?;
        input.raw_set("name", company.name.as_deref())?;
        input.raw_set("city", company.city.as_deref())?;
        input.raw_set("tier", company.tier.as_deref())?;
        input.raw_set("since", company.since.as_deref())?;
        input.raw_set("contact", company.contact.as_deref())?;
        let output: Table = self.map.call(input)?;
        Ok(Partner {
            name: output.raw_get("name")?,
            city: output.raw_get("city")?,
            tier: output.raw_get("tier")?,
            since: output.raw_get("since")?,
            first_name: output.raw_get("firstName")?,
            last_name: output.raw_get("lastName")?,
        })
    }
}

impl Engine for Lua {
    fn map(&mut self, companies: &[Company]) -> anyhow::Result<Vec<Partner>> {
        let partners = companies.iter().map(|company| self.partner(company));
        partners.collect::<mlua::Result<_>>().map_err(failed)
    }
}

/// Errors of Lua may hold its values, which do not leave their thread.
#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
fn failed(error: mlua::Error) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}
