//! A component whose functions are reached through a module that only hands them on.
//!
//! At each call of a component's function, wasmtime 48 looks up the core function behind it. One that the module
//! defines is described anew every time, after a search for its machine code: a third of all that a call takes. One
//! that the module imports is taken as it is. So a second module imports the functions of the first and exports them
//! under the same names, and the component takes them from there. It has no code: what is called is the function
//! itself.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{Reencode, ReencodeComponent, RoundtripReencoder};
use wasm_encoder::{
    Component, ComponentAliasSection, EntityType, ExportKind, ExportSection, ImportSection,
    InstanceSection, Module, ModuleArg, ModuleSection, RawSection, TypeSection,
};
use wasmparser::{ComponentAlias, ExternalKind, Parser, Payload, Validator};

/// The module and the instance of a component that is made of one.
const ORIGINAL: u32 = 0;
/// The module in between, and its instance.
const FORWARDING: u32 = 1;

/// All that is done here, to tell it from what was done before.
pub(crate) const HOW: &str = include_str!("forwarding.rs");

/// Under what name the module in between imports.
const FROM: &str = "original";

/// Puts the module in between. The component must be made of one module that imports nothing.
pub(crate) fn forward(component: &[u8]) -> Result<Vec<u8>> {
    let mut made = Component::new();
    let mut original = None;
    let mut instantiated = false;
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.context("cannot read the component back")?;
        let nested = depth > 0;
        match &payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if nested => depth -= 1,
            _ => {}
        }
        if nested {
            continue;
        }
        if let Payload::ComponentAliasSection(section) = payload {
            let mut aliases = ComponentAliasSection::new();
            for alias in section {
                let alias = through_the_module_between(alias?);
                aliases.alias(RoundtripReencoder.component_alias(alias)?);
            }
            made.section(&aliases);
            continue;
        }
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        made.section(&RawSection {
            id,
            data: within(component, &range)?,
        });
        match payload {
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                ensure!(original.is_none(), "the component has more than one module");
                original = Some(unchecked_range);
            }
            Payload::InstanceSection(section) => {
                ensure!(
                    section.count() == 1 && !instantiated,
                    "the component has more than one instance of a module"
                );
                let original = original.as_ref().context("an instance of no module")?;
                let between = module_between(within(component, original)?)?;
                made.section(&ModuleSection(&between));
                let mut instances = InstanceSection::new();
                instances.instantiate(FORWARDING, [(FROM, ModuleArg::Instance(ORIGINAL))]);
                made.section(&instances);
                instantiated = true;
            }
            _ => {}
        }
    }
    ensure!(instantiated, "the component has no instance of a module");
    let made = made.finish();
    Validator::new()
        .validate_all(&made)
        .context("a module in between makes no valid component")?;
    Ok(made)
}

/// What names a function of the original names that of the module in between.
fn through_the_module_between(alias: ComponentAlias<'_>) -> ComponentAlias<'_> {
    match alias {
        ComponentAlias::CoreInstanceExport {
            kind: kind @ ExternalKind::Func,
            instance_index: ORIGINAL,
            name,
        } => ComponentAlias::CoreInstanceExport {
            kind,
            instance_index: FORWARDING,
            name,
        },
        other => other,
    }
}

/// A module that imports all functions that `original` exports, and exports them again.
fn module_between(original: &[u8]) -> Result<Module> {
    let mut types = TypeSection::new();
    let mut type_of = Vec::new();
    let (mut imports, mut exports) = (ImportSection::new(), ExportSection::new());
    for payload in Parser::new(0).parse_all(original) {
        match payload.context("cannot read the module of the component")? {
            Payload::TypeSection(section) => {
                RoundtripReencoder.parse_type_section(&mut types, section)?;
            }
            Payload::ImportSection(section) => {
                ensure!(section.count() == 0, "the module imports something");
            }
            Payload::FunctionSection(section) => {
                type_of = section.into_iter().collect::<Result<Vec<_>, _>>()?;
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind != ExternalKind::Func {
                        continue;
                    }
                    let its_type = type_of.get(export.index as usize);
                    let its_type = its_type.context("an exported function is not there")?;
                    exports.export(export.name, ExportKind::Func, imports.len());
                    imports.import(FROM, export.name, EntityType::Function(*its_type));
                }
            }
            _ => {}
        }
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&exports);
    Ok(module)
}

fn within<'a>(bytes: &'a [u8], range: &Range<u64>) -> Result<&'a [u8]> {
    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
    bytes
        .get(range)
        .context("a section lies outside of the file")
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, Function, FunctionSection, Instruction, MemorySection, MemoryType, ValType,
    };
    use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
    use wit_parser::Resolve;

    use super::*;

    /// A component of one module, with a memory and a function for each of `NUMBERS`.
    fn component() -> Result<Vec<u8>> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        let (mut memories, mut exports, mut code) = (
            MemorySection::new(),
            ExportSection::new(),
            CodeSection::new(),
        );
        // A type that no function is of, so that the number of one is not that of the other.
        types.ty().function([ValType::F64], []);
        types.ty().function([], [ValType::I32]);
        for (name, number) in NUMBERS {
            exports.export(name, ExportKind::Func, functions.len());
            functions.function(1);
            let mut body = Function::new([]);
            body.instruction(&Instruction::I32Const(number));
            body.instruction(&Instruction::End);
            code.function(&body);
        }
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export("memory", ExportKind::Memory, 0);
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&memories);
        module.section(&exports).section(&code);
        let mut module = module.finish();

        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", WIT)?;
        let world = resolve.select_world(&[package], None)?;
        let encoding = StringEncoding::UTF8;
        wit_component::embed_component_metadata(&mut module, &resolve, world, encoding, false)?;
        ComponentEncoder::default().module(&module)?.encode()
    }

    const NUMBERS: [(&str, i32); 2] = [("one", 1), ("test:forwarding/more#two", 2)];
    const WIT: &str = "package test:forwarding;
        interface more { two: func() -> u32; }
        world tested { export one: func() -> u32; export more; }";

    fn exports(component: &[u8]) -> Result<Vec<String>> {
        let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
            anyhow::bail!("no component");
        };
        let exports = resolve.worlds[world].exports.keys();
        Ok(exports.map(|key| resolve.name_world_key(key)).collect())
    }

    #[test]
    fn the_module_in_between_hands_every_function_on() -> Result<()> {
        let before = component()?;
        let after = forward(&before)?;
        assert_eq!(exports(&before)?, exports(&after)?);

        let mut handed_on = 0;
        for payload in Parser::new(0).parse_all(&after) {
            let Payload::ComponentAliasSection(section) = payload? else {
                continue;
            };
            for alias in section {
                if let ComponentAlias::CoreInstanceExport {
                    kind,
                    instance_index,
                    name,
                } = alias?
                {
                    let is_function = kind == ExternalKind::Func;
                    let expected = if is_function { FORWARDING } else { ORIGINAL };
                    assert_eq!(instance_index, expected, "{name}");
                    handed_on += usize::from(is_function);
                }
            }
        }
        assert_eq!(handed_on, NUMBERS.len());
        Ok(())
    }

    #[test]
    fn what_is_made_of_more_than_one_module_is_refused() -> Result<()> {
        let refused = forward(&forward(&component()?)?);
        let reason = refused.map(|_| ()).unwrap_err().to_string();
        assert!(reason.contains("more than one module"), "{reason}");
        Ok(())
    }
}
