//! Sends the spans of ended runs to a collector of OpenTelemetry (OTLP over HTTP, protobuf).
//! Invariant: a collector that is away costs spans, never a run.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::spans;
use crate::engine::shell::PLAYBOOK;
use crate::engine::state::State;
use crate::engine::{Engine, Notice};

/// Spans that are sent together at most.
const BATCH: usize = 512;
/// How long spans wait for others at most.
const PAUSE: Duration = Duration::from_secs(2);
/// How many spans wait for the collector at most; the oldest go first.
const KEPT: usize = 50_000;
/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why spans cannot be sent to an endpoint.
#[derive(Debug, thiserror::Error)]
#[error(
    "traces cannot be sent to '{endpoint}': {reason}; give the base URL of a collector, such as http://collector:4318"
)]
pub struct UnusableEndpoint {
    endpoint: String,
    reason: String,
}

/// Sends spans.
#[derive(Debug)]
pub struct Exporter {
    exporter: SpanExporter,
    waiting: VecDeque<SpanData>,
    /// Spans that were given up since the last that was sent.
    dropped: usize,
}

impl Exporter {
    /// Sends to a collector at a base URL: spans go to `/v1/traces` below it.
    ///
    /// # Errors
    /// A URL that is none, or a client that cannot be made.
    pub fn new(endpoint: &str) -> Result<Self, UnusableEndpoint> {
        let unusable = |reason: String| UnusableEndpoint {
            endpoint: endpoint.to_owned(),
            reason,
        };
        let url = url::Url::parse(endpoint).map_err(|error| unusable(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("it is no http or https URL".into()));
        }
        let client = reqwest::Client::builder().timeout(TIMEOUT).build();
        let client = client.map_err(|error| unusable(error.to_string()))?;
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender(client))
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        exporter.set_resource(&Resource::builder().with_service_name("riposte").build());
        Ok(Self {
            exporter,
            waiting: VecDeque::new(),
            dropped: 0,
        })
    }

    /// Sends the spans of runs as they end, until told to stop; then what is left.
    pub async fn follow(mut self, engine: &Engine, stop: &CancellationToken) {
        let mut notices = engine.watch();
        let mut tick = tokio::time::interval(PAUSE);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => self.send().await,
                notice = notices.recv() => match notice {
                    Ok(Notice::Ended { run, kind: PLAYBOOK, .. }) => self.add(engine, &run).await,
                    Ok(Notice::Run { .. } | Notice::Waiting { .. } | Notice::Ended { .. }) => {}
                    Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "the traces of some runs are not sent"),
                    Err(RecvError::Closed) => break,
                },
            }
            if self.waiting.len() >= BATCH {
                self.send().await;
            }
        }
        self.send().await;
    }

    async fn add(&mut self, engine: &Engine, run: &str) {
        let folded = match engine.history(run).await {
            Ok((workflow, events)) => State::fold(&workflow, &events).map(|state| spans::of(&workflow, &state)),
            Err(error) => return tracing::warn!(run.id = run, %error, "the trace of a run is not sent"),
        };
        match folded {
            Ok(spans) => self.waiting.extend(spans),
            Err(error) => tracing::warn!(run.id = run, %error, "the trace of a run is not sent"),
        }
        while self.waiting.len() > KEPT {
            self.waiting.pop_front();
            self.dropped += 1;
        }
    }

    /// Sends what waits; what the collector does not take waits for the next time.
    async fn send(&mut self) {
        while !self.waiting.is_empty() {
            let batch: Vec<SpanData> = self.waiting.iter().take(BATCH).cloned().collect();
            let count = batch.len();
            if let Err(error) = self.exporter.export(batch).await {
                tracing::warn!(%error, waiting = self.waiting.len(), "the collector takes no spans; they are sent again");
                return;
            }
            self.waiting.drain(..count);
            if std::mem::take(&mut self.dropped) > 0 {
                tracing::warn!("some spans were given up while the collector was away");
            }
        }
    }
}

/// The exporter's requests over the process's own HTTP client and TLS.
#[derive(Debug)]
struct Sender(reqwest::Client);

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let request = self.0.request(parts.method, parts.uri.to_string());
        let answer = request.headers(parts.headers).body(body).send().await?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        Ok(response.body(answer.bytes().await?)?)
    }
}
