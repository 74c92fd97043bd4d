//! A few connections, each made when it is first needed and made again when it broke. Nothing here
//! waits without a deadline.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, CopyInSink, CopyOutStream, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::failure::failed;
use super::tls;
use crate::error::{Error, ErrorKind};

/// Connections at most.
const CONNECTIONS: usize = 8;
/// A connection must be free, or made, in this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// A statement must be answered in this time; a server that still works gives up long before.
pub(super) const ANSWER: Duration = Duration::from_secs(60);

/// Of a statement that failed, so much is told.
const NAMED_CHARS: usize = 80;

/// Parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The connections to one database.
pub(super) struct Pool {
    address: Address,
    tls: Option<MakeRustlsConnect>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

/// A connection with the statements that it knows.
struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

/// A connection on loan. It goes back when dropped, unless it broke or is inside a transaction:
/// then it is closed, which rolls back.
pub(super) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Pool>,
    open: bool,
    broken: bool,
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// Makes a pool; nothing is connected yet.
    pub(super) fn new(address: Address) -> Result<Arc<Self>, Error> {
        let tls = if address.encrypted {
            Some(tls::connector(address.authorities.as_deref())?)
        } else {
            None
        };
        Ok(Arc::new(Self {
            address,
            tls,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        }))
    }

    /// Lends a connection.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lease, Error> {
        let permit =
            match tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await {
                Ok(Ok(permit)) => permit,
                Ok(Err(_)) => {
                    return Err(Error::because(
                        ErrorKind::Closed,
                        "the database connections are closed",
                    ));
                }
                Err(_) => return Err(late("no database connection became free")),
            };
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lease {
            connection: Some(connection),
            pool: Arc::clone(self),
            open: false,
            broken: false,
            _permit: permit,
        })
    }

    /// Closes all connections that are not on loan; nothing is lent any more.
    pub(super) fn close(&self) {
        self.permits.close();
        self.lock().clear();
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.lock();
        while let Some(connection) = idle.pop() {
            if !connection.client.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let config = &self.address.config;
        let client = match &self.tls {
            None => {
                let (client, driver) = in_time(PATIENCE, config.connect(NoTls)).await?;
                tokio::spawn(driver);
                client
            }
            Some(tls) => {
                let (client, driver) = in_time(PATIENCE, config.connect(tls.clone())).await?;
                tokio::spawn(driver);
                client
            }
        };
        Ok(Connection {
            client,
            statements: HashMap::new(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Runs a statement that is prepared once for each connection.
    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql).await?;
        let client = self.client()?;
        let result = in_time(ANSWER, client.query(&statement, params)).await;
        self.noting(naming(result, sql))
    }

    /// Runs a statement that returns at most one row.
    pub(super) async fn query_opt(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement that returns one row.
    pub(super) async fn query_one(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Row, Error> {
        self.query_opt(sql, params)
            .await?
            .ok_or_else(|| Error::because(ErrorKind::Corrupt, "a row of the database is missing"))
    }

    /// Runs a statement and returns how many rows it touched.
    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, Error> {
        let statement = self.statement(sql).await?;
        let client = self.client()?;
        let result = in_time(ANSWER, client.execute(&statement, params)).await;
        self.noting(naming(result, sql))
    }

    /// Runs a statement whose text was put together; it is not kept.
    pub(super) async fn query_text(
        &mut self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Error> {
        let client = self.client()?;
        let result = in_time(ANSWER, client.query(sql, params)).await;
        self.noting(naming(result, sql))
    }

    /// Runs a statement whose text was put together, and returns how many rows it touched.
    pub(super) async fn execute_text(
        &mut self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<u64, Error> {
        let client = self.client()?;
        let result = in_time(ANSWER, client.execute(sql, params)).await;
        self.noting(naming(result, sql))
    }

    /// Runs statements without parameters and results.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Error> {
        self.run_within(ANSWER, sql).await
    }

    /// The same with another deadline; the server's own must have been set to fit.
    pub(super) async fn run_within(&mut self, limit: Duration, sql: &str) -> Result<(), Error> {
        let client = self.client()?;
        let result = in_time(limit, client.batch_execute(sql)).await;
        self.noting(naming(result, sql))
    }

    /// Begins a transaction, by `BEGIN` with what is to be said of it.
    pub(super) async fn begin(&mut self, how: &str) -> Result<(), Error> {
        self.open = true;
        self.run(how).await
    }

    /// Ends the transaction. When the answer is lost it may or may not have been done.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.run("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    /// Undoes the transaction.
    pub(super) async fn rollback(&mut self) -> Result<(), Error> {
        self.run("ROLLBACK").await?;
        self.open = false;
        Ok(())
    }

    /// Starts to copy rows in.
    pub(super) async fn copy_in(&mut self, sql: &str) -> Result<CopyInSink<Bytes>, Error> {
        let client = self.client()?;
        let result = in_time(ANSWER, client.copy_in(sql)).await;
        self.noting(naming(result, sql))
    }

    /// Starts to copy rows out.
    pub(super) async fn copy_out(&mut self, sql: &str) -> Result<CopyOutStream, Error> {
        let client = self.client()?;
        let result = in_time(ANSWER, client.copy_out(sql)).await;
        self.noting(naming(result, sql))
    }

    /// Takes the connection out of use when the error says that it is of no more use.
    pub(super) fn noting<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.broken |= error.kind() == ErrorKind::Unavailable;
        }
        result
    }

    async fn statement(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(known) = self
            .connection
            .as_ref()
            .and_then(|connection| connection.statements.get(sql))
        {
            return Ok(known.clone());
        }
        let client = self.client()?;
        let result = in_time(ANSWER, client.prepare(sql)).await;
        let statement = self.noting(naming(result, sql))?;
        if let Some(connection) = &mut self.connection {
            connection.statements.insert(sql, statement.clone());
        }
        Ok(statement)
    }

    fn client(&self) -> Result<&Client, Error> {
        self.connection
            .as_ref()
            .map(|connection| &connection.client)
            .ok_or_else(|| late("the database connection is gone"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.open
            && !self.broken
            && !connection.client.is_closed()
            && !self.pool.permits.is_closed()
        {
            self.pool.lock().push(connection);
        }
    }
}

/// Waits for the driver, but not for ever.
pub(super) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(|error| failed(&error)),
        Err(_) => Err(late("the database did not answer in time")),
    }
}

/// Says which statement failed. Its text has places for values, and no values.
fn naming<T>(result: Result<T, Error>, sql: &str) -> Result<T, Error> {
    result.map_err(|error| {
        let start: String = sql.chars().take(NAMED_CHARS).collect();
        let kind = error.kind();
        Error::because(kind, format!("{error}, in {:?}", start.trim()))
    })
}

fn late(what: &str) -> Error {
    Error::because(ErrorKind::Unavailable, what)
}
