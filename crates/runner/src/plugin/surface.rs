//! What a component imports and exports, before anything of it runs.

use wasmtime::component::Component;

use super::capability::{Capability, Function};
use super::fault::Refused;

/// The version of `wit/plugin` that this program offers.
pub const API_VERSION: &str = "0.1.1";

const PACKAGE: &str = "weirhouse:plugin/";

/// What a component of the plugin world imports and exports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surface {
    /// The version of the interface it was built for.
    pub api_version: String,
    /// What it imports.
    pub imports: Vec<Capability>,
    /// What it exports beside `about`.
    pub exports: Vec<Function>,
}

impl Surface {
    /// Reads it off a component, and refuses one that is no plugin for this
    /// program.
    pub(super) fn of(engine: &wasmtime::Engine, component: &Component) -> Result<Self, Refused> {
        let surface = component.component_type();
        let imports: Vec<&str> = surface.imports(engine).map(|(name, _)| name).collect();
        let exports: Vec<&str> = surface.exports(engine).map(|(name, _)| name).collect();
        Self::read(&imports, &exports)
    }

    fn read(imports: &[&str], exports: &[&str]) -> Result<Self, Refused> {
        let mut surface = Self::default();
        // A version that does not fit explains all that follows from it.
        for name in exports.iter().chain(imports) {
            if let Some((_, version)) = of_plugin(name) {
                check_version(version)?;
                version.clone_into(&mut surface.api_version);
            }
        }
        for name in imports {
            let known = of_plugin(name).map(|(interface, _)| interface);
            match known.map(|interface| (interface, Capability::from_name(interface))) {
                Some((_, Some(capability))) => surface.imports.push(capability),
                // Types only: nothing that could be called.
                Some(("types" | "about", None)) => {}
                _ => {
                    return Err(Refused::Import {
                        import: (*name).to_owned(),
                        hint: hint(name),
                    });
                }
            }
        }
        let mut describes = false;
        for name in exports {
            match of_plugin(name) {
                Some(("about", _)) => describes = true,
                Some((interface, _)) => surface.exports.extend(Function::from_name(interface)),
                None => {}
            }
        }
        if !describes {
            let found = match exports {
                [] => "; it exports nothing".to_owned(),
                exports => format!("; it exports {}", exports.join(", ")),
            };
            return Err(Refused::World { found });
        }
        surface.imports.sort_unstable();
        surface.exports.sort_unstable();
        Ok(surface)
    }
}

/// Interface and version of a name such as `weirhouse:plugin/judge@0.1.0`.
fn of_plugin(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}

/// Whether a plugin of that version runs here: of the same 0.Y, and not newer.
fn check_version(version: &str) -> Result<(), Refused> {
    let parts = |version: &str| -> Option<(u64, u64, u64)> {
        let mut parts = version.splitn(3, '.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    let fits = match (parts(version), parts(API_VERSION)) {
        (Some(wanted), Some(offered)) => {
            (wanted.0, wanted.1) == (offered.0, offered.1) && wanted.2 <= offered.2
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Refused::Version {
        wanted: version.to_owned(),
        offered: API_VERSION,
    })
}

fn hint(import: &str) -> &'static str {
    if import.starts_with("wasi:") {
        "; build it with --stub-wasi (Python, JavaScript) or for wasm32-unknown-unknown (Rust): times are handed to a plugin"
    } else if import.starts_with(PACKAGE) {
        "; update Weirhouse, or do without it"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &str = "weirhouse:plugin/about@0.1.0";

    #[test]
    fn a_plugin_shows_what_it_uses() {
        let surface = Surface::read(
            &["weirhouse:plugin/types@0.1.0", "weirhouse:plugin/log@0.1.0"],
            &[
                ABOUT,
                "weirhouse:plugin/ttl@0.1.0",
                "weirhouse:plugin/judge@0.1.0",
            ],
        );
        let expected = Surface {
            api_version: "0.1.0".to_owned(),
            imports: vec![Capability::Log],
            exports: vec![Function::Judge, Function::Ttl],
        };
        assert_eq!(surface, Ok(expected));
    }

    #[test]
    fn what_is_no_plugin_is_told_why() {
        for (imports, exports, expected) in [
            (vec![], vec![], "it exports nothing"),
            (vec![], vec!["wasi:http/handler@0.3.0"], "exports wasi:http"),
            (
                vec!["wasi:clocks/wall-clock@0.2.9"],
                vec![ABOUT],
                "--stub-wasi",
            ),
            (
                vec!["weirhouse:plugin/network@0.1.0"],
                vec![ABOUT],
                "network",
            ),
            (vec![], vec!["weirhouse:plugin/about@0.1.7"], "0.1.7"),
            (
                vec![],
                vec!["weirhouse:plugin/about@0.2.0"],
                "0.2.0, and this program runs 0.1.1",
            ),
            (
                vec![],
                vec!["weirhouse:plugin/about@1"],
                "weirhouse:plugin 1,",
            ),
        ] {
            let error = Surface::read(&imports, &exports).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
