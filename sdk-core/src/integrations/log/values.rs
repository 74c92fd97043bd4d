//! Reading the key-values of records.

use log::kv::{Error, Key, Value as LogValue, VisitSource};

use crate::integrations::line::Said;
use crate::protocol::Value;

impl<'kvs> VisitSource<'kvs> for Said {
    fn visit_pair(&mut self, key: Key<'kvs>, value: LogValue<'kvs>) -> Result<(), Error> {
        self.fields.insert(key.as_str().to_owned(), json(&value));
        Ok(())
    }
}

fn json(value: &LogValue<'_>) -> Value {
    if let Some(flag) = value.to_bool() {
        flag.into()
    } else if let Some(number) = value.to_i64() {
        number.into()
    } else if let Some(number) = value.to_u64() {
        number.into()
    } else if let Some(number) = value.to_f64() {
        number.into()
    } else {
        value.to_string().into()
    }
}
