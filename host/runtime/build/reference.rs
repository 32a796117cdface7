//! Renders the WIT files as one page.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use wit_parser::{
    Docs, Function, Interface, InterfaceId, Resolve, Result_, Type, TypeDef, TypeDefKind, World,
    WorldItem,
};

const PREAMBLE: &str = include_str!("preamble.md");

/// The page for a directory that holds one directory for each published version.
pub fn reference(wit: &Path) -> Result<String, Box<dyn Error>> {
    let mut page = PREAMBLE.to_owned();
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(wit)? {
        let path = entry?.path();
        if path.is_dir() {
            versions.push(path);
        }
    }
    versions.sort();
    for version in versions.iter().rev() {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(version)?;
        let package = resolve
            .packages
            .get(package)
            .ok_or("the package was just read")?;
        writeln!(page, "\n## `{}`\n\n### Worlds", package.name)?;
        for world in package.worlds.values() {
            render_world(&mut page, &resolve, &resolve.worlds[*world])?;
        }
        for interface in package.interfaces.values() {
            render_interface(&mut page, &resolve, *interface)?;
        }
    }
    Ok(page)
}

fn render_world(page: &mut String, resolve: &Resolve, world: &World) -> std::fmt::Result {
    writeln!(page, "\n#### `{}`\n\n{}\n", world.name, text(&world.docs))?;
    for (verb, items) in [("imports", &world.imports), ("exports", &world.exports)] {
        let names: Vec<_> = items
            .values()
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.as_deref(),
                _ => None,
            })
            // Types alone need nothing from the other side.
            .filter(|name| *name != "types")
            .map(|name| format!("[`{name}`](#interface-{name})"))
            .collect();
        if !names.is_empty() {
            writeln!(page, "- {verb} {}", names.join(", "))?;
        }
    }
    Ok(())
}

fn render_interface(page: &mut String, resolve: &Resolve, id: InterfaceId) -> std::fmt::Result {
    let interface: &Interface = &resolve.interfaces[id];
    let name = interface.name.as_deref().unwrap_or_default();
    writeln!(
        page,
        "\n### Interface `{name}`\n\n{}",
        text(&interface.docs)
    )?;
    for function in interface.functions.values() {
        render_function(page, resolve, function)?;
    }
    for (name, ty) in &interface.types {
        let ty = &resolve.types[*ty];
        // Types that come from another interface are documented there.
        if !matches!(ty.kind, TypeDefKind::Type(_)) {
            render_type(page, resolve, name, ty)?;
        }
    }
    Ok(())
}

fn render_function(page: &mut String, resolve: &Resolve, function: &Function) -> std::fmt::Result {
    let parameters: Vec<_> = function
        .params
        .iter()
        .map(|parameter| format!("{}: {}", parameter.name, type_text(resolve, &parameter.ty)))
        .collect();
    let result = function.result.as_ref();
    let result = result.map_or(String::new(), |ty| {
        format!(" -> {}", type_text(resolve, ty))
    });
    writeln!(page, "\n#### Function `{}`\n", function.name)?;
    writeln!(
        page,
        "```wit\n{}: func({}){result};\n```",
        function.name,
        parameters.join(", ")
    )?;
    paragraph(page, &function.docs)
}

fn render_type(page: &mut String, resolve: &Resolve, name: &str, ty: &TypeDef) -> std::fmt::Result {
    writeln!(page, "\n#### {} `{name}`", capital(ty.kind.as_str()))?;
    paragraph(page, &ty.docs)?;
    let rows: Vec<[String; 3]> = match &ty.kind {
        TypeDefKind::Record(record) => (record.fields.iter())
            .map(|field| row(&field.name, &type_text(resolve, &field.ty), &field.docs))
            .collect(),
        TypeDefKind::Variant(variant) => (variant.cases.iter())
            .map(|case| {
                let ty = case.ty.as_ref().map(|ty| type_text(resolve, ty));
                row(&case.name, &ty.unwrap_or_default(), &case.docs)
            })
            .collect(),
        TypeDefKind::Enum(cases) => (cases.cases.iter())
            .map(|case| row(&case.name, "", &case.docs))
            .collect(),
        _ => Vec::new(),
    };
    if rows.is_empty() {
        return Ok(());
    }
    let typed = rows.iter().any(|[_, ty, _]| !ty.is_empty());
    let head = if typed {
        "| name | type | |\n| --- | --- | --- |"
    } else {
        "| name | |\n| --- | --- |"
    };
    writeln!(page, "\n{head}")?;
    for [name, ty, docs] in rows {
        if typed {
            writeln!(page, "| `{name}` | `{ty}` | {docs} |")?;
        } else {
            writeln!(page, "| `{name}` | {docs} |")?;
        }
    }
    Ok(())
}

fn row(name: &str, ty: &str, docs: &Docs) -> [String; 3] {
    // A table's cell is one line.
    let docs = text(docs).replace('\n', " ").replace('|', "\\|");
    [name.to_owned(), ty.to_owned(), docs]
}

fn paragraph(page: &mut String, docs: &Docs) -> std::fmt::Result {
    match text(docs) {
        "" => Ok(()),
        text => writeln!(page, "\n{text}"),
    }
}

fn text(docs: &Docs) -> &str {
    docs.contents.as_deref().unwrap_or_default().trim()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn type_text(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else {
        return primitive(ty).to_owned();
    };
    let definition = &resolve.types[*id];
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let inner = |ty: &Type| type_text(resolve, ty);
    match &definition.kind {
        TypeDefKind::List(element) => format!("list<{}>", inner(element)),
        TypeDefKind::Option(some) => format!("option<{}>", inner(some)),
        TypeDefKind::Tuple(tuple) => {
            let members: Vec<_> = tuple.types.iter().map(inner).collect();
            format!("tuple<{}>", members.join(", "))
        }
        TypeDefKind::Result(Result_ { ok, err }) => {
            let side = |ty: &Option<Type>| ty.as_ref().map_or("_".to_owned(), inner);
            format!("result<{}, {}>", side(ok), side(err))
        }
        TypeDefKind::Type(ty) => inner(ty),
        other => other.as_str().to_owned(),
    }
}

fn primitive(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext | Type::Id(_) => "error-context",
    }
}
