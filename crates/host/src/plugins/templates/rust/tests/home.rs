//! The plugin in a home of its own: no WebAssembly, no Home Assistant.

use {{module}}::Policy;
use weirhouse_plugin::testing::Harness;

#[test]
fn little_moves_are_held_back() {
    let mut home = Harness::<Policy>::new().setting("least", "1");
    let mut read = |at_ms, state| home.read(at_ms, "sensor.porch", state).published;
    assert_eq!(read(0, "20.0").as_deref(), Some("20.0"));
    assert_eq!(read(1000, "20.9"), None);
    assert_eq!(read(2000, "21.0").as_deref(), Some("21.0"));
}
