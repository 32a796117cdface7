//! QuickJS in this process: the function of a script is called once a record.

use rquickjs::{Context, Function, Object, Persistent, Runtime};

use crate::Engine;
use crate::record::{Company, Partner};

pub struct QuickJs {
    // Before the runtime that it belongs to.
    map: Persistent<Function<'static>>,
    context: Context,
}

impl QuickJs {
    pub fn new() -> anyhow::Result<Self> {
        let context = Context::full(&Runtime::new()?)?;
        let map = context.with(|context| {
            context.eval::<(), _>(include_str!("../scripts/mapping.js"))?;
            let map: Function = context.globals().get("map")?;
            rquickjs::Result::Ok(Persistent::save(&context, map))
        })?;
        Ok(Self { map, context })
    }
}

impl Engine for QuickJs {
    fn map(&mut self, companies: &[Company]) -> anyhow::Result<Vec<Partner>> {
        let partners = self.context.with(|context| {
            let map = self.map.clone().restore(&context)?;
            let partner = |company: &Company| {
                let input = Object::new(context.clone())?;
                input.set("name", company.name.as_deref())?;
                input.set("city", company.city.as_deref())?;
                input.set("tier", company.tier.as_deref())?;
                input.set("since", company.since.as_deref())?;
                input.set("contact", company.contact.as_deref())?;
                let output: Object = map.call((input,))?;
                Ok(Partner {
                    name: output.get("name")?,
                    city: output.get("city")?,
                    tier: output.get("tier")?,
                    since: output.get("since")?,
                    first_name: output.get("firstName")?,
                    last_name: output.get("lastName")?,
                })
            };
            companies
                .iter()
                .map(partner)
                .collect::<rquickjs::Result<_>>()
        })?;
        Ok(partners)
    }
}
