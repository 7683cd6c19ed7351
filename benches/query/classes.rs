//! The queries that are measured: what clients ask a relay for, and what it may cost.

use nips::{Filter, Kind};

use super::archive::Archive;
use super::data::Network;

/// A class of queries, and the bound it has to keep.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    /// CPU time of one query.
    pub(crate) bound_us: f64,
    pub(crate) filters: Vec<Filter>,
}

/// The classes, asking for what `archive` holds.
pub(crate) fn classes(archive: &Archive) -> Vec<Class> {
    let author = |rank: usize| Network::author(rank).to_hex();
    let authors = |from: usize, step: usize| -> Vec<String> {
        (0..300)
            .map(|number| author(from + number * step))
            .collect()
    };
    let notes = sample_notes(archive);
    let ids = |count: usize| -> Vec<Vec<String>> {
        notes
            .chunks_exact(count)
            .take(40)
            .map(<[String]>::to_vec)
            .collect()
    };
    let class = |name, bound_us, filters: Vec<String>| Class {
        name,
        bound_us,
        filters: filters
            .iter()
            .map(|json| Filter::from_json(json).expect("it is one"))
            .collect(),
    };
    let each = |make: &dyn Fn(usize) -> String| -> Vec<String> { (0..40).map(make).collect() };
    vec![
        class(
            "single id",
            20.0,
            ids(1)
                .iter()
                .map(|id| format!(r#"{{"ids":{id:?}}}"#))
                .collect(),
        ),
        class(
            "100 ids",
            1_000.0,
            ids(100)
                .iter()
                .map(|ids| format!(r#"{{"ids":{ids:?}}}"#))
                .collect(),
        ),
        class(
            "author timeline, 50",
            150.0,
            each(&|turn| format!(r#"{{"authors":["{}"],"limit":50}}"#, author(turn * 7))),
        ),
        class(
            "author and kind, 50",
            150.0,
            each(&|turn| {
                format!(
                    r#"{{"authors":["{}"],"kinds":[1],"limit":50}}"#,
                    author(turn * 7)
                )
            }),
        ),
        class(
            "profile of an author",
            20.0,
            each(&|turn| format!(r#"{{"authors":["{}"],"kinds":[0]}}"#, author(turn * 7))),
        ),
        class(
            "300 authors, kinds 1 and 6, 100",
            2_000.0,
            each(&|turn| {
                format!(
                    r#"{{"authors":{:?},"kinds":[1,6],"limit":100}}"#,
                    authors(turn, 1 + turn * 2)
                )
            }),
        ),
        class(
            "kind 1, 100",
            150.0,
            vec![r#"{"kinds":[1],"limit":100}"#.to_owned()],
        ),
        class(
            "everything, 100",
            150.0,
            vec![r#"{"limit":100}"#.to_owned()],
        ),
        class(
            "popular #p, 50",
            300.0,
            each(&|turn| format!(r##"{{"#p":["{}"],"limit":50}}"##, author(turn))),
        ),
        class(
            "popular #p with kinds, 50",
            300.0,
            each(&|turn| {
                format!(
                    r##"{{"#p":["{}"],"kinds":[1,6,7,9735],"limit":50}}"##,
                    author(turn)
                )
            }),
        ),
        class(
            "100 #e values",
            1_000.0,
            ids(100)
                .iter()
                .map(|ids| format!(r##"{{"#e":{ids:?},"limit":100}}"##))
                .collect(),
        ),
        class(
            "100 #e values, kind 7",
            1_000.0,
            ids(100)
                .iter()
                .map(|ids| format!(r##"{{"#e":{ids:?},"kinds":[7],"limit":100}}"##))
                .collect(),
        ),
        class(
            "author and popular #t, 50",
            300.0,
            each(&|turn| {
                format!(
                    r##"{{"authors":["{}"],"#t":["topic0"],"limit":50}}"##,
                    author(turn * 7)
                )
            }),
        ),
    ]
}

/// Ids of notes from all over the time line.
fn sample_notes(archive: &Archive) -> Vec<String> {
    let mut notes = Vec::new();
    for day in 0..700 {
        let filter = Filter {
            kinds: Some(vec![Kind(1)]),
            until: Some(1_690_100_000 + day * 86_400),
            limit: Some(10),
            ..Filter::default()
        };
        let page = archive.ask(&filter);
        notes.extend(page.iter().map(|event| event.id().to_hex()));
    }
    notes
}
