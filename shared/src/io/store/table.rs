//! The table as `template.yaml` describes it, for engines that have to create it themselves.

use super::keys::{EXPIRES, PENDING_INDEX, PENDING_SHARD, PENDING_SINCE, PK, SK};
use crate::error::{Error, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};

/// Creates the table where it does not exist; used by the local world and by tests, never in production.
///
/// # Errors
/// `Upstream` when the engine refuses.
pub async fn create(client: &Client, name: &str) -> Result<()> {
    let failed = |error: aws_sdk_dynamodb::error::BuildError| Error::upstream("describe the table", error);
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(failed)
    };
    let element = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .map_err(failed)
    };
    let pending = GlobalSecondaryIndex::builder()
        .index_name(PENDING_INDEX)
        .key_schema(element(PENDING_SHARD, KeyType::Hash)?)
        .key_schema(element(PENDING_SINCE, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .map_err(failed)?;
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PK)?)
        .attribute_definitions(attribute(SK)?)
        .attribute_definitions(attribute(PENDING_SHARD)?)
        .attribute_definitions(attribute(PENDING_SINCE)?)
        .key_schema(element(PK, KeyType::Hash)?)
        .key_schema(element(SK, KeyType::Range)?)
        .global_secondary_indexes(pending)
        .send()
        .await;
    match created {
        Ok(_) => {}
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception()) =>
        {
            return Ok(());
        }
        Err(error) => return Err(Error::upstream("create the table", error)),
    }
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name(EXPIRES)
        .enabled(true)
        .build()
        .map_err(failed)?;
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl)
        .send()
        .await
        .map_err(|error| Error::upstream("switch the table's TTL on", error))?;
    Ok(())
}
