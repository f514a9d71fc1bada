//! A TCP proxy between the processes and the validator, that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The proxy. Its connections end when it is dropped.
pub struct Proxy {
    pub port: u16,
    /// Whether the line is up.
    up: watch::Sender<bool>,
    /// Connections that were cut, or refused while it was down.
    cut: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (up, line) = watch::channel(true);
        let cut = Arc::new(AtomicUsize::new(0));
        let count = cut.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, line.clone(), count.clone()));
            }
        });
        Self { port: own, up, cut, accepting }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Breaks every connection and takes no new one, until [`Self::mend`].
    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    pub fn mend(&self) {
        self.up.send_replace(true);
    }

    /// Connections that were broken or refused so far.
    pub fn broken(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(mut client: TcpStream, port: u16, mut line: watch::Receiver<bool>, cut: Arc<AtomicUsize>) {
    let through = async {
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        copy_bidirectional(&mut client, &mut server).await
    };
    tokio::select! {
        biased;
        _ = line.wait_for(|up| !up) => { cut.fetch_add(1, Ordering::Relaxed); }
        // Whichever end closed, both are closed by now.
        _ = through => {}
    }
}
