//! Messages between stores over TCP: one connection each way between two stores.
//!
//! ```text
//!   store --send--> bytes that wait --flush--> the link's queue --writer thread--> socket
//!   socket --reader thread--> StoreMessage::decode --> mailbox of the peer
//!
//!   length: 4 bytes, little-endian | the message, as `StoreMessage::encode` writes it
//! ```
//!
//! What cannot be sent is dropped: Raft repeats what is lost. Whoever sends what is no message is hung up on.

use bytes::{BufMut, Bytes, BytesMut};
use kv::env::{RealEnv, Transport};
use kv::model::{StoreId, StoreMessage};
use kv::store::StoreHandle;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// The longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// How many bytes wait for one store, before more are dropped.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// How long a writer waits after a connection failed.
const PAUSE: Duration = Duration::from_millis(50);

/// The ways to the other stores. A clone leads to the same connections.
#[derive(Clone)]
pub(crate) struct TcpPeers {
    links: Arc<BTreeMap<StoreId, Link>>,
    /// What [`Transport::flush`] will put into the queues.
    kept: BTreeMap<StoreId, BytesMut>,
}

/// What waits for one store, and the thread that writes it.
#[derive(Default)]
struct Link {
    queue: Mutex<BytesMut>,
    has_more: Condvar,
}

impl TcpPeers {
    /// Starts a thread for each of the other stores, which connects when there is something to send.
    pub(crate) fn new(others: BTreeMap<StoreId, SocketAddr>) -> TcpPeers {
        let links = others.keys().map(|id| (*id, Link::default())).collect();
        let peers = TcpPeers { links: Arc::new(links), kept: BTreeMap::new() };
        for (id, address) in others {
            let links = peers.links.clone();
            thread::spawn(move || links[&id].write_to(address));
        }
        peers
    }
}

impl Transport for TcpPeers {
    fn send(&mut self, to: StoreId, message: StoreMessage) {
        let kept = self.kept.entry(to).or_default();
        let start = kept.len();
        kept.put_u32_le(0);
        message.encode(kept);
        let length = kept.len() - start - 4;
        match u32::try_from(length).ok().filter(|_| length <= MESSAGE_BYTES_MAX) {
            Some(length) => kept[start..start + 4].copy_from_slice(&length.to_le_bytes()),
            None => kept.truncate(start),
        }
    }

    fn flush(&mut self) {
        for (to, kept) in self.kept.iter_mut().filter(|(_, kept)| !kept.is_empty()) {
            if let Some(link) = self.links.get(to) {
                link.put(kept);
            }
            kept.clear();
        }
    }
}

impl Link {
    fn put(&self, bytes: &[u8]) {
        let mut queue = self.queue.lock().expect("no thread panics while it holds a queue");
        if queue.len() + bytes.len() <= QUEUE_BYTES_MAX {
            queue.extend_from_slice(bytes);
            self.has_more.notify_one();
        }
    }

    /// Takes what waits; waits until there is something.
    fn take(&self, into: &mut BytesMut) {
        let queue = self.queue.lock().expect("no thread panics while it holds a queue");
        let queue = self.has_more.wait_while(queue, |queue| queue.is_empty());
        into.clear();
        std::mem::swap(&mut *queue.expect("no thread panics while it holds a queue"), into);
    }

    /// Writes to a store, for ever. After a failure it drops what waits, and connects again.
    fn write_to(&self, address: SocketAddr) {
        let mut bytes = BytesMut::new();
        loop {
            let connected = TcpStream::connect(address).and_then(|stream| {
                stream.set_nodelay(true)?;
                Ok(stream)
            });
            let Ok(mut stream) = connected else {
                thread::sleep(PAUSE);
                self.queue.lock().expect("no thread panics while it holds a queue").clear();
                continue;
            };
            loop {
                self.take(&mut bytes);
                if stream.write_all(&bytes).is_err() {
                    break;
                }
            }
        }
    }
}

/// Delivers to a store what others send it, for ever.
pub(crate) fn listen(listener: TcpListener, store: StoreHandle<RealEnv<TcpPeers>>) {
    for stream in listener.incoming().flatten() {
        let store = store.clone();
        thread::spawn(move || {
            if let Err(error) = read_from(stream, &store) {
                eprintln!("{}: a peer's connection ended: {error}", store.origin().store);
            }
        });
    }
}

fn read_from(stream: TcpStream, store: &StoreHandle<RealEnv<TcpPeers>>) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    loop {
        let mut length = [0; 4];
        match stream.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > MESSAGE_BYTES_MAX {
            let why = format!("a message of {length} bytes, but {MESSAGE_BYTES_MAX} is the limit");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        // Grows with what arrives: a length alone takes no memory.
        let mut bytes = Vec::with_capacity(length.min(64 << 10));
        let read = (&mut stream).take(length as u64).read_to_end(&mut bytes)?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let message = StoreMessage::decode(Bytes::from(bytes));
        store.deliver(message.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?);
    }
}
