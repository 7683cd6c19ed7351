//! What an operator sends over HTTP (NIP-86, 98): the call in the body, and the header that proves who it is from.

#![no_main]

use std::str::from_utf8;

use libfuzzer_sys::fuzz_target;
use nips::nip86::Call;
use nips::nip98::HttpAuth;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    if let Ok(call) = Call::from_json(data) {
        // What is passed over may be text of no value, such as half a surrogate pair.
        let written = serde_json::from_slice::<Value>(data).ok();
        assert!(written.is_none_or(|written| written["method"] == call.method()));
        assert_eq!(
            Call::from_json(call.to_json().as_bytes()).as_ref(),
            Ok(&call)
        );
    }
    let Some(auth) = from_utf8(data)
        .ok()
        .and_then(|text| HttpAuth::from_header(text).ok())
    else {
        return;
    };
    let header = HttpAuth::header(auth.event());
    assert_eq!(HttpAuth::from_header(&header).as_ref(), Ok(&auth));
});
