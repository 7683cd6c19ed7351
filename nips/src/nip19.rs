//! Relay URLs inside NIP-19 entities (`nprofile`, `nevent`, `naddr`, `nrelay`).

/// Longest entity that is decoded; NIP-19 asks for this limit.
const MAX_ENTITY_CHARS: usize = 5000;

/// Most entities that are decoded of one text: what a person would ever quote in a note, and a bound
/// on the work for a hostile one.
const MAX_ENTITIES: usize = 64;

/// The prefixes whose payload is a list of (type, length, value), with the type that holds relays.
const PREFIXES: [(&str, u8); 4] = [("nprofile", 1), ("nevent", 1), ("naddr", 1), ("nrelay", 0)];

/// The bech32 alphabet (BIP-173), 5 bits a character.
const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Bech32 characters of the checksum.
const CHECKSUM_CHARS: usize = 6;

/// The relay URLs, as written, that entities in `text` carry. Entities with a wrong checksum are
/// passed over.
pub fn relays_in(text: &str) -> Vec<String> {
    text.match_indices('1')
        .filter_map(|(separator, _)| entity_at(text, separator))
        .take(MAX_ENTITIES)
        .flat_map(|(prefix, relay_type, data)| {
            let payload = decode(prefix, data).unwrap_or_default();
            relay_values(&payload, relay_type)
        })
        .collect()
}

/// The prefix that ends at a separator, its relay type, and the bech32 characters behind it.
fn entity_at(text: &str, separator: usize) -> Option<(&'static str, u8, &[u8])> {
    let (head, tail) = (&text[..separator], &text.as_bytes()[separator + 1..]);
    let (prefix, relay_type) = PREFIXES
        .into_iter()
        .find(|(prefix, _)| head.ends_with(prefix))?;
    let is_data = |byte: &u8| ALPHABET.contains(byte);
    let length = tail.iter().take_while(|byte| is_data(byte)).count();
    let fits = prefix.len() + 1 + length <= MAX_ENTITY_CHARS;
    fits.then_some((prefix, relay_type, &tail[..length]))
}

/// The bytes of bech32 data, or `None` when the checksum is wrong or bits are left over.
fn decode(prefix: &str, data: &[u8]) -> Option<Vec<u8>> {
    let values: Vec<u8> = data
        .iter()
        .map(|byte| value_of(*byte))
        .collect::<Option<_>>()?;
    if checksum(prefix, &values) != 1 {
        return None;
    }
    let payload = &values[..values.len().checked_sub(CHECKSUM_CHARS)?];
    bytes_of(payload)
}

fn value_of(character: u8) -> Option<u8> {
    let position = ALPHABET.iter().position(|byte| *byte == character)?;
    u8::try_from(position).ok()
}

/// The BIP-173 checksum over prefix and values; 1 when it is right.
fn checksum(prefix: &str, values: &[u8]) -> u32 {
    const GENERATORS: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let all = high.chain([0]).chain(low).chain(values.iter().copied());
    all.fold(1, |sum: u32, value| {
        let top = sum >> 25;
        let shifted = ((sum & 0x1ff_ffff) << 5) ^ u32::from(value);
        GENERATORS
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(shifted, |sum, (_, generator)| sum ^ generator)
    })
}

/// Joins 5-bit values into bytes; up to four zero bits may be left over.
fn bytes_of(values: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len() * 5 / 8);
    let (mut buffer, mut bits) = (0_u16, 0);
    for value in values {
        buffer = buffer << 5 | u16::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    (bits < 5 && buffer == 0).then_some(bytes)
}

/// The values of one type in a list of (type, length, value) that are text.
fn relay_values(payload: &[u8], relay_type: u8) -> Vec<String> {
    let mut relays = Vec::new();
    let mut rest = payload;
    while let [kind, length, tail @ ..] = rest {
        let Some((value, tail)) = tail.split_at_checked(usize::from(*length)) else {
            break;
        };
        if *kind == relay_type
            && let Ok(text) = std::str::from_utf8(value)
        {
            relays.push(text.to_owned());
        }
        rest = tail;
    }
    relays
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of NIP-19.
    const NPROFILE: &str = "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p";

    fn encode(prefix: &str, payload: &[u8]) -> String {
        let (mut values, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
        for byte in payload {
            buffer = (buffer << 8 | u32::from(*byte)) & 0xfff;
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                values.push((buffer >> bits) as u8 & 31);
            }
        }
        if bits > 0 {
            values.push((buffer << (5 - bits)) as u8 & 31);
        }
        let padded = [values.as_slice(), &[0; CHECKSUM_CHARS]].concat();
        let sum = checksum(prefix, &padded) ^ 1;
        values.extend((0..6).rev().map(|index| (sum >> (5 * index)) as u8 & 31));
        let data = values
            .iter()
            .map(|value| char::from(ALPHABET[usize::from(*value)]));
        format!("{prefix}1{}", data.collect::<String>())
    }

    #[test]
    fn the_example_of_nip_19_holds_two_relays() {
        let text = format!("see nostr:{NPROFILE}, and {NPROFILE}!");
        let two = ["wss://r.x.com", "wss://djbas.sadkb.com"];
        assert_eq!(relays_in(NPROFILE), two);
        assert_eq!(relays_in(&text), [two, two].concat());
    }

    #[test]
    fn a_wrong_checksum_is_passed_over() {
        assert!(relays_in(&NPROFILE.replace("qqsrh", "qqsrq")).is_empty());
        assert!(relays_in(&NPROFILE.replace("nprofile", "nevent")).is_empty());
        assert!(relays_in("nprofile1 nevent1q naddr1 1 n1").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_can_be_searched(text in any::<String>(), tail in "[qpzry9x8]{0,80}") {
            relays_in(&text);
            relays_in(&format!("{text}nevent1{tail}"));
        }

        #[test]
        fn what_was_encoded_is_found(url in "wss://[a-z.]{1,60}", junk in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut payload = vec![0, u8::try_from(junk.len()).unwrap()];
            payload.extend(&junk);
            payload.extend([1, u8::try_from(url.len()).unwrap()]);
            payload.extend(url.as_bytes());
            prop_assert_eq!(relays_in(&encode("naddr", &payload)), [url]);
        }
    }
}
