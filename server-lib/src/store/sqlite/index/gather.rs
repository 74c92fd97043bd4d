//! A function of SQL that gathers numbers into a set: one row comes out of a hundred thousand.

use roaring::RoaringBitmap;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, Error, Result};

/// Makes `gather(number)` known to a connection. Its result is a set in the portable format.
pub(in crate::store::sqlite) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_aggregate_function("gather", 1, flags, Gather)
}

struct Gather;

impl Aggregate<RoaringBitmap, Vec<u8>> for Gather {
    fn init(&self, _: &mut Context<'_>) -> Result<RoaringBitmap> {
        Ok(RoaringBitmap::new())
    }

    fn step(&self, context: &mut Context<'_>, set: &mut RoaringBitmap) -> Result<()> {
        set.insert(context.get(0)?);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, set: Option<RoaringBitmap>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        set.unwrap_or_default()
            .serialize_into(&mut bytes)
            .map_err(|error| Error::UserFunctionError(error.into()))?;
        Ok(bytes)
    }
}
