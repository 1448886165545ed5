//! Three stores in three processes on this machine, and a load of writes; if asked, beside three of etcd.
//!
//! ```text
//!   cargo run --release -p kv --example three_processes
//!   cargo run --release -p kv --example three_processes -- --beside-etcd     needs `etcd` on the path
//!
//!   this process --spawns--> store 1, store 2, store 3      each: peers.rs for stores, front.rs for clients
//!        '------load.rs------------^ the leader
//! ```
//!
//! The stores end with this process: each waits for the end of its standard input.

mod beside; // the same load for etcd
mod front; // lines from clients
mod load; // clients
mod peers; // messages between stores

use kv::env::RealEnv;
use kv::model::{ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId};
use kv::store::{RaftKv, RequestContext, Store, StoreConfig, bootstrap};
use load::{Connection, PATIENCE, Server};
use peers::TcpPeers;
use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The only region.
const REGION: RegionId = RegionId(1);

fn region() -> Region {
    let voter = |id| Peer { id: PeerId(id + 10), store: StoreId(id), role: PeerRole::Voter };
    let epoch = Epoch { version: 1, conf_version: 1 };
    let peers = (1..=3).map(voter).collect();
    Region { id: REGION, start: Default::default(), end: None, epoch, peers }
}

fn context() -> RequestContext {
    RequestContext { region: REGION, peer: None, epoch: region().epoch, term: None }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => measure(None),
        ["--beside-etcd"] => measure(Some("etcd")),
        ["store", id, directory, ports @ ..] if ports.len() == 6 => {
            let ports = ports.iter().map(|port| port.parse()).collect::<Result<Vec<_>, _>>()?;
            run_store(id.parse()?, Path::new(directory), &ports)
        }
        other => Err(format!("expected nothing or --beside-etcd, found {other:?}").into()),
    }
}

// A store's process.

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Runs a store until its standard input ends. The first three ports are for stores, the others for clients.
fn run_store(id: u64, directory: &Path, ports: &[u16]) -> Result<(), Box<dyn Error>> {
    let config = StoreConfig::new(ClusterId(1), StoreId(id));
    let place = id as usize - 1;
    let for_stores = TcpListener::bind(local(ports[place]))?;
    let for_clients = TcpListener::bind(local(ports[3 + place]))?;
    let others = (1..=3).filter(|other| *other != id);
    let others = others.map(|other| (StoreId(other), local(ports[other as usize - 1]))).collect();
    let env = RealEnv::new(directory.join(format!("s{id}")), TcpPeers::new(others));
    bootstrap(&config, &env, &region())?;
    let mut store = Store::open(config, env)?;
    let (door, handle) = (RaftKv::new(store.handle()), store.handle());
    thread::spawn(move || peers::listen(for_stores, handle));
    thread::spawn(move || front::serve(for_clients, door));
    thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0); // as a kill does: what was acknowledged is on the disk
    });
    store.run(|| false);
    Err(store.failure().map_or("it ended".into(), |failure| failure.to_string()).into())
}

// The process that starts and measures them.

/// Processes that end with this value.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill(); // it may have ended
            let _ = child.wait();
        }
    }
}

/// Returns ports that nobody listens on now.
fn free_ports(count: usize) -> std::io::Result<Vec<u16>> {
    let listeners = (0..count).map(|_| TcpListener::bind(local(0)));
    let listeners = listeners.collect::<std::io::Result<Vec<_>>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn start(directory: &Path, ports: &[u16]) -> std::io::Result<Processes> {
    let mut processes = Processes(Vec::new());
    for id in 1..=3 {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("store").arg(id.to_string()).arg(directory);
        command.args(ports.iter().map(u16::to_string)).stdin(Stdio::piped());
        processes.0.push(command.spawn()?);
    }
    Ok(processes)
}

/// Waits for a leader that has applied an entry, and returns where its clients connect.
fn leader(ports: &[u16]) -> Result<SocketAddr, Box<dyn Error>> {
    wait_for("a leader", || {
        ports.iter().map(|port| local(*port)).find(|address| {
            let connection = Connection::open(Server::Store(*address));
            let status = connection.and_then(|mut connection| connection.line("status"));
            status
                .is_ok_and(|status| status.starts_with("leader") && !status.ends_with("applied 5"))
        })
    })
}

/// Returns what `find` finds, as soon as it does.
fn wait_for<T>(what: &str, find: impl Fn() -> Option<T>) -> Result<T, Box<dyn Error>> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = find() {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("no sign of {what} within {PATIENCE:?}").into())
}

/// Returns the last index of a leader's log.
fn last_index(leader: SocketAddr) -> Result<u64, Box<dyn Error>> {
    let status = Connection::open(Server::Store(leader))?.line("status")?;
    let last = status.split(' ').skip_while(|word| *word != "last").nth(1);
    Ok(last.ok_or(status.clone())?.parse()?)
}

/// Measures one client, then 64 at once: five times, and alternately with etcd if that is asked for.
fn measure(etcd: Option<&str>) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let ports = free_ports(6)?;
    let _stores = start(folder.path(), &ports)?;
    let leader = leader(&ports[3..])?;
    let (_members, etcd) = match etcd {
        Some(program) => {
            let (members, leader) = beside::start(program, folder.path())?;
            (Some(members), Some(leader))
        }
        None => (None, None),
    };
    println!("256 bytes a value, 16 a key; rate, and the middle and the 99th of 100 latencies");
    for (clients, count) in [(1, 1_000), (64, 16_000)] {
        let mut ratios = Vec::new();
        for _ in 0..5 {
            let before = last_index(leader)?;
            let ours = show("stores", Server::Store(leader), clients, count)?;
            println!(
                "          {:.3} entries a write",
                (last_index(leader)? - before) as f64 / count as f64
            );
            if let Some(etcd) = etcd {
                let theirs = show("etcd", Server::Etcd(etcd), clients, count)?;
                ratios.push(ours / theirs);
            }
        }
        ratios.sort_by(f64::total_cmp);
        if let [least, _, middle, _, most] = ratios[..] {
            println!("at {clients}: {middle:.2} times etcd's rate ({least:.2} to {most:.2})");
        }
    }
    Ok(())
}

/// Runs a load, prints what it came to, and returns the rate.
fn show(name: &str, server: Server, clients: usize, count: usize) -> Result<f64, Box<dyn Error>> {
    let load::Measured { rate, latency: (middle, slow) } = load::run(server, clients, count)?;
    println!("{name:>8} at {clients:>2}: {rate:>7.0} a second, {middle:>9.1?}, {slow:>9.1?}");
    Ok(rate)
}
