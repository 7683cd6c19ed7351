//! The one macro of this program: a struct of metrics whose doc comments are the help texts.
//!
//! ```text
//! metrics! {
//!     /// What the door did.
//!     pub struct DoorMetrics {
//!         /// Events by outcome.
//!         pub events: IntCounterVec = "bigbrotr_events_total", ["outcome"];
//!         /// Time of one batch, seconds.
//!         pub batch: HistogramVec = "bigbrotr_batch_seconds", ["mode"], BUCKETS;
//!     }
//! }
//! ```
//!
//! It generates the struct, `register(&Registry) -> prometheus::Result<Self>`, and `DESCRIBED`, what the
//! catalogue says about each.

/// Declares a struct of metrics; see the module's text.
macro_rules! metrics {
    (
        $(#[doc = $struct_doc:literal])+
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $field_visibility:vis $field:ident: $kind:ty =
                    $metric:literal, [$($label:literal),*] $(, $buckets:expr)?;
            )+
        }
    ) => {
        $(#[doc = $struct_doc])+
        #[derive(Debug, Clone)]
        $visibility struct $name {
            $($(#[doc = $help])+ $field_visibility $field: $kind,)+
        }

        impl $name {
            /// What is said about each of them.
            $visibility const DESCRIBED: &'static [$crate::metrics::Described] = &[
                $($crate::metrics::Described {
                    name: $metric,
                    declared: stringify!($kind),
                    labels: &[$($label),*],
                    help: &[$($help),+],
                },)+
            ];

            /// Creates the metrics and adds them to the registry.
            ///
            /// # Errors
            /// When the registry has a metric of that name already.
            $visibility fn register(registry: &prometheus::Registry) -> prometheus::Result<Self> {
                Ok(Self {
                    $($field: $crate::metrics::family::register::<$kind>(
                        registry,
                        $metric,
                        concat!($($help),+).trim(),
                        &[$($label),*],
                        &[$(&$buckets as &[f64])?],
                    )?,)+
                })
            }
        }
    };
}
pub(crate) use metrics;
