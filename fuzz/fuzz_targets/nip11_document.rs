//! NIP-11 documents: whatever is in one, what comes out is bounded, clean, and reads as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nips::nip11::RelayInformation;

/// More than all fields at their longest.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;

fuzz_target!(|data: &[u8]| {
    let Ok(information) = RelayInformation::parse(data) else {
        return;
    };
    let json = information.to_json();
    assert!(json.len() <= MAX_DOCUMENT_BYTES, "{}", json.len());
    // PostgreSQL stores no U+0000. Behind a backslash that is escaped itself it is only a word.
    assert!(!json.replace("\\\\", "").contains("\\u0000"));
    let again = RelayInformation::parse(json.as_bytes()).expect("what was written can be read");
    assert_eq!(again.to_json(), json);
    assert_eq!(again, information);
    assert!(information.supported_nips.is_sorted_by(|a, b| a < b));
});
