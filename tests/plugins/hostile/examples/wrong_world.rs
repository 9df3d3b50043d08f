//! A good component, and no plugin.

wit_bindgen::generate!({
    inline: "
        package example:bakery@1.0.0;

        world bakery {
            export loaves: func() -> u32;
        }
    ",
});

struct Bakery;

impl Guest for Bakery {
    fn loaves() -> u32 {
        12
    }
}

export!(Bakery);
