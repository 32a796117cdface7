//! Finds the first difference between a function's types and those of the contract.
//!
//! Walks both types in step and is led by the contract's, so it ends however large the other one is.

use wasmparser::PrimitiveValType;
use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType,
};
use wasmparser::types::TypesRef;

/// The types of the contract and those of an uploaded component.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    wanted: &'a TypesRef<'a>,
    found: &'a TypesRef<'a>,
}

enum Shape<'a> {
    Primitive(PrimitiveValType),
    Defined(&'a ComponentDefinedType),
}

/// The most entries of a list of fields, cases or parameters that a message names.
const LISTED_MAX: usize = 20;

type Optional = Option<ComponentValType>;

/// The kind of an export, with its article.
pub fn describe(entity: &ComponentEntityType) -> &'static str {
    match entity {
        ComponentEntityType::Module(_) => "a core module",
        ComponentEntityType::Func(_) => "a function",
        ComponentEntityType::Value(_) => "a value",
        ComponentEntityType::Type { .. } => "a type",
        ComponentEntityType::Instance(_) => "an interface",
        ComponentEntityType::Component(_) => "a component",
    }
}

impl<'a> Pair<'a> {
    pub fn new(wanted: &'a TypesRef<'a>, found: &'a TypesRef<'a>) -> Self {
        Self { wanted, found }
    }

    /// Says where the second function differs from the first, as "parameter `plan`: field `rules`: element: ...".
    pub fn functions(
        self,
        wanted: ComponentFuncTypeId,
        found: ComponentFuncTypeId,
    ) -> Option<String> {
        let (wanted, found) = (&self.wanted[wanted], &self.found[found]);
        if wanted.async_ != found.async_ {
            let kind = |is_async| if is_async { "async" } else { "not async" };
            let (wanted, found) = (kind(wanted.async_), kind(found.async_));
            return Some(format!("is {found}, must be {wanted}"));
        }
        let named = |(name, ty): &'a (_, _)| (name, Some(*ty));
        self.named(
            "parameter",
            wanted.params.iter().map(named),
            found.params.iter().map(named),
        )
        .or_else(|| within("result", self.optional(wanted.result, found.result)))
    }

    fn values(self, wanted: ComponentValType, found: ComponentValType) -> Option<String> {
        let (wanted, found) = (shape(self.wanted, wanted), shape(self.found, found));
        match (&wanted, &found) {
            (Shape::Primitive(a), Shape::Primitive(b)) if a == b => None,
            (Shape::Defined(wanted), Shape::Defined(found)) => self.defined(wanted, found),
            _ => Some(another(&wanted, &found)),
        }
    }

    fn defined(
        self,
        wanted: &'a ComponentDefinedType,
        found: &'a ComponentDefinedType,
    ) -> Option<String> {
        use ComponentDefinedType as Type;

        match (wanted, found) {
            (Type::Record(wanted), Type::Record(found)) => {
                let fields = [wanted, found]
                    .map(|record| record.fields.iter().map(|(name, ty)| (name, Some(*ty))));
                let [wanted, found] = fields;
                self.named("field", wanted, found)
            }
            (Type::Variant(wanted), Type::Variant(found)) => {
                let cases = [wanted, found]
                    .map(|variant| variant.cases.iter().map(|(name, case)| (name, case.ty)));
                let [wanted, found] = cases;
                self.named("case", wanted, found)
            }
            (Type::Enum(wanted), Type::Enum(found)) => {
                let [wanted, found] =
                    [wanted, found].map(|cases| cases.iter().map(|name| (name, None)));
                self.named("case", wanted, found)
            }
            (Type::Tuple(wanted), Type::Tuple(found)) => {
                let [wanted, found] =
                    [wanted, found].map(|tuple| tuple.types.iter().map(|ty| Some(*ty)).enumerate());
                self.named("member", wanted, found)
            }
            (
                Type::List {
                    element: wanted, ..
                },
                Type::List { element: found, .. },
            ) => within("element", self.values(*wanted, *found)),
            (Type::Option { ty: wanted, .. }, Type::Option { ty: found, .. }) => {
                within("some", self.values(*wanted, *found))
            }
            (
                Type::Result { ok, err, .. },
                Type::Result {
                    ok: found_ok,
                    err: found_err,
                    ..
                },
            ) => within("ok", self.optional(*ok, *found_ok))
                .or_else(|| within("error", self.optional(*err, *found_err))),
            _ => {
                let (wanted, found) = (Shape::Defined(wanted), Shape::Defined(found));
                // Kinds that the contract does not use are never taken for equal.
                Some(another(&wanted, &found))
            }
        }
    }

