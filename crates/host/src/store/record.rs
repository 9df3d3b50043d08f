//! How one record lies on disk: a versioned frame with two checksums.
//!
//! ```text
//! format: u8 | header length: u32 LE | header (postcard) | CRC-32: u32 LE | value | CRC-32: u32 LE
//! ```
//! The first checksum covers namespace, key and header, so that a record found
//! under another name is damaged too; the second covers the first and the
//! value. Listing keys verifies headers only.
//!
//! CRC-32 finds accidents of hardware; it does not protect against someone who
//! can write the file.

use serde::{Deserialize, Serialize};

use super::{Record, Stamp, weight};

/// Version of the frame. A frame of another version counts as damaged.
const FORMAT: u8 = 2;

const CRC_LEN: usize = size_of::<u32>();

/// Why a record is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("it has the unknown format {0}")]
    Format(u8),
    #[error("it is cut short")]
    Truncated,
    #[error("the checksum of its header does not match")]
    Header,
    #[error("the checksum of its value does not match")]
    Value,
}

/// A record without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Ticket of the write, the record's place in the order of writes.
    pub(super) seq: u64,
    pub(super) stamp: Stamp,
    pub(super) content_type: String,
    pub(super) tags: Vec<String>,
}

/// A header with the size of the record it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) header: Header,
    pub(super) weight: u64,
}

pub(super) fn encode(ns: &str, key: &str, seq: u64, record: &Record) -> Result<Vec<u8>, Damage> {
    let header = Header {
        seq,
        stamp: record.stamp,
        content_type: record.content_type.clone(),
        tags: record.tags.clone(),
    };
    let header = postcard::to_allocvec(&header).map_err(|_| Damage::Header)?;
    let header_len = u32::try_from(header.len()).map_err(|_| Damage::Header)?;
    let header_crc = header_checksum(ns, key, &header);
    let mut frame = Vec::with_capacity(1 + 3 * CRC_LEN + header.len() + record.value.len());
    frame.push(FORMAT);
    frame.extend_from_slice(&header_len.to_le_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(&header_crc.to_le_bytes());
    frame.extend_from_slice(&record.value);
    frame.extend_from_slice(&value_checksum(header_crc, &record.value).to_le_bytes());
    Ok(frame)
}

/// Reads and verifies the header alone.
pub(super) fn summary(ns: &str, key: &str, frame: &[u8]) -> Result<Summary, Damage> {
    let parts = split(frame)?;
    let header = parts.verified_header(ns, key)?;
    let weight = weight(
        ns,
        key,
        &header.content_type,
        &header.tags,
        parts.value.len(),
    );
    Ok(Summary { header, weight })
}

/// Reads and verifies everything.
pub(super) fn decode(ns: &str, key: &str, frame: &[u8]) -> Result<Record, Damage> {
    let parts = split(frame)?;
    let header = parts.verified_header(ns, key)?;
    if value_checksum(parts.header_crc, parts.value) != parts.value_crc {
        return Err(Damage::Value);
    }
    Ok(Record {
        value: parts.value.to_vec(),
        content_type: header.content_type,
        tags: header.tags,
        stamp: header.stamp,
    })
}

struct Parts<'a> {
    header: &'a [u8],
    header_crc: u32,
    value: &'a [u8],
    value_crc: u32,
}

impl Parts<'_> {
    fn verified_header(&self, ns: &str, key: &str) -> Result<Header, Damage> {
        if header_checksum(ns, key, self.header) != self.header_crc {
            return Err(Damage::Header);
        }
        postcard::from_bytes(self.header).map_err(|_| Damage::Header)
    }
}

fn split(frame: &[u8]) -> Result<Parts<'_>, Damage> {
    let (&format, rest) = frame.split_first().ok_or(Damage::Truncated)?;
    if format != FORMAT {
        return Err(Damage::Format(format));
    }
    let (header_len, rest) = split_u32(rest)?;
    let (header, rest) = rest
        .split_at_checked(header_len as usize)
        .ok_or(Damage::Truncated)?;
    let (header_crc, rest) = split_u32(rest)?;
    let (value, value_crc) = rest
        .split_last_chunk::<CRC_LEN>()
        .ok_or(Damage::Truncated)?;
    Ok(Parts {
        header,
        header_crc,
        value,
        value_crc: u32::from_le_bytes(*value_crc),
    })
}

fn split_u32(bytes: &[u8]) -> Result<(u32, &[u8]), Damage> {
    let (number, rest) = bytes
        .split_first_chunk::<CRC_LEN>()
        .ok_or(Damage::Truncated)?;
    Ok((u32::from_le_bytes(*number), rest))
}

fn header_checksum(ns: &str, key: &str, header: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for part in [ns.as_bytes(), key.as_bytes()] {
        crc.update(&(part.len() as u64).to_le_bytes());
        crc.update(part);
    }
    crc.update(header);
    crc.finalize()
}

fn value_checksum(header_crc: u32, value: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&header_crc.to_le_bytes());
    crc.update(value);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            value: b"21.5".to_vec(),
            content_type: "text/plain".into(),
            tags: vec!["kitchen".into()],
            stamp: Stamp {
                put_at_us: -5,
                life_us: u64::MAX,
                memory_life_us: 0,
                while_revalidate_us: 0,
                if_error_us: 0,
            },
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let frame = encode("ns", "key", 7, &record()).unwrap();
        assert_eq!(decode("ns", "key", &frame), Ok(record()));
        assert_eq!(summary("ns", "key", &frame).unwrap().header.seq, 7);
        for position in 0..frame.len() * 8 {
            let mut bad = frame.clone();
            bad[position / 8] ^= 1 << (position % 8);
            assert!(decode("ns", "key", &bad).is_err(), "bit {position}");
        }
        for len in 0..frame.len() {
            assert!(decode("ns", "key", &frame[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn a_record_under_another_name_is_damaged() {
        let frame = encode("ab", "c", 7, &record()).unwrap();
        for (ns, key) in [("a", "bc"), ("ab", "d"), ("abc", ""), ("", "abc")] {
            assert_eq!(decode(ns, key, &frame), Err(Damage::Header));
            assert_eq!(summary(ns, key, &frame), Err(Damage::Header));
        }
    }

    #[test]
    fn a_life_without_end_does_not_wrap() {
        let stamp = Stamp {
            put_at_us: 1,
            life_us: u64::MAX,
            memory_life_us: 1,
            while_revalidate_us: 0,
            if_error_us: 0,
        };
        assert_eq!(stamp.expires_at_us(), i64::MAX);
    }
}
