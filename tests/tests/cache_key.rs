//! Keys from arguments are the same through the component and natively.

use anyhow::Result;
use weirhouse_runner::operations::CacheKey;
use weirhouse_runner::wit::cache_key::{Named, Part};
use weirhouse_runner::{Component, Engine};
use weirhouse_tests::component;
use weirhouse_tests::native::Native;

#[test]
fn the_component_makes_the_keys_of_the_native_core() -> Result<()> {
    let named = |name: &str, value: &str| {
        Part::Named(Named {
            name: name.into(),
            value: value.into(),
        })
    };
    let pair = |one: &str, other: &str| Part::Symmetric((one.into(), other.into()));
    let mut component = Component::load(&Engine::new()?, &component::path()?)?;
    let mut native = Native::new();
    for (parts, key) in [
        (vec![], Some("")),
        (vec![Part::Positional("porch".into())], Some("p5:porch")),
        (
            vec![named("unit", "C"), pair("z", "ä"), named("area", "1")],
            Some("s1:z+2:än4:area=1:1n4:unit=1:C"),
        ),
        (vec![named("a", "1"), named("a", "1")], None),
        (vec![Part::Positional("x".repeat(2_000))], None),
    ] {
        let made = component.cache_key(&parts);
        assert_eq!(made.as_deref().ok(), key, "{parts:?}");
        let refused = |answer: Result<String, _>| answer.map_err(|fault| format!("{fault:?}"));
        assert_eq!(refused(made), refused(native.cache_key(&parts)));
    }
    Ok(())
}
