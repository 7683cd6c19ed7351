//! 61 relay information documents, real and broken.

use nips::nip11::RelayInformation;
use serde_json::Value;

use crate::shared;

#[test]
fn every_document_is_read() {
    let Some(folder) = shared("nip11") else {
        return;
    };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let body = std::fs::read(&path).expect("the file is readable");
        if name.ends_with(".json") {
            assert_read(&name, &body);
            count += 1;
        } else if name.starts_with("malformed") {
            let error = RelayInformation::parse(&body).expect_err("the document is malformed");
            assert_eq!(error.reason(), "not-json");
        }
    }
    assert!(count > 50);
}

fn assert_read(name: &str, body: &[u8]) {
    let information = RelayInformation::parse(body).expect(name);
    let again = RelayInformation::parse(information.to_json().as_bytes()).expect(name);
    assert_eq!(information, again, "{name}");
    let raw: Value = serde_json::from_slice(body).expect(name);
    for field in ["name", "software", "version", "pubkey"] {
        let kept = serde_json::to_value(&information).expect(name);
        if let Some(text) = raw[field].as_str() {
            assert_eq!(kept[field].as_str(), Some(text), "{name} {field}");
        }
    }
    if name.starts_with("real-") {
        let plain = |nip: &Value| nip.as_u64().expect("real documents list numbers");
        let mut nips: Vec<u64> = raw["supported_nips"]
            .as_array()
            .map(|list| list.iter().map(plain).collect())
            .unwrap_or_default();
        nips.sort_unstable();
        nips.dedup();
        let kept: Vec<u64> = information
            .supported_nips
            .iter()
            .map(|nip| u64::from(*nip))
            .collect();
        assert_eq!(kept, nips, "{name}");
    }
}

#[test]
fn odd_lists_of_nips_are_read() {
    for (name, expected) in [
        ("odd-purplepag-es-3.json", vec![1]),
        ("test-amethyst-37.json", vec![1, 3, 11]),
        ("test-amethyst-39.json", vec![]),
        ("test-amethyst-41.json", vec![1]),
        ("test-bigbrotr-12.json", vec![1, 2, 3]),
        ("test-bigbrotr-19.json", vec![1, 11, 42]),
    ] {
        let Some(path) = shared(&format!("nip11/{name}")) else {
            return;
        };
        let body = std::fs::read(path).expect(name);
        let information = RelayInformation::parse(&body).expect(name);
        assert_eq!(information.supported_nips, expected, "{name}");
    }
}
