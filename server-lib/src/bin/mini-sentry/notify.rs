//! Tells systemd how the service stands, when it asks for that.

use std::os::unix::net::UnixDatagram;

/// Sends the state to the socket that systemd names; does nothing without one.
pub(crate) fn notify(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let sent = UnixDatagram::unbound().and_then(|socket| send(&socket, &name, state));
    if let Err(error) = sent {
        tracing::warn!(error = %error, "systemd was not told {state}");
    }
}

fn send(socket: &UnixDatagram, name: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.to_str().and_then(|name| name.strip_prefix('@')) {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        socket.send_to_addr(state.as_bytes(), &address)?;
        return Ok(());
    }
    socket.send_to(state.as_bytes(), name)?;
    Ok(())
}