    /// Compares lists whose entries have a name and may have a type.
    fn named<N: ToString>(
        self,
        what: &str,
        wanted: impl ExactSizeIterator<Item = (N, Optional)>,
        found: impl ExactSizeIterator<Item = (N, Optional)>,
    ) -> Option<String> {
        if wanted.len() != found.len() {
            let (wanted, found) = (listed(wanted, self.wanted), listed(found, self.found));
            return Some(format!("has the {what}s {found}, must have {wanted}"));
        }
        for ((wanted_name, wanted), (found_name, found)) in wanted.zip(found) {
            let (wanted_name, found_name) = (wanted_name.to_string(), found_name.to_string());
            if wanted_name != found_name {
                return Some(format!(
                    "has {what} `{found_name}` in place of `{wanted_name}`"
                ));
            }
            if let Some(difference) = self.optional(wanted, found) {
                return Some(format!("{what} `{wanted_name}`: {difference}"));
            }
        }
        None
    }

    fn optional(self, wanted: Optional, found: Optional) -> Option<String> {
        match (wanted, found) {
            (None, None) => None,
            (Some(wanted), Some(found)) => self.values(wanted, found),
            (Some(wanted), None) => {
                let wanted = kind(&shape(self.wanted, wanted));
                Some(format!("is nothing, must be `{wanted}`"))
            }
            (None, Some(found)) => {
                let found = kind(&shape(self.found, found));
                Some(format!("is `{found}`, must be nothing"))
            }
        }
    }
}

/// The entries with their types, as "`name: string, size: u32`".
fn listed<N: ToString>(
    entries: impl Iterator<Item = (N, Optional)>,
    types: &TypesRef<'_>,
) -> String {
    let entries: Vec<_> = entries
        .take(LISTED_MAX)
        .map(|(name, ty)| match ty {
            Some(ty) => format!("{}: {}", name.to_string(), kind(&shape(types, ty))),
            None => name.to_string(),
        })
        .collect();
    format!("`{}`", entries.join(", "))
}

fn within(place: &str, difference: Option<String>) -> Option<String> {
    difference.map(|difference| format!("{place}: {difference}"))
}

fn shape<'a>(types: &'a TypesRef<'_>, value: ComponentValType) -> Shape<'a> {
    match value {
        ComponentValType::Primitive(primitive) => Shape::Primitive(primitive),
        ComponentValType::Type(id) => match &types[id] {
            ComponentDefinedType::Primitive(primitive) => Shape::Primitive(*primitive),
            defined => Shape::Defined(defined),
        },
    }
}

fn another(wanted: &Shape<'_>, found: &Shape<'_>) -> String {
    format!("is `{}`, must be `{}`", kind(found), kind(wanted))
}

fn kind(shape: &Shape<'_>) -> String {
    use ComponentDefinedType as Type;

    let kind = match shape {
        Shape::Primitive(primitive) => return primitive.to_string(),
        Shape::Defined(defined) => match defined {
            Type::Record(_) => "record",
            Type::Variant(_) => "variant",
            Type::List { .. } => "list",
            Type::Tuple(_) => "tuple",
            Type::Flags(_) => "flags",
            Type::Enum(_) => "enum",
            Type::Option { .. } => "option",
            Type::Result { .. } => "result",
            Type::Own(_) => "own",
            Type::Borrow(_) => "borrow",
            _ => "another type",
        },
    };
    kind.to_owned()
}
