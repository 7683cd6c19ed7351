//! Names of the overlay networks: Tor onion services, I2P destinations, Lokinet addresses.
//!
//! Each function gets the name without its last label. Where a name is a key, all of its bits are
//! checked, so that no key has two names.

use std::sync::LazyLock;

use data_encoding::{BASE32_NOPAD, Encoding, Specification};
use sha3::{Digest, Sha3_256};

use crate::RelayUrlError;

/// Base32 characters of a version 3 onion address: key, checksum and version are 35 bytes.
const ONION_V3_CHARS: usize = 56;

/// Base32 characters of a version 2 onion address, switched off by the Tor network in 2021.
const ONION_V2_CHARS: usize = 16;

/// Base32 characters of a 32-byte key or hash: I2P destinations and Lokinet addresses.
const KEY_CHARS: usize = 52;

/// Base32 characters of the 35 bytes that name an encrypted I2P lease set.
const I2P_ENCRYPTED_CHARS: usize = 56;

/// The alphabet in which Lokinet writes its keys, 5 bits a character, most significant first.
const Z_BASE_32: &str = "ybndrfg8ejkmcpqxot1uwisza345h769";

static LOKI: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(Z_BASE_32);
    specification
        .encoding()
        .expect("32 distinct ASCII symbols are an encoding")
});

/// Checks `<key>` or `<subdomains>.<key>` for a version 3 key with its checksum (rend-spec-v3 §6).
pub(super) fn check_onion(name: &str) -> Result<(), RelayUrlError> {
    let key = name.rsplit('.').next().unwrap_or(name);
    if key.len() == ONION_V2_CHARS
        && BASE32_NOPAD
            .decode(key.to_ascii_uppercase().as_bytes())
            .is_ok()
    {
        return Err(RelayUrlError::OnionV2);
    }
    if key.len() == ONION_V3_CHARS && is_onion_v3(key) {
        return Ok(());
    }
    Err(RelayUrlError::Overlay)
}

fn is_onion_v3(key: &str) -> bool {
    let Ok(bytes) = BASE32_NOPAD.decode(key.to_ascii_uppercase().as_bytes()) else {
        return false;
    };
    let [public_key @ .., check_1, check_2, version @ 3] = bytes.as_slice() else {
        return false;
    };
    let digest = Sha3_256::new()
        .chain_update(b".onion checksum")
        .chain_update(public_key)
        .chain_update([*version])
        .finalize();
    digest[..2] == [*check_1, *check_2]
}

/// Checks `<hash>.b32.i2p`; any other name is looked up in the address book of the I2P router.
pub(super) fn check_i2p(name: &str) -> Result<(), RelayUrlError> {
    if name == "b32" {
        return Err(RelayUrlError::Overlay);
    }
    let Some(hash) = name.strip_suffix(".b32") else {
        return Ok(());
    };
    let has_length = matches!(hash.len(), KEY_CHARS | I2P_ENCRYPTED_CHARS);
    let is_base32 = || {
        BASE32_NOPAD
            .decode(hash.to_ascii_uppercase().as_bytes())
            .is_ok()
    };
    (has_length && is_base32())
        .then_some(())
        .ok_or(RelayUrlError::Overlay)
}

/// Checks a Lokinet key.
pub(super) fn check_loki(name: &str) -> Result<(), RelayUrlError> {
    let is_key = name.len() == KEY_CHARS && LOKI.decode(name.as_bytes()).is_ok();
    is_key.then_some(()).ok_or(RelayUrlError::Overlay)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of the Tor project's own site.
    const ONION: &str = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid";

    #[test]
    fn onion_keys_carry_a_checksum() {
        assert_eq!(check_onion(ONION), Ok(()));
        assert_eq!(check_onion(&format!("sub.{ONION}")), Ok(()));
        let wrong = ONION.replacen('2', "3", 1);
        assert_eq!(check_onion(&wrong), Err(RelayUrlError::Overlay));
        assert_eq!(check_onion("expyuzz4wqqyqhjn"), Err(RelayUrlError::OnionV2));
        assert_eq!(check_onion("abc"), Err(RelayUrlError::Overlay));
    }

    #[test]
    fn i2p_hashes_have_52_or_56_characters() {
        let hash = format!("{}q", "abcdefg".repeat(8)[..51].to_owned());
        assert_eq!(check_i2p(&format!("{hash}.b32")), Ok(()));
        assert_eq!(check_i2p(&format!("{}.b32", "a".repeat(56))), Ok(()));
        assert_eq!(check_i2p("short.b32"), Err(RelayUrlError::Overlay));
        assert_eq!(check_i2p("b32"), Err(RelayUrlError::Overlay));
        assert_eq!(check_i2p("relay"), Ok(()));
    }

    #[test]
    fn loki_keys_are_z_base_32() {
        let key = "b81m3pf94ridtry53g8ufyyrjtjaoxgbyjbs5k8qrqkr1whocxiy";
        assert_eq!(check_loki(key), Ok(()));
        assert_eq!(
            check_loki(&key.replace('b', "v")),
            Err(RelayUrlError::Overlay)
        );
        let other_spelling_of_the_same_bits = format!("{}b", &key[..51]);
        assert_eq!(
            check_loki(&other_spelling_of_the_same_bits),
            Err(RelayUrlError::Overlay)
        );
        assert_eq!(check_loki("relay"), Err(RelayUrlError::Overlay));
    }
}
