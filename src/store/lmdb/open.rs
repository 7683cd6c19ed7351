//! Opening an archive.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use heed::{Env, EnvFlags, EnvOpenOptions, RwTxn, WithoutTls};
use nips::{Kind, RelayUrl};
use tokio::sync::Semaphore;

use super::LmdbEvents;
use super::backlog::Backlogs;
use super::counters;
use super::deferral::Deferral;
use super::engine::Engine;
use super::fault::Fault;
use super::keys::KeyHasher;
use super::lately_found::LatelyFound;
use super::left_over::restore_backlog;
use super::pace::Pace;
use super::rules::Rules;
use super::tables::{INDEXED_BATCH, TABLE_COUNT, Table, Tables};
use super::warmth::Warmth;
use super::writer::Writer;
use crate::background::Background;
use crate::store::StoreError;

/// Layout of the tables; a store of another layout is not opened.
const FORMAT: u64 = 3;

/// The layout before: rows of `by_address` told of what an event is a version, and not where it is. They are read
/// as they are.
const FORMAT_BEFORE: u64 = 2;

/// Address space for the file, which ends there: only touched pages cost memory, and a Linux process has 128 TiB.
pub(super) const DEFAULT_MAP_SIZE: usize = 1 << 44;

/// Readers at a time. Each may hold an answer in memory; more threads than this only wait for the
/// same disk.
const MAX_READERS: usize = 32;

/// Slots in LMDB's table of readers: ours, and those of programs that look at the file.
pub(super) const READER_SLOTS: u32 = 126;

/// Where an archive is and how it is to be kept.
#[derive(Debug, Clone)]
pub struct LmdbOptions {
    /// Its directory, created when missing. It has to be on a local file system.
    pub path: PathBuf,
    /// The size up to which it may grow, in bytes.
    pub map_size: usize,
    /// Kinds to keep whole; of others only what provenance needs. `None` keeps everything. Deletion
    /// requests and requests to vanish are always kept whole.
    pub whole_kinds: Option<Vec<Kind>>,
    /// URLs of the relay in front of the archive: whom a request to vanish may address (NIP-62).
    pub own_relay_urls: Vec<RelayUrl>,
    /// When bulk is indexed.
    pub deferral: Deferral,
    /// Whether commits note what they change, for figures that are kept up by folding it. What is noted
    /// stays until it is folded.
    pub is_counted: bool,
}

impl LmdbOptions {
    /// The defaults, in a directory.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            map_size: DEFAULT_MAP_SIZE,
            whole_kinds: None,
            own_relay_urls: Vec::new(),
            deferral: Deferral::default(),
            is_counted: true,
        }
    }
}

impl LmdbEvents {
    /// Opens the archive, or creates it, and starts its writer.
    ///
    /// Blocks for a few milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the directory cannot be used, is open in this process already, or
    /// holds a store of another layout.
    pub fn open(options: LmdbOptions) -> Result<Self, StoreError> {
        let path = options.path.clone();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
            path: path.clone(),
            source,
        };
        let engine = open_engine(options).map_err(|fault| failed(fault.into()))?;
        let engine = Arc::new(engine);
        let writer = Writer::start(Arc::clone(&engine)).map_err(|error| failed(error.into()))?;
        let long_reads = Background::new("long-read", MAX_READERS);
        Ok(Self {
            writer,
            engine,
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            long_reads: long_reads.map_err(|error| failed(error.into()))?,
            warmth: Warmth::default(),
        })
    }
}

fn open_engine(options: LmdbOptions) -> Result<Engine, Fault> {
    fs::create_dir_all(&options.path).map_err(heed::Error::Io)?;
    let env = open_environment(&options.path, options.map_size)?;
    env.clear_stale_readers()?;
    let mut txn = env.write_txn()?;
    let tables = Tables::create(&env, &mut txn)?;
    let secret = check_format(&tables.meta, &mut txn)?;
    counters::prepare(&tables, &mut txn)?;
    if tables.meta.get(&txn, INDEXED_BATCH.as_bytes())?.is_none() {
        let last = tables.last_batch(&txn)?.0;
        tables.set_number(&mut txn, INDEXED_BATCH, last)?;
    }
    txn.commit()?;
    let hasher = KeyHasher::new(&secret);
    let engine = Engine {
        env,
        tables,
        rules: Rules::new(hasher, options.whole_kinds, options.own_relay_urls),
        backlogs: Backlogs::default(),
        deferral: options.deferral,
        is_counted: options.is_counted,
        lately_found: LatelyFound::default(),
        pace: Pace::default(),
    };
    restore_backlog(&engine)?;
    Ok(engine)
}

fn open_environment(path: &Path, map_size: usize) -> Result<Env<WithoutTls>, Fault> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options
        .map_size(map_size)
        .max_readers(READER_SLOTS)
        .max_dbs(TABLE_COUNT);
    #[expect(
        unsafe_code,
        reason = "LMDB trusts that nobody else changes its file; reading ahead is only switched off \
                  because queries jump, it does not weaken durability"
    )]
    let env = unsafe { options.flags(EnvFlags::NO_READ_AHEAD).open(path) }?;
    Ok(env)
}

/// Checks the layout, or notes it down in a new store together with a fresh hashing secret.
fn check_format(meta: &Table, txn: &mut RwTxn<'_>) -> Result<[u8; 16], Fault> {
    const NAME: &[u8] = b"format";
    let row = meta.get(txn, NAME)?.map(<[u8]>::to_vec);
    let Some(row) = row else {
        let secret: [u8; 16] = rand::random();
        meta.put(txn, NAME, &format_row(&secret))?;
        return Ok(secret);
    };
    let (format, secret) = row.split_at_checked(8).unwrap_or_default();
    let is_older = format == FORMAT_BEFORE.to_be_bytes();
    if !is_older && format != FORMAT.to_be_bytes() {
        let other = io::Error::other("the store has another layout than this program");
        return Err(heed::Error::Io(other).into());
    }
    let secret = <[u8; 16]>::try_from(secret);
    let secret = secret.map_err(|_| Fault::Damaged("format row".to_owned()))?;
    if is_older {
        meta.put(txn, NAME, &format_row(&secret))?;
    }
    Ok(secret)
}

fn format_row(secret: &[u8; 16]) -> Vec<u8> {
    [&FORMAT.to_be_bytes()[..], secret].concat()
}
