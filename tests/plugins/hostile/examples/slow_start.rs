//! Never returns from `describe`.

use hostile::Fixture;
use hostile::exported::about::Description;

struct SlowStart;

impl Fixture for SlowStart {
    const NAME: &str = "slow-start";

    fn describe() -> Description {
        loop {
            std::hint::spin_loop();
        }
    }
}

hostile::export!(SlowStart with_types_in hostile);
