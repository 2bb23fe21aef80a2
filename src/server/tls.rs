//! The server's certificate: loaded by `Run`, renewed while it runs.

use super::certificate::Tls;
use super::{Phase, Server, Shared};
use crate::engine::{Generation, lock};
use crate::error::{Error, Id, Language, Result};
use crate::log;
use crate::net::{ClientTrust, TlsServer, TlsSources};
use crate::options::{AskClients, Opt};
use std::time::SystemTime;

impl Server {
    /// New connections get the renewed certificate; empty sources are those of `Run`, or of the last reload.
    pub fn reload_certificate(&self, sources: TlsSources) -> Result<()> {
        let _inside = self.enter()?;
        let shared = &self.shared;
        let generation = shared.blocking_calls.generation();
        let run = {
            let state = lock(&shared.state);
            if state.phase != Phase::Running {
                return Err(Error::of(Id::NotRunning));
            }
            state.run
        };
        let before = lock(&shared.tls).as_ref().map(|tls| tls.sources.clone());
        let Some(before) = before else { return Err(Error::of(Id::NoTls)) };
        let tls = self.load_tls(generation, if sources.is_empty() { before } else { sources })?;
        let state = lock(&shared.state);
        // Stopped meanwhile: what the next run shows is its own affair.
        if state.run != run || state.phase != Phase::Running {
            return Err(Error::of(Id::Cancelled));
        }
        // Under the lock, so that a stop that comes now takes it away again.
        let before = lock(&shared.tls).replace(tls);
        drop(state);
        log::info!(shared.object.itself(), "certificate read again");
        self.discard(before);
        Ok(())
    }

    pub(super) fn set_tls(&self, tls: Option<Tls>) {
        let before = std::mem::replace(&mut *lock(&self.shared.tls), tls);
        self.discard(before);
    }

    fn discard(&self, before: Option<Tls>) {
        if let (Some(before), Some(runtime)) = (before, lock(&self.runtime).as_ref()) {
            runtime.discard(before);
        }
    }

    pub(super) fn prepare_tls(&self, generation: Generation, sources: Option<TlsSources>) -> Result<()> {
        if sources.is_none() && !self.shared.options.text(Opt::ClientCertificates).is_empty() {
            return Err(Error::of(Id::ClientCertificatesWithoutTls));
        }
        let tls = sources.map(|sources| self.load_tls(generation, sources)).transpose()?;
        self.set_tls(tls);
        Ok(())
    }

    fn load_tls(&self, generation: Generation, sources: TlsSources) -> Result<Tls> {
        let workers = lock(&self.runtime).as_ref().ok_or_else(|| Error::of(Id::Cancelled))?.workers()?;
        let who = self.shared.object.itself();
        let options = &self.shared.options;
        let ask = AskClients::read(&options.text(Opt::ClientCertificates))?;
        let clients = ask.map(|ask| ClientTrust { ask, source: options.text(Opt::ClientCAFile).to_string() });
        self.shared.blocking_calls.run(generation, &workers, move || {
            let server = TlsServer::new(sources.load()?, clients.as_ref())?;
            if let Some(warning) = server.warning(SystemTime::now()) {
                log::error!(who, "warning: {warning}");
            }
            Ok(Tls { server, sources })
        })
    }
}

impl Shared {
    pub(super) fn tls_server(&self) -> Option<TlsServer> {
        lock(&self.tls).as_ref().map(|tls| tls.server.clone())
    }

    /// What is wrong with the certificate in force.
    pub(super) fn tls_warning(&self, language: Language) -> Option<String> {
        let server = self.tls_server()?;
        server.warning(SystemTime::now()).map(|warning| warning.text(language))
    }
}
