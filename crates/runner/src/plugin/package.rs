//! A component that is a plugin, looked at and not started.

use std::path::Path;
use std::sync::Arc;

use wasmtime::component::Component;

use super::capability::{Capability, Function};
use super::fault::{PluginFault, Refused};
use super::instance::{Instance, shortened};
use super::services::Nothing;
use super::surface::Surface;
use super::wit::about::Description;
use crate::artifact;
use crate::engine::Engine;
use crate::limits::plugin::PATTERNS;

/// A plugin's machine code, with what it says of itself. Cheap to clone.
#[derive(Clone)]
pub struct Package {
    pub(super) engine: Engine,
    pub(super) component: Component,
    surface: Arc<Surface>,
    description: Arc<Description>,
}

impl Package {
    /// Loads machine code that this program's own compiler wrote, and asks the
    /// plugin what it is, with nothing granted.
    ///
    /// # Errors
    /// When it is no plugin for this program, or does not describe itself
    /// within its limits.
    pub fn load(engine: &Engine, path: &Path) -> Result<Self, Refused> {
        let component = artifact::load(engine, path).map_err(|error| Refused::Load {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let surface = Surface::of(engine.wasmtime(), &component)?;
        let mut package = Self {
            engine: engine.clone(),
            component,
            surface: Arc::new(surface),
            description: Arc::new(Description {
                name: String::new(),
                version: String::new(),
                summary: String::new(),
                author: String::new(),
                licence: String::new(),
                claims: Vec::new(),
                settings: Vec::new(),
                capabilities: Vec::new(),
                functions: Vec::new(),
            }),
        };
        let mut instance = Instance::start(&package, Capability::ALL, Box::new(Nothing))?;
        let described = instance.describe();
        let description =
            described.map_err(|fault: PluginFault| Refused::Start(fault.to_string()))?;
        check_claims(&description)?;
        package.description = Arc::new(tidied(description));
        Ok(package)
    }

    /// What it imports and exports.
    pub fn surface(&self) -> &Surface {
        &self.surface
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether it is to be asked for this: it says so, and exports it.
    pub fn decides(&self, function: Function) -> bool {
        let listed = &self.description.functions;
        self.surface.exports.contains(&function)
            && listed.iter().any(|name| name == function.name())
    }

    /// What has to be granted before it can start: what it imports and what it
    /// says that it needs.
    ///
    /// # Errors
    /// The names that it says and that there are not.
    pub fn needs(&self) -> Result<Vec<Capability>, Vec<String>> {
        let listed = &self.description.capabilities;
        let (known, unknown): (Vec<_>, Vec<_>) = listed
            .iter()
            .map(|name| Capability::from_name(name).ok_or(name))
            .partition(Result::is_ok);
        if !unknown.is_empty() {
            return Err(unknown
                .into_iter()
                .filter_map(Result::err)
                .cloned()
                .collect());
        }
        let known = known.into_iter().filter_map(Result::ok);
        let mut needs: Vec<_> = self.surface.imports.iter().copied().chain(known).collect();
        needs.sort_unstable();
        needs.dedup();
        Ok(needs)
    }
}

/// Refuses more claims than can be tried on every entity.
fn check_claims(description: &Description) -> Result<(), Refused> {
    let claims = &description.claims;
    let patterns = claims
        .iter()
        .map(|it| it.entities.len() + it.device_classes.len() + it.entries.len());
    let count = patterns.sum::<usize>().max(claims.len());
    if count > PATTERNS {
        return Err(Refused::Claims(count));
    }
    Ok(())
}

/// Characters kept of each text that is shown to people.
const MOST_SHOWN: usize = 200;

/// A description without what would do things to a terminal or a log.
fn tidied(mut description: Description) -> Description {
    let tidy = |text: &mut String| *text = shortened(text, MOST_SHOWN);
    for text in [
        &mut description.name,
        &mut description.version,
        &mut description.summary,
        &mut description.author,
        &mut description.licence,
    ] {
        tidy(text);
    }
    for setting in &mut description.settings {
        for text in [
            &mut setting.name,
            &mut setting.summary,
            &mut setting.kind,
            &mut setting.default,
        ] {
            tidy(text);
        }
    }
    let claimed = description.claims.iter_mut().flat_map(|claim| {
        let globs = claim.entities.iter_mut();
        globs
            .chain(&mut claim.device_classes)
            .chain(&mut claim.entries)
    });
    let named = description.capabilities.iter_mut();
    claimed
        .chain(named)
        .chain(&mut description.functions)
        .for_each(tidy);
    description
}

#[cfg(test)]
mod tests {
    use super::super::wit::about::Claim;
    use super::*;

    #[test]
    fn what_a_plugin_says_of_itself_is_shown_on_one_line() {
        let tidied = tidied(Description {
            name: "bell\u{7}".to_owned(),
            version: "\u{1b}[31m1".to_owned(),
            summary: "x".repeat(1000),
            author: "one\ntwo".to_owned(),
            licence: String::new(),
            claims: vec![Claim {
                entities: vec!["sensor.\u{9b}*".to_owned()],
                device_classes: Vec::new(),
                entries: Vec::new(),
            }],
            settings: Vec::new(),
            capabilities: Vec::new(),
            functions: Vec::new(),
        });
        assert_eq!(tidied.name, "bell ");
        assert_eq!(tidied.version, " [31m1");
        assert_eq!(tidied.summary.len(), MOST_SHOWN);
        assert_eq!(tidied.author, "one two");
        assert_eq!(tidied.claims[0].entities[0], "sensor. *");
    }
}
