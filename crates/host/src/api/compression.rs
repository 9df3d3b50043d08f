//! Compressed answers, for callers who take them.
//!
//! Only gzip: every client knows it, and a home packs to a tenth. Event streams are never compressed, for a packer
//! holds back what should leave at once.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Below this an answer fits into a packet or two, and packing saves nothing.
const SMALLEST_BYTES: usize = 1024;

/// From this on, packing takes long enough to hold other requests up, and is done beside them.
const LARGE_BYTES: usize = 64 << 10;

/// Whether an answer of this length should be packed for who sent these headers.
pub(super) fn is_wanted(headers: &HeaderMap, length: usize) -> bool {
    length >= SMALLEST_BYTES && accepts_gzip(headers)
}

/// Whether `Accept-Encoding` takes gzip.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers
        .get_all(header::ACCEPT_ENCODING)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut any = false;
    for coding in codings {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
        let taken = weight.trim().parse().is_ok_and(|weight: f32| weight > 0.0);
        match name.trim() {
            // What is said of it by name counts more than what is said of any.
            name if name.eq_ignore_ascii_case("gzip") => return taken,
            "*" => any = taken,
            _ => {}
        }
    }
    any
}

/// Packs an answer.
pub(super) async fn gzip(plain: Bytes) -> Bytes {
    if plain.len() < LARGE_BYTES {
        return pack(&plain);
    }
    let kept = plain.clone();
    let packed = tokio::task::spawn_blocking(move || pack(&plain)).await;
    // Only at the very end of the program is work refused.
    packed.unwrap_or_else(|_| pack(&kept))
}

fn pack(plain: &[u8]) -> Bytes {
    // The fastest level: the next one costs half as much again for a few percent.
    let mut packer = GzEncoder::new(Vec::with_capacity(plain.len() / 6), Compression::fast());
    // Writing to memory has no way to fail.
    let _ = packer.write_all(plain);
    packer.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (sent, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5, br", true),
            ("GZIP", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, *", false),
            ("*;q=0", false),
            ("br, deflate", false),
            ("", false),
            ("gzipped", false),
            ("gzip;q=much", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, sent.parse().unwrap());
            assert_eq!(is_wanted(&headers, 4096), expected, "{sent}");
            assert!(!is_wanted(&headers, 100));
        }
        assert!(!is_wanted(&HeaderMap::new(), 4096));
    }

    #[tokio::test]
    async fn what_was_packed_is_what_comes_out() {
        for length in [0, 1, 5000, 200_000] {
            let plain: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
            let packed = gzip(Bytes::from(plain.clone())).await;
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(&packed[..])
                .read_to_end(&mut out)
                .unwrap();
            assert_eq!(out, plain);
        }
    }
}
