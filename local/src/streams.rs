//! Lambda's side of the tables' streams on the laptop: reads what was written and hands it to the function that publishes it.

use std::collections::{BTreeMap, BTreeSet};

use aws::{Name, Service};
use publish::{Batch, Publish};
use serde::Deserialize;
use serde_json::{Value, json};
use services::Services;
use tokio::sync::Mutex;

use crate::Error;

const NAME: Name =
    Name { signing: "dynamodb", setting: "DYNAMODB", target: "DynamoDBStreams_20120810", content: aws::JSON_1_0 };

/// As many records as one invocation gets in AWS.
const BATCH: usize = 10;

/// Reads the streams of some tables.
pub(crate) struct Streams {
    publish: Publish,
    service: Service,
    services: Services,
    tables: Vec<String>,
    read: Mutex<Read>,
}

/// How far the streams are read.
#[derive(Default)]
struct Read {
    /// The shards that were found so far.
    known: BTreeSet<String>,
    /// Where those of them go on that are not read to their end, by stream and shard.
    open: BTreeMap<(String, String), String>,
}

/// From where a shard is read that was not known before.
#[derive(Clone, Copy)]
enum From {
    Beginning,
    Now,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    records: Vec<Value>,
    next_shard_iterator: Option<String>,
}

impl Streams {
    pub(crate) fn new(services: &Services, tables: Vec<String>) -> Result<Self, settings::Error> {
        Ok(Self {
            publish: Publish::new(services)?,
            service: Service::new(NAME, &services.environment, &services.https)?,
            services: services.clone(),
            tables,
            read: Mutex::default(),
        })
    }

    /// Leaves out what was written so far.
    pub(crate) async fn skip(&self) -> Result<(), Error> {
        let mut read = self.read.lock().await;
        self.find(&mut read, From::Now).await
    }

    /// Publishes what was written since the last call.
    pub(crate) async fn publish(&self) -> Result<(), Error> {
        let mut read = self.read.lock().await;
        self.find(&mut read, From::Beginning).await?;
        for ((stream, shard), iterator) in std::mem::take(&mut read.open) {
            if let Some(next) = self.follow(&stream, &shard, iterator).await? {
                read.open.insert((stream, shard), next);
            }
        }
        Ok(())
    }

    /// Looks for shards that are not known yet.
    async fn find(&self, read: &mut Read, from: From) -> Result<(), Error> {
        let from = match from {
            From::Beginning => "TRIM_HORIZON",
            From::Now => "LATEST",
        };
        for table in &self.tables {
            let described = self.services.database.client().describe_table().table_name(table).send().await;
            let described = described.map_err(|error| Error::Database(error.to_string()))?;
            let Some(stream) = described.table.and_then(|table| table.latest_stream_arn) else { continue };
            let described = self.call("DescribeStream", &json!({ "StreamArn": stream })).await?;
            let shards = described["StreamDescription"]["Shards"].as_array().into_iter().flatten();
            for shard in shards.filter_map(|shard| shard["ShardId"].as_str()) {
                if read.known.insert(shard.to_owned()) {
                    let iterator = self.iterator(&stream, shard, from).await?;
                    let opened = iterator.map(|iterator| ((stream.clone(), shard.to_owned()), iterator));
                    read.open.extend(opened);
                }
            }
        }
        Ok(())
    }

    /// Where reading a shard begins.
    async fn iterator(&self, stream: &str, shard: &str, from: &str) -> Result<Option<String>, Error> {
        let asked = json!({ "StreamArn": stream, "ShardId": shard, "ShardIteratorType": from });
        let answer = self.call("GetShardIterator", &asked).await?;
        Ok(answer["ShardIterator"].as_str().map(str::to_owned))
    }

    /// Publishes what a shard holds from here on; where it goes on, unless it has ended.
    async fn follow(&self, stream: &str, shard: &str, mut iterator: String) -> Result<Option<String>, Error> {
        loop {
            let page = match self.call("GetRecords", &json!({ "ShardIterator": iterator })).await {
                // It has forgotten what came next: all that it remembers is unread.
                Err(Error::Database(reason)) if reason.contains("TrimmedDataAccessException") => {
                    match self.iterator(stream, shard, "TRIM_HORIZON").await? {
                        Some(beginning) if beginning != iterator => {
                            iterator = beginning;
                            continue;
                        }
                        _ => return Ok(None),
                    }
                }
                page => page?,
            };
            let Page { mut records, next_shard_iterator } = serde_json::from_value(page).map_err(unreadable)?;
            let is_last = records.is_empty();
            for record in &mut records {
                record["eventSourceARN"] = stream.into();
            }
            for batch in records.chunks(BATCH) {
                let batch: Batch = serde_json::from_value(json!({ "Records": batch })).map_err(unreadable)?;
                // What cannot be told is in the log.
                self.publish.run("local-publish", &batch).await;
            }
            match next_shard_iterator {
                Some(next) if !is_last => iterator = next,
                next => return Ok(next),
            }
        }
    }

    async fn call(&self, operation: &str, asked: &Value) -> Result<Value, Error> {
        let answer = self.service.call(operation, asked.to_string()).await;
        let answer = answer.map_err(|failure| Error::Database(format!("{operation}: {}", failure.reason)))?;
        serde_json::from_slice(&answer).map_err(unreadable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn unreadable(error: serde_json::Error) -> Error {
    Error::Database(format!("its streams cannot be read: {error}"))
}
