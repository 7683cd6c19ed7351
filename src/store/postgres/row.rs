//! PostgreSQL's rows as [`crate::store::rows`] reads them.

use sqlx::postgres::PgRow;
use sqlx::{Row, ValueRef};

use crate::store::rows::StoredRow;

impl StoredRow for PgRow {
    fn integer(&self, column: &'static str) -> Option<i64> {
        let narrow = || self.try_get::<i32, _>(column).ok().map(i64::from);
        self.try_get(column).ok().or_else(narrow)
    }

    fn text(&self, column: &'static str) -> Option<&str> {
        self.try_get(column).ok()
    }

    fn bytes(&self, column: &'static str) -> Option<&[u8]> {
        self.try_get(column).ok()
    }

    fn flag(&self, column: &'static str) -> Option<bool> {
        self.try_get(column).ok()
    }

    fn is_null(&self, column: &'static str) -> bool {
        self.try_get_raw(column).is_ok_and(|value| value.is_null())
    }
}
