//! Files of the repository that are written from the code: a test compares them, and `make generated` writes them.

use std::fs;

use crate::sql_files::root;

/// Set by `make generated`.
const REGENERATE: &str = "BIGBROTR_REGENERATE";

/// Fails unless the file says this; writes it instead where that was asked for.
pub(crate) fn hold(name: &str, expected: &str) {
    let path = root().join(name);
    #[expect(
        clippy::disallowed_methods,
        reason = "a wish of whoever runs the tests"
    )]
    if std::env::var_os(REGENERATE).is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let mut lines = found.lines().zip(expected.lines()).enumerate();
    let different = lines.find(|(_, (found, expected))| found != expected);
    assert!(
        found == expected,
        "{name} is not what the code says, first in {different:?}: run `make generated`"
    );
}
