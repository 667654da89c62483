//! Events for other systems: takes what audit trails say into the feeds of resellers, and sends it to their webhooks. Started by the
//! table's stream, by a schedule every minute, and by itself for the deliveries of one reseller. None of them says what happened:
//! that stands in the table.

use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::ids::ResellerId;
use shared::io::Io;
use shared::run::{deliver, feed};
use std::collections::BTreeSet;

/// What starts this function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Items of the table changed, by their keys.
    Stream {
        /// One for each change.
        #[serde(rename = "Records")]
        records: Vec<Record>,
    },
    /// Send what is due to a reseller's webhooks.
    Deliver {
        /// Whose.
        deliver: ResellerId,
    },
    /// The look of every minute.
    Look {
        /// Always true.
        look: bool,
    },
}

/// A change of an item; what is not read is left out.
#[derive(Debug, Deserialize)]
pub struct Record {
    dynamodb: Changed,
}

#[derive(Debug, Deserialize)]
struct Changed {
    #[serde(rename = "Keys")]
    keys: Keys,
}

#[derive(Debug, Deserialize)]
struct Keys {
    pk: Text,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

/// Handles one event; it may come more than once.
///
/// # Errors
/// What AWS should try again for.
pub async fn handle(io: &Io, event: LambdaEvent<Event>) -> Result<Value, Error> {
    Ok(match event.payload {
        Event::Stream { records } => {
            let hints = records.iter().map(|record| record.dynamodb.keys.pk.text.as_str());
            let trails: BTreeSet<_> = hints.filter_map(feed::trail).collect();
            let looked = feed::take(io, trails, io.clock.now()).await?;
            tracing::info!(feed.looked = ?looked, "trails changed");
            json!({ "looked": looked })
        }
        Event::Deliver { deliver } => {
            let delivered = deliver::deliver(io, &deliver).await?;
            tracing::info!(reseller.id = %deliver, feed.delivered = ?delivered, "a delivery was called for");
            json!({ "delivered": delivered })
        }
        Event::Look { look: true } => {
            let looked = feed::look(io, io.clock.now()).await?;
            tracing::info!(feed.looked = ?looked, "looked for events that wait");
            json!({ "looked": looked })
        }
        Event::Look { look: false } => json!({ "looked": null }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_stream_is_read_by_its_keys() {
        let event = json!({ "Records": [{
            "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "dynamodb": {
                "Keys": { "pk": { "S": "ENTERPRISE#ent_0#AUDIT" }, "sk": { "S": "LAST" } },
                "SequenceNumber": "111", "SizeBytes": 26, "StreamViewType": "KEYS_ONLY",
            },
        }] });
        let Event::Stream { records } = serde_json::from_value(event).unwrap() else {
            panic!("it is the stream's");
        };
        assert_eq!(records[0].dynamodb.keys.pk.text, "ENTERPRISE#ent_0#AUDIT");
        assert!(matches!(
            serde_json::from_value(json!({ "look": true })),
            Ok(Event::Look { look: true })
        ));
        assert!(serde_json::from_value::<Event>(json!({ "deliver": "nobody" })).is_err());
    }
}
