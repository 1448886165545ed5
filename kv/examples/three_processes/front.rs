//! The front door for clients: lines over TCP, a thread for each connection.
//!
//! ```text
//!   set KEY VALUE  -->  ok                    the write is committed and applied
//!   get KEY        -->  value VALUE | none    as new as any answer before it (linearizable)
//!   status         -->  leader term 2 last 105 applied 105
//!   anything else  -->  error WHY
//! ```

use crate::peers::TcpPeers;
use crate::{REGION, context};
use kv::env::RealEnv;
use kv::memtable::Family;
use kv::model::Write as KvWrite;
use kv::store::{KvError, RaftKv, ReadCallback, ReadMode, WriteCallback, WriteEvent};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

/// The longest line, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

type Door = RaftKv<RealEnv<TcpPeers>>;

/// Serves clients, for ever.
pub(crate) fn serve(listener: TcpListener, door: Door) {
    for stream in listener.incoming().flatten() {
        let door = door.clone();
        thread::spawn(move || drop(serve_one(stream, &door))); // a client that has gone needs no answer
    }
}

fn serve_one(mut stream: TcpStream, door: &Door) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    loop {
        line.clear();
        (&mut lines).take(LINE_BYTES_MAX).read_line(&mut line)?;
        let Some(command) = line.strip_suffix('\n') else {
            if !line.is_empty() {
                writeln!(stream, "error a line has at most {LINE_BYTES_MAX} bytes")?;
            }
            return Ok(());
        };
        let answer = answer(command, door).unwrap_or_else(|error| format!("error {error}"));
        stream.write_all((answer + "\n").as_bytes())?;
    }
}

/// Runs one command, and returns what its client is told.
fn answer(command: &str, door: &Door) -> Result<String, KvError> {
    match command.split(' ').collect::<Vec<_>>()[..] {
        ["set", key, value] => {
            let (key, value) = (key.to_owned().into(), value.to_owned().into());
            write(door, KvWrite::Put { key, value })?;
            Ok("ok".into())
        }
        ["get", key] => {
            let value = read(door, key)?;
            let show = |value: bytes::Bytes| format!("value {}", String::from_utf8_lossy(&value));
            Ok(value.map_or("none".into(), show))
        }
        ["status"] => Ok(match door.handle().peer(REGION) {
            None => "ended".into(),
            Some(it) => {
                let role = format!("{:?}", it.role).to_lowercase();
                let (term, last, applied) = (it.term, it.last.index, it.applied.index);
                format!("{role} term {term} last {last} applied {applied}")
            }
        }),
        _ => Ok("error expected: set KEY VALUE, get KEY, status".into()),
    }
}

fn write(door: &Door, write: KvWrite) -> Result<(), KvError> {
    let (told, outcome) = mpsc::channel();
    let callback = WriteCallback::new(move |event| {
        if let WriteEvent::Finished(outcome) = event {
            drop(told.send(outcome)); // its client may have gone
        }
    });
    door.async_write(context(), door.handle().next_request(), write, callback);
    outcome.recv().unwrap_or(Err(KvError::Undetermined)).map(|_| ())
}

fn read(door: &Door, key: &str) -> Result<Option<bytes::Bytes>, KvError> {
    if let Some(value) = door.get_local(&context(), key.as_bytes()) {
        return Ok(value);
    }
    let (told, view) = mpsc::channel();
    let callback = ReadCallback::new(move |view| drop(told.send(view)));
    door.async_snapshot(context(), ReadMode::Lease, callback);
    view.recv().unwrap_or(Err(KvError::Undetermined))?.get(Family::Default, key.as_bytes())
}
