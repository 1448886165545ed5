//! The load: clients that write one value after another, and how long each write took.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Whom a client talks to.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    /// A store, by the lines of `front.rs`.
    Store(SocketAddr),
    /// A member of etcd, by its HTTP gateway.
    Etcd(SocketAddr),
}

/// What a load came to.
pub(crate) struct Measured {
    /// Writes a second.
    pub(crate) rate: f64,
    /// How long a write took: the middle one, and the one that 99 of 100 do not exceed.
    pub(crate) latency: (Duration, Duration),
}

/// Lets `clients` write `count` values of 256 bytes under keys of 16 bytes.
pub(crate) fn run(server: Server, clients: usize, count: usize) -> io::Result<Measured> {
    let connect = |_| Connection::open(server);
    let connections = (0..clients).map(connect).collect::<io::Result<Vec<_>>>()?;
    let began = Instant::now();
    let each = count / clients;
    let mut took = Vec::with_capacity(count);
    std::thread::scope(|scope| {
        let begin = |(client, mut connection): (usize, Connection)| {
            scope.spawn(move || {
                let numbers = client * each..(client + 1) * each;
                numbers.map(|number| connection.set(number)).collect::<io::Result<Vec<_>>>()
            })
        };
        let threads: Vec<_> = connections.into_iter().enumerate().map(begin).collect();
        for thread in threads {
            took.extend(thread.join().expect("a client does not panic")?);
        }
        io::Result::Ok(())
    })?;
    let rate = took.len() as f64 / began.elapsed().as_secs_f64();
    took.sort();
    Ok(Measured { rate, latency: (took[took.len() / 2], took[took.len() * 99 / 100]) })
}

/// A client's connection.
pub(crate) struct Connection {
    server: Server,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to a server.
    pub(crate) fn open(server: Server) -> io::Result<Connection> {
        let (Server::Store(address) | Server::Etcd(address)) = server;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { server, stream: BufReader::new(stream) })
    }

    /// Writes one value, and returns how long that took.
    fn set(&mut self, number: usize) -> io::Result<Duration> {
        let began = Instant::now();
        let (answer, is_good) = match self.server {
            Server::Store(_) => {
                let answer = self.line(&format!("set {number:016} {}", "v".repeat(256)))?;
                let is_good = answer == "ok";
                (answer, is_good)
            }
            Server::Etcd(_) => {
                // Digits and letters are base64 as well: of 16 and of 256 bytes.
                let body =
                    format!(r#"{{"key":"{number:020}AA==","value":"{}AA=="}}"#, "v".repeat(340));
                let answer = self.post("/v3/kv/put", &body)?;
                let is_good = answer.contains("revision");
                (answer, is_good)
            }
        };
        match is_good {
            true => Ok(began.elapsed()),
            false => Err(io::Error::other(answer)),
        }
    }

    /// Sends a line, and returns the answer's.
    pub(crate) fn line(&mut self, command: &str) -> io::Result<String> {
        self.stream.get_mut().write_all(format!("{command}\n").as_bytes())?;
        let mut answer = String::new();
        self.stream.read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    /// Posts JSON over HTTP/1.1, and returns the body of the answer.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> io::Result<String> {
        let head = format!("POST {path} HTTP/1.1\r\nHost: etcd\r\nContent-Length: {}", body.len());
        self.stream.get_mut().write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        String::from_utf8(body).map_err(io::Error::other)
    }
}
