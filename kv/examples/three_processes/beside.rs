//! Three members of etcd on this machine, with its own settings.

use crate::load::{Connection, Server};
use crate::{Processes, free_ports, local, wait_for};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts three members, and returns them with the address of their leader.
pub(crate) fn start(
    program: &str,
    directory: &Path,
) -> Result<(Processes, SocketAddr), Box<dyn Error>> {
    let ports = free_ports(6)?;
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let cluster: Vec<_> = (0..3).map(|place| format!("e{place}={}", url(ports[place]))).collect();
    let mut members = Processes(Vec::new());
    for place in 0..3 {
        let (for_members, for_clients) = (url(ports[place]), url(ports[3 + place]));
        let mut command = Command::new(program);
        command.args(["--name", &format!("e{place}"), "--log-level", "error"]);
        command.arg("--data-dir").arg(directory.join(format!("e{place}")));
        command.args(["--listen-peer-urls", &for_members]);
        command.args(["--initial-advertise-peer-urls", &for_members]);
        command.args(["--listen-client-urls", &for_clients]);
        command.args(["--advertise-client-urls", &for_clients]);
        command.args(["--initial-cluster", &cluster.join(",")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        members.0.push(command.spawn().map_err(|error| format!("{program}: {error}"))?);
    }
    let leader = wait_for("etcd's leader", || {
        ports[3..].iter().map(|port| local(*port)).find(|address| {
            let connection = Connection::open(Server::Etcd(*address));
            let status = connection.and_then(|mut it| it.post("/v3/maintenance/status", "{}"));
            status.is_ok_and(|status| {
                let (member, leader) = (number(&status, "member_id"), number(&status, "leader"));
                member.is_some() && member == leader
            })
        })
    })?;
    Ok((members, leader))
}

/// Returns what stands behind a name in JSON, up to the next quotation mark.
fn number<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    Some(rest.split_once('"')?.0)
}
