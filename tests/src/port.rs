//! Ports of loopback that stay a test's own.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

/// A port for a server that is started, killed and started again.
///
/// It is bound as long as this lives, so no other server and no outgoing connection is given it; a server of one's own still
/// may listen on it, as `SO_REUSEADDR` lets it, and while none does, connections are refused.
pub struct Port {
    address: SocketAddr,
    _bound: TcpSocket,
}

impl Port {
    /// One that was free.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self { address: socket.local_addr().unwrap(), _bound: socket }
    }

    /// Where to listen and to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.address.port()
    }
}

impl Default for Port {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Port;
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_held_port_is_refused_until_its_own_server_listens_again_and_again() {
        let port = Port::new();
        for _ in 0..2 {
            let error = TcpStream::connect(port.address()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(port.address()).unwrap();
            let _client = TcpStream::connect(port.address()).unwrap();
            listener.accept().unwrap();
        }
    }

    #[test]
    fn a_held_port_is_given_to_nobody_else() {
        let held: Vec<_> = (0..200).map(|_| Port::new()).collect();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        for _ in 0..200 {
            let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            server.accept().unwrap();
            let own = client.local_addr().unwrap().port();
            assert!(held.iter().all(|port| port.number() != own));
        }
        let mut numbers: Vec<_> = held.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), held.len());
    }
}
