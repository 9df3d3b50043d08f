use super::*;
use alloc::string::{String, ToString};
use alloc::vec;

/// A part whose section is a list of even numbers.
#[derive(Default)]
struct Evens(Vec<u32>);

impl Section for Evens {
    const TAG: Tag = Tag::HotKeys;
    /// A single number, of which half was written.
    const FORMER: Option<Former<Vec<u32>>> = Some(Former {
        tag: Tag::Baselines,
        decode: |bytes| {
            let (half, rest) = postcard::take_from_bytes::<u32>(bytes)?;
            Ok((vec![half.saturating_mul(2)], rest))
        },
    });
    type Content = Vec<u32>;

    fn save(&self, _now: Now) -> Self::Content {
        self.0.clone()
    }

    fn verify(content: &Self::Content, _entities: &Entities) -> Result<(), &'static str> {
        let even = content.iter().all(|number| number % 2 == 0);
        even.then_some(()).ok_or("a number is odd")
    }

    fn load(&mut self, _now: Now, content: Self::Content) {
        self.0 = content;
    }
}

const NOW: Now = Now {
    mono_us: 0,
    dated_us: 0,
};

fn written(numbers: &[u32]) -> Vec<u8> {
    let mut writer = Writer::new(NOW);
    writer.put(&Evens(numbers.to_vec()));
    writer.finish()
}

fn read(bytes: &[u8]) -> Result<Option<Vec<u32>>, String> {
    Sections::divide(bytes)
        .and_then(|sections| sections.read::<Evens>(&Entities::default()))
        .map_err(|error| error.to_string())
}

#[test]
fn a_section_is_read_as_it_was_written() {
    assert_eq!(read(&written(&[2, 400])), Ok(Some(vec![2, 400])));
}

#[test]
fn a_missing_section_is_no_damage() {
    assert_eq!(read(b"WHS\x02\x00"), Ok(None));
}

#[test]
fn a_former_form_is_read_where_the_present_one_is_missing() {
    for (bytes, expected) in [
        (&b"WHS\x02\x02\x01\x07\x00"[..], Ok(Some(vec![14]))),
        (
            b"WHS\x02\x02\x01\x07\x03\x02\x01\x08\x00",
            Ok(Some(vec![8])),
        ),
        (
            b"WHS\x02\x03\x02\x01\x08\x02\x01\x07\x00",
            Ok(Some(vec![8])),
        ),
    ] {
        assert_eq!(read(bytes), expected);
    }
    let refused = read(b"WHS\x02\x02\x02\x07\x07\x00").unwrap_err();
    assert!(refused.contains("section 2 (Baselines)"), "{refused}");
}

#[test]
fn an_unknown_section_is_skipped_wherever_it_stands() {
    let known = [3, 2, 1, 8];
    let unknown = [99, 3, 255, 255, 255];
    for sections in [[&known[..], &unknown], [&unknown, &known]] {
        let bytes = [b"WHS\x02", &*sections.concat(), b"\0"].concat();
        assert_eq!(read(&bytes), Ok(Some(vec![8])));
    }
}

#[test]
fn what_is_no_sound_snapshot_is_refused_in_words() {
    let odd = written(&[3]);
    for (bytes, expected) in [
        (&b""[..], "no snapshot"),
        (b"WH", "no snapshot"),
        (b"PNG\x01", "no snapshot"),
        (b"WHS\x00", "version 0"),
        (b"WHS\x09", "version 9"),
        (b"WHS\x01\x05", "damaged or cut short"),
        (b"WHS\x02\x03", "damaged or cut short"),
        (b"WHS\x02\x03\x02\x01", "damaged or cut short"),
        (b"WHS\x02", "damaged or cut short"),
        (b"WHS\x02\x63\x00", "damaged or cut short"),
        (b"WHS\x02\x00\x00", "damaged or cut short"),
        (b"WHS\x02\x00\x63\x00\x00", "damaged or cut short"),
        (b"WHS\x02\x03\x00\x03\x00\x00", "section 3 occurs twice"),
        (b"WHS\x02\x63\x00\x63\x00\x00", "section 99 occurs twice"),
        (b"WHS\x02\x03\x00\x00", "section 3 (HotKeys)"),
        (b"WHS\x02\x03\x02\x00\x00\x00", "longer than its content"),
        (&odd, "section 3 (HotKeys): a number is odd"),
    ] {
        let refused = read(bytes).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_length_beyond_the_bytes_is_refused() {
    let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let of_section = [b"WHS\x02\x03", &longest[..]].concat();
    let of_content = [b"WHS\x02\x03\x0a", &longest[..], b"\0"].concat();
    for bytes in [of_section, of_content] {
        assert!(read(&bytes).is_err());
    }
}
