//! Numbers that whoever starts a bench may choose.

/// The number behind a name among the arguments, e.g. `--rounds 20`; cargo adds `--bench`.
pub(crate) fn option(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1);
    value.map_or(default, |value| {
        let number = value.parse();
        number.unwrap_or_else(|_| panic!("{name} takes a number, not {value}"))
    })
}
