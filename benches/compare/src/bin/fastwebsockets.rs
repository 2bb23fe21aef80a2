//! An echo server on fastwebsockets, one thread, after its own example.

use fastwebsockets::{OpCode, upgrade};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

async fn serve(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, fastwebsockets::WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    tokio::spawn(async move {
        let Ok(mut socket) = upgraded.await else { return };
        socket.set_writev(false);
        socket.set_auto_close(true);
        socket.set_auto_pong(true);
        let mut socket = fastwebsockets::FragmentCollector::new(socket);
        while let Ok(frame) = socket.read_frame().await {
            let echoed = match frame.opcode {
                OpCode::Text | OpCode::Binary => socket.write_frame(frame).await,
                OpCode::Ping | OpCode::Pong => Ok(()),
                OpCode::Close | OpCode::Continuation => return,
            };
            if echoed.is_err() {
                return;
            }
        }
    });
    Ok(response)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = compare::tokio_listener()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let _ =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(serve)).with_upgrades().await;
        });
    }
}
