//! Host names for members: DNS names that look public, and overlay addresses that pass every check.
//!
//! All are derived from 32 seeded bytes, so the same plan gives the same names on every machine.

use data_encoding::{BASE32_NOPAD, Encoding, Specification};
use sha3::{Digest, Sha3_256};

/// The domain of all members that have a DNS name.
pub const DOMAIN: &str = "nostr-lab.net";

/// Human-oriented base-32 as Lokinet uses it.
const Z_BASE_32: &str = "ybndrfg8ejkmcpqxot1uwisza345h769";

/// `<label>.nostr-lab.net`.
pub fn clearnet(label: &str) -> String {
    format!("{label}.{DOMAIN}")
}

/// A version 3 onion address with the right checksum, `<56 characters>.onion` (Tor rend-spec-v3 §6).
pub fn onion(key: [u8; 32]) -> String {
    const VERSION: u8 = 3;
    let mut hasher = Sha3_256::new();
    hasher.update(b".onion checksum");
    hasher.update(key);
    hasher.update([VERSION]);
    let checksum = hasher.finalize();
    let mut address = key.to_vec();
    address.extend_from_slice(&checksum[..2]);
    address.push(VERSION);
    format!(
        "{}.onion",
        BASE32_NOPAD.encode(&address).to_ascii_lowercase()
    )
}

/// A hashed I2P destination, `<52 characters>.b32.i2p`.
pub fn i2p(key: [u8; 32]) -> String {
    format!("{}.b32.i2p", BASE32_NOPAD.encode(&key).to_ascii_lowercase())
}

/// A Lokinet address, `<52 z-base-32 characters>.loki`.
pub fn loki(key: [u8; 32]) -> String {
    format!("{}.loki", z_base_32().encode(&key))
}

fn z_base_32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str(Z_BASE_32);
    specification
        .encoding()
        .expect("z-base-32 has 32 different symbols")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlay_names_have_their_lengths_and_alphabets() {
        let key = [0xA7; 32];
        let onion = onion(key);
        assert_eq!(onion.len(), 56 + ".onion".len());
        assert!(onion.ends_with("d.onion"), "version 3 ends in d: {onion}");
        assert_eq!(i2p(key).len(), 52 + ".b32.i2p".len());
        let loki = loki(key);
        let label = loki.strip_suffix(".loki").unwrap();
        assert_eq!(label.len(), 52);
        assert!(label.chars().all(|c| Z_BASE_32.contains(c)));
    }

    #[test]
    fn the_checksum_is_tors() {
        // The address of the Tor Project's web site, which is public and stable.
        let name = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";
        let label = name.strip_suffix(".onion").unwrap().to_ascii_uppercase();
        let bytes = BASE32_NOPAD.decode(label.as_bytes()).unwrap();
        let key: [u8; 32] = bytes[..32].try_into().unwrap();
        assert_eq!(onion(key), name);
    }
}
