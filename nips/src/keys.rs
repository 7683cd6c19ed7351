//! The three fixed-size byte strings of NIP-01: event id, public key and signature.
//!
//! Each is parsed from strict lowercase hex and printed the same way. `PublicKey` is *not* checked to
//! be a point on the curve: that happens when a signature is verified.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not exactly the expected number of lowercase hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} lowercase hex digits")]
pub struct HexError {
    /// How many hex digits the value has.
    pub expected: usize,
}

macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The bytes as a slice.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// Parses exactly `2 × LEN` lowercase hex digits.
            ///
            /// # Errors
            /// `HexError` when the length is wrong or a digit is not `0-9a-f`.
            pub fn from_hex(hex: &str) -> Result<Self, HexError> {
                let wrong = HexError { expected: 2 * $len };
                if hex.len() != 2 * $len {
                    return Err(wrong);
                }
                let mut bytes = [0; $len];
                HEXLOWER.decode_mut(hex.as_bytes(), &mut bytes).map_err(|_| wrong)?;
                Ok(Self(bytes))
            }

            /// Takes the bytes when there are exactly `LEN` of them.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Appends the lowercase hex digits to `out`.
            pub fn push_hex(&self, out: &mut String) {
                let mut digits = [0; 2 * $len];
                HEXLOWER.encode_mut(&self.0, &mut digits);
                out.push_str(std::str::from_utf8(&digits).expect("hex digits are ASCII"));
            }

            /// The lowercase hex digits.
            pub fn to_hex(&self) -> String {
                HEXLOWER.encode(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.to_hex())
            }
        }

        impl FromStr for $name {
            type Err = HexError;
            fn from_str(hex: &str) -> Result<Self, HexError> {
                Self::from_hex(hex)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_hex())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let hex = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::from_hex(&hex).map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_bytes! {
    /// SHA-256 of an event's NIP-01 serialisation.
    EventId, 32
}
hex_bytes! {
    /// An x-only secp256k1 public key (BIP-340): the author of an event.
    PublicKey, 32
}
hex_bytes! {
    /// A BIP-340 Schnorr signature over an event id.
    Signature, 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_strict() {
        let digits = "00ff".repeat(16);
        let id = EventId::from_hex(&digits).unwrap();
        assert_eq!(id.to_hex(), digits);
        assert!(EventId::from_hex(&digits.to_uppercase()).is_err());
        assert!(EventId::from_hex(&digits[1..]).is_err());
        assert!(EventId::from_hex(&"zz".repeat(32)).is_err());
    }
}
